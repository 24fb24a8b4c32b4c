/** What basic-ftp's suite expects of transfers (download, upload, fileTransfer, listings, TransferWatchdog). */
import { createReadStream } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { FtpClient, TransferProgress } from '../../../src/index.ts'
import { deferred } from '../../../src/util/deferred.ts'
import { letIn } from '../../session/logged-in.ts'
import { randomBytes } from '../../support/random-bytes.ts'
import type { ScriptedControl, ScriptedData } from '../../support/scripted-server.ts'
import { turnOfTheLoop } from '../../support/scripted/script-data.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { withClient, withFakeServer } from './every-cut.ts'

const DOS = '12-05-96  05:03PM       <DIR>          papers\r\n'
const MLSD = 'type=file;size=1; one\r\n'

async function begin(control: ScriptedControl): Promise<void> {
  await letIn(control)
  await control.expect('TYPE I').reply('200 Fine')
}

/** Of a stream that is sent the server is asked first what is there. */
async function beginStream(control: ScriptedControl): Promise<void> {
  await begin(control)
  await control.expect('SIZE notes').reply('550 Nothing')
}

/** Whether `ftp` can go on with the connection that it has. */
async function isUsable(ftp: FtpClient): Promise<boolean> {
  const { open } = ftp.stats()
  return (await ftp.modified('still there')) instanceof Date && open === 1 && ftp.stats().open === 1
}

async function answerUsable(control: ScriptedControl): Promise<void> {
  await control.expect('MDTM still there').reply('213 20010101000000')
}

describe('a listing', () => {
  type Step = 'begin' | 'data' | 'end' | 'done'

  test.each<[string, Step[], string, string]>([
    ['the data before the last reply', ['begin', 'data', 'end', 'done'], '125', '250'],
    ['the last reply before the data', ['begin', 'done', 'data', 'end'], '125', '250'],
    ['data before the first reply', ['data', 'begin', 'end', 'done'], '125', '250'],
    ['all data before the first reply', ['data', 'end', 'begin', 'done'], '125', '250'],
    ['150', ['begin', 'data', 'end', 'done'], '150', '226'],
    ['200 in place of 226', ['begin', 'data', 'end', 'done'], '125', '200'],
    // basic-ftp waits for it until time is over.
    ['no first reply', ['data', 'end', 'done'], '', '226'],
  ])('%s', async (_what, steps, first, last) => {
    await withClient(
      async (control) => {
        await begin(control)
        const data = await control.passive()
        await control.expect('MLSD')
        for (const step of steps) await take(step, control, data, first, last)
        await answerUsable(control)
      },
      async (ftp) => {
        expect(await ftp.listAll()).toMatchObject([{ name: 'one', type: 'file' }])
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  async function take(
    step: Step,
    control: ScriptedControl,
    data: ScriptedData,
    first: string,
    last: string,
  ): Promise<void> {
    if (step === 'data') await data.write(MLSD)
    else if (step === 'end') await data.end()
    else control.reply(step === 'begin' ? `${first} Here` : `${last} Done`)
    await control.flushed()
    await turnOfTheLoop()
  }

  test.each([500, 451])(
    '%i behind all of the data is an error, and the connection is as good',
    async (code) => {
      await withClient(
        async (control) => {
          await begin(control)
          const data = await control.passive()
          await control.expect('MLSD').reply('150 Here')
          await data.write(MLSD)
          await data.end()
          control.reply(`${code} Error`)
          await answerUsable(control)
        },
        async (ftp) => {
          await expect(ftp.listAll()).rejects.toMatchObject({ name: 'FtpReplyError', reply: { code } })
          expect(await isUsable(ftp)).toBe(true)
        },
      )
    },
  )

  // basic-ftp tries `LIST -a` before LIST; some servers take that for a name and list nothing (its issue #273).
  test('MLSD that is not known is LIST, from then on', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        await control.passive()
        await control.expect('MLSD').reply('500 Never heard of it')
        await control.expect('SYST').reply('215 UNIX')
        for (let time = 0; time < 2; time++) {
          const data = await control.passive()
          await control.expect('LIST').reply('150 Here')
          await data.write(DOS)
          await data.end()
          control.reply('226 Done')
        }
      },
      async (ftp) => {
        for (let time = 0; time < 2; time++) {
          expect(await ftp.listAll()).toMatchObject([{ name: 'papers', type: 'directory' }])
        }
      },
    )
  })

  test('of a server that has no MLST is LIST at once', async () => {
    await withClient(
      async (control) => {
        control.reply('220 Hello')
        await control.expect('USER octo').reply('230 Come in')
        await control.expect('FEAT').reply('211-What there is:', ' SIZE', '211 End')
        await control.expect('SYST').reply('215 UNIX')
        await control.expect('TYPE I').reply('200 Fine')
        const data = await control.passive()
        await control.expect('LIST').reply('150 Here')
        await data.write(DOS)
        await data.end()
        control.reply('226 Done')
      },
      async (ftp) => expect(await ftp.listAll()).toMatchObject([{ name: 'papers', type: 'directory' }]),
    )
  })

  // basic-ftp tries the next command after any refusal.
  test('MLSD that is refused for another reason is refused', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        await control.passive()
        await control.expect('MLSD').reply('554 Not for you')
        await answerUsable(control)
      },
      async (ftp) => {
        await expect(ftp.listAll()).rejects.toMatchObject({ reply: { code: 554 } })
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  test('names whose bytes come one by one', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        const data = await control.passive()
        await control.expect('MLSD').reply('150 Here')
        await data.writeInPieces('type=file; €\r\ntype=file; 海豚', 1)
        await data.end()
        control.reply('226 Done')
      },
      async (ftp) => {
        expect((await ftp.listAll()).map(({ name }) => name)).toEqual(['€', '海豚'])
      },
    )
  })
})

const SIZES = [0, 5, 45_017, 1_050_000]

describe('a download', () => {
  const PATH = '/notes.bin'

  test.each(SIZES)(
    'of %i bytes, into memory and into a file that is new',
    async (size) => {
      const content = randomBytes(size, 'downloads')
      await using folder = await temporaryDirectory()
      await withFakeServer({ files: { [PATH]: content } }, async (ftp) => {
        expect(content.equals(await ftp.readFile(PATH))).toBe(true)
        const local = folder.at(`file ${Math.random()}`)
        await ftp.download(PATH, local)
        expect(content.equals(await readFile(local))).toBe(true)
      })
    },
    60_000,
  )

  test('into a file that is there replaces it', async () => {
    await using folder = await temporaryDirectory()
    const content = Buffer.from('short')
    await withFakeServer({ files: { [PATH]: content } }, async (ftp) => {
      await writeFile(folder.at('notes'), 'something longer')
      await ftp.download(PATH, folder.at('notes'))
      expect(await readFile(folder.at('notes'), 'utf8')).toBe('short')
    })
  })

  // basic-ftp writes what comes from there into any file; here only what an earlier run has left is gone on with.
  test('from an offset', async () => {
    const content = Buffer.from('a text to begin in the middle of')
    await withFakeServer({ files: { [PATH]: content } }, async (ftp, server) => {
      expect(await ftp.readFile(PATH, { start: 4, encoding: 'utf8' })).toBe(content.toString().slice(4))
      expect(server.retrievals).toMatchObject([{ offset: 4 }])
    })
  })

  test('into a folder that is missing', async () => {
    await using folder = await temporaryDirectory()
    await withFakeServer({ files: { [PATH]: Buffer.from('x') } }, async (ftp) => {
      await expect(ftp.download(PATH, folder.at('missing', 'notes')).result).rejects.toMatchObject({
        code: 'ERR_FTP_LOCAL_FILE',
        cause: { code: 'ENOENT' },
      })
    })
  })

  // basic-ftp has emptied the older file by then.
  test.each([true, false])(
    'that fails leaves the folder as it was: older file there: %s',
    async (isThere) => {
      await using folder = await temporaryDirectory()
      if (isThere) await writeFile(folder.at('notes'), 'older')
      await withFakeServer(
        {
          files: { [PATH]: Buffer.from('x') },
          epsv: { refused: '500 Error' },
          pasv: { refused: '500 Error' },
        },
        async (ftp) => {
          const failing = ftp.download(PATH, folder.at('notes')).result
          await expect(failing).rejects.toMatchObject({ reply: { code: 500 } })
          expect(await readdir(folder.path)).toEqual(isThere ? ['notes'] : [])
          if (isThere) expect(await readFile(folder.at('notes'), 'utf8')).toBe('older')
        },
      )
    },
  )

  /** Of ten bytes, so far as `play` sends them. */
  async function retrieving(
    control: ScriptedControl,
    size: string,
    play: (data: ScriptedData) => Promise<void>,
  ): Promise<void> {
    await begin(control)
    await control.expect('SIZE notes').reply(size)
    const data = await control.passive()
    await control.expect('RETR notes')
    await play(data)
    await answerUsable(control)
  }

  test.each<[string, () => Writable, object]>([
    [
      'fails',
      () => new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space')) }),
      { message: 'no space' },
    ],
    [
      'is closed',
      () => {
        const closing: Writable = new Writable({ write: () => void closing.destroy() })
        return closing
      },
      { code: 'ERR_STREAM_PREMATURE_CLOSE' },
    ],
  ])('whose destination %s', async (_what, destination, expected) => {
    await withClient(
      (control) =>
        retrieving(control, '213 10', async (data) => {
          control.reply('150 Here')
          await data.write('one')
          await data.departed
          control.reply('426 Cut')
        }),
      async (ftp) => {
        const copying = pipeline(ftp.createReadStream('notes'), destination())
        await expect(copying).rejects.toMatchObject(expected)
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  test('whose data come before the reply that announces them', async () => {
    await withClient(
      (control) =>
        retrieving(control, '213 10', async (data) => {
          await data.write('0123456789')
          await data.end()
          await data.delivered()
          control.reply('150 Here')
          control.reply('226 Done')
        }),
      async (ftp) => {
        expect(await ftp.readFile('notes', { encoding: 'utf8' })).toBe('0123456789')
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  // basic-ftp fails in both cases. The bytes decide where their number is known: nothing is missing.
  test.each([
    ['213 10', '0123456789'],
    ['550 Unknown', undefined],
  ])('with an error behind the last byte, SIZE being %s', async (size, content) => {
    await withClient(
      (control) =>
        retrieving(control, size, async (data) => {
          control.reply('150 Here')
          await data.write('0123456789')
          await data.end()
          control.reply('500 Error')
        }),
      async (ftp) => {
        const reading = ftp.readFile('notes', { encoding: 'utf8' })
        if (content === undefined) await expect(reading).rejects.toMatchObject({ reply: { code: 500 } })
        else expect(await reading).toBe(content)
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  test('whose data connection is reset when all is there and told', async () => {
    await withClient(
      (control) =>
        retrieving(control, '213 10', async (data) => {
          control.reply('150 Here')
          await data.write('0123456789')
          await data.delivered()
          control.reply('226 Done')
          await control.flushed()
          await data.reset()
        }),
      async (ftp) => {
        expect(await ftp.readFile('notes', { encoding: 'utf8' })).toBe('0123456789')
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  test('whose data connection is reset before', async () => {
    await withClient(
      (control) =>
        retrieving(control, '213 10', async (data) => {
          control.reply('150 Here')
          await data.write('01234')
          await data.reset()
          control.reply('426 Lost')
        }),
      async (ftp) => {
        await expect(ftp.readFile('notes')).rejects.toMatchObject({
          name: 'FtpReplyError',
          reply: { code: 426 },
        })
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  // basic-ftp takes it for whole.
  test('that is shorter than SIZE, and is said to be done', async () => {
    await withClient(
      (control) =>
        retrieving(control, '213 10', async (data) => {
          control.reply('150 Here')
          await data.write('01234')
          await data.end()
          control.reply('226 Done')
        }),
      async (ftp) => {
        await expect(ftp.readFile('notes')).rejects.toMatchObject({ code: 'ERR_FTP_TRUNCATED' })
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })
})

describe('an upload', () => {
  async function stored(control: ScriptedControl, data: ScriptedData, expected: Buffer): Promise<void> {
    await control.expect('STOR notes').reply('150 Send')
    expect(expected.equals(await data.readToEnd())).toBe(true)
    await data.end()
    control.reply('226 Done')
  }

  test.each(SIZES)(
    'of %i bytes, from a stream',
    async (size) => {
      const content = randomBytes(size, 'uploads')
      await withClient(
        async (control) => {
          await begin(control)
          await stored(control, await control.passive(), content)
          await answerUsable(control)
        },
        async (ftp) => {
          await ftp.upload(Readable.from([content]), 'notes', { verify: false })
          expect(await isUsable(ftp)).toBe(true)
        },
      )
    },
    60_000,
  )

  test('nothing is sent before the server is ready', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        const data = await control.passive()
        await control.expect('STOR notes')
        await data.accepted
        let isAsked = false
        void data.readToEnd().then(() => (isAsked = true))
        await sleep(20)
        expect(isAsked).toBe(false)
        control.reply('150 Send')
        expect(await data.readToEnd()).toEqual(Buffer.from('short'))
        await data.end()
        control.reply('226 Done')
      },
      (ftp) => ftp.writeFile('notes', 'short', { verify: false }),
    )
  })

  test('asks for a port by EPSV, then PASV', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        await control.expect('EPSV').reply('500 Never heard of it')
        await stored(control, await control.passive({ command: 'PASV' }), Buffer.from('short'))
      },
      (ftp) => ftp.writeFile('notes', 'short', { verify: false }),
    )
  })

  test.each([
    ['a refusal', '500 Never heard of it', { code: 'ERR_FTP_UNSUPPORTED', reply: { code: 500 } }],
    ['no address', '227 No address', { code: 'ERR_FTP_MALFORMED_REPLY', received: 'No address' }],
    ['another code', '200 Fine', { code: 'ERR_FTP_MALFORMED_REPLY' }],
  ])('fails by %s to both', async (_what, reply, expected) => {
    await withClient(
      async (control) => {
        await begin(control)
        await control.expect('EPSV').reply('500 Never heard of it')
        await control.expect('PASV').reply(reply)
      },
      async (ftp, server) => {
        await expect(ftp.writeFile('notes', 'short')).rejects.toMatchObject(expected)
        expect(server.commands[0]?.slice(0, 5)).toEqual(['USER octo', 'FEAT', 'TYPE I', 'EPSV', 'PASV'])
      },
    )
  })

  test('fails where nobody listens at the port', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        await control.expect('EPSV').reply('500 Never heard of it')
        await control.passive({ command: 'PASV', port: 'closed' })
      },
      async (ftp) => {
        await expect(ftp.writeFile('notes', 'short')).rejects.toMatchObject({
          code: 'ERR_FTP_DATA',
          cause: { code: 'ECONNREFUSED' },
        })
      },
    )
  })

  // basic-ftp refuses another host than that of the control connection; the latter is what is connected to here.
  test('goes to the host of the control connection, whatever PASV names', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        await control.expect('EPSV').reply('500 Never heard of it')
        const reply = (_command: string, port: number): string =>
          `227 Entering Passive Mode (192,0,2,41,${port >> 8},${port & 255})`
        await stored(control, await control.passive({ command: 'PASV', reply }), Buffer.from('short'))
      },
      (ftp) => ftp.writeFile('notes', 'short', { verify: false }),
    )
  })

  /** A server that is cut off while it takes the file. */
  async function cutOff(control: ScriptedControl): Promise<void> {
    await beginStream(control)
    const data = await control.passive()
    await control.expect('STOR notes').reply('150 Send')
    await data.departed
    control.reply('426 Cut')
    await answerUsable(control)
  }

  test.each<[string, () => Readable, object]>([
    ['had failed', () => new Readable().destroy(new Error('spilt ink')), { message: 'spilt ink' }],
    ['fails before it is read', () => createReadStream('/no/such/file'), { code: 'ENOENT' }],
    ['fails at the first read', () => failing([], new Error('spilt ink')), { message: 'spilt ink' }],
    ['fails later', () => failing(['the beginning'], new Error('spilt ink')), { message: 'spilt ink' }],
  ])('whose source %s', async (_what, source, expected) => {
    await withClient(cutOff, async (ftp) => {
      await expect(ftp.upload(source(), 'notes').result).rejects.toMatchObject(expected)
      expect(await isUsable(ftp)).toBe(true)
    })
  })

  function failing(chunks: string[], error: Error): Readable {
    return new Readable({
      read() {
        const chunk = chunks.shift()
        if (chunk === undefined) this.destroy(error)
        else this.push(chunk)
      },
    })
  }

  /** Gives something, and then nothing and no end; `onDry` is told. */
  function stalled(onDry: () => void = () => {}): Readable {
    let isDry = false
    return new Readable({
      read() {
        if (isDry) return onDry()
        isDry = true
        this.push('the beginning')
      },
    })
  }

  test('that the server refuses half-way, while the source has nothing to give', async () => {
    await withClient(
      async (control) => {
        await beginStream(control)
        const data = await control.passive()
        await control.expect('STOR notes').reply('150 Send')
        await data.accepted
        control.reply('552 Full')
        await data.departed
        await answerUsable(control)
      },
      async (ftp) => {
        await expect(ftp.upload(stalled(), 'notes').result).rejects.toMatchObject({ reply: { code: 552 } })
        expect(await isUsable(ftp)).toBe(true)
      },
    )
  })

  test('whose connections are lost, while the source has nothing to give', async () => {
    await withClient(
      async (control) => {
        await beginStream(control)
        const data = await control.passive()
        await control.expect('STOR notes').reply('150 Send')
        await data.accepted
        await control.flushed()
        control.destroy()
        await data.reset()
      },
      async (ftp) => {
        await expect(ftp.upload(stalled(), 'notes').result).rejects.toMatchObject({
          name: 'FtpConnectionError',
        })
      },
    )
  })

  test('that is cancelled, while the source has nothing to give', async () => {
    await withClient(cutOff, async (ftp) => {
      const upload = ftp.upload(
        stalled(() => void setImmediate(() => upload.cancel(new Error('enough')))),
        'notes',
      )
      await expect(upload.result).rejects.toThrow('enough')
      expect(await isUsable(ftp)).toBe(true)
    })
  })
})

describe('progress', () => {
  test('begins at nothing, and ends at all', async () => {
    const content = randomBytes(45_017, 'progress')
    await using folder = await temporaryDirectory()
    await withFakeServer({ files: { '/a': content, '/b': content } }, async (ftp) => {
      const [seenA, seenB]: TransferProgress[][] = [[], []]
      const a = ftp.download('/a', folder.at('a'), { on: { progress: (progress) => seenA?.push(progress) } })
      const b = ftp.download('/b', folder.at('b'), { on: { progress: (progress) => seenB?.push(progress) } })
      expect(a.progress).toMatchObject({ bytes: 0 })
      expect(ftp.progress()).toMatchObject({ transfers: 2, bytes: 0 })
      await Promise.all([a, b])
      for (const seen of [seenA, seenB]) {
        expect(seen?.at(-1)).toMatchObject({ bytes: content.length, total: content.length, fraction: 1 })
      }
      expect(ftp.progress()).toMatchObject({ transfers: 0, bytes: 0 })
    })
  })
})

describe('silence on a data connection', () => {
  const data = 300
  const options = { timeouts: { data } }
  const long = (): Promise<void> => sleep(3 * data)

  async function retrieving(control: ScriptedControl): Promise<ScriptedData> {
    await begin(control)
    await control.expect('SIZE notes').reply('213 10')
    const opened = await control.passive()
    await control.expect('RETR notes').reply('150 Here')
    return opened
  }

  test.each(['', '01234'])('is the end of a download, behind "%s"', async (before) => {
    await withClient(
      async (control) => {
        const opened = await retrieving(control)
        await opened.write(before)
        await opened.departed
        control.reply('426 Cut')
      },
      async (ftp) => {
        const failure = { code: 'ERR_FTP_TIMEOUT', phase: 'data', afterMs: data }
        await expect(ftp.readFile('notes')).rejects.toMatchObject(failure)
      },
      options,
      'bytes',
    )
  })

  test('is none where bytes come, however slowly', async () => {
    await withClient(
      async (control) => {
        const opened = await retrieving(control)
        for (const byte of '0123456789') {
          await sleep(data / 3)
          await opened.write(byte)
        }
        await opened.end()
        control.reply('226 Done')
      },
      async (ftp) => expect(await ftp.readFile('notes', { encoding: 'utf8' })).toBe('0123456789'),
      options,
      'bytes',
    )
  })

  test('is none where the destination has no room', async () => {
    let read = deferred<undefined>()
    await withClient(
      async (control) => {
        const opened = await retrieving(control)
        await opened.write('0123')
        await read.promise
        await opened.write('4567')
        await long()
        await opened.write('89')
        await opened.end()
        control.reply('226 Done')
      },
      async (ftp) => {
        const received: Buffer[] = []
        for await (const chunk of ftp.createReadStream('notes', { highWaterMark: 1 })) {
          received.push(chunk as Buffer)
          read.resolve(undefined)
          if (received.length === 1) await sleep(4 * data)
        }
        expect(Buffer.concat(received).toString()).toBe('0123456789')
        read = deferred()
      },
      options,
      'bytes',
    )
  })

  test('is none where the source has nothing to give', async () => {
    await withClient(
      async (control) => {
        await begin(control)
        const opened = await control.passive()
        await control.expect('STOR notes').reply('150 Send')
        expect(await opened.readToEnd()).toEqual(Buffer.from('0123456789'))
        await opened.end()
        control.reply('226 Done')
      },
      async (ftp) => {
        const source = async function* (): AsyncGenerator<string> {
          yield '01234'
          await long()
          yield '56789'
        }
        await ftp.upload(source(), 'notes', { verify: false })
      },
      options,
      'bytes',
    )
  })
})
