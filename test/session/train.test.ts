/** Transfers one behind the other, the next asked for ahead of the last reply: on every real server, byte by byte. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DataReceiver } from '../../src/connection/receiver.ts'
import { clientSettings } from '../../src/options.ts'
import { command } from '../../src/protocol/command.ts'
import { openSession } from '../../src/session/open-session.ts'
import { unknownServer, type ServerProfile } from '../../src/session/server-profile.ts'
import type { Session } from '../../src/session/session.ts'
import { Train, type Arrival } from '../../src/session/train.ts'
import { describeServers } from '../servers/vitest.ts'
import type { RunningServer } from '../servers/types.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { scriptedServer, type ScriptedControl } from '../support/scripted-server.ts'
import { letIn, open } from './logged-in.ts'

class Taker implements DataReceiver {
  readonly #chunks: Buffer[] = []
  #room = Buffer.alloc(0)

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  space(): Uint8Array {
    this.#room = Buffer.alloc(4_096)
    return this.#room
  }

  received(bytes: number): 'more' {
    this.#chunks.push(this.#room.subarray(0, bytes))
    return 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}

const CONTENT = randomBytes(100_000, 'train')
const NOTHING = { before: [], watchesEnd: false }

function receive(train: Train, path: string): Promise<Arrival & { taker: Taker }> {
  const receiver = new Taker()
  const step = { ...NOTHING, sent: command('RETR', path), receiver }
  return train.receive(step).then((arrival) => ({ ...arrival, taker: receiver }))
}

async function sessionOf(server: RunningServer, profile: ServerProfile): Promise<Session> {
  const { host, port, user, password, tls, ca } = server
  const options = { host, port, user, password, security: tls, ...(tls !== 'none' && { tls: { ca } }) }
  const { session } = clientSettings(options)
  return openSession(session, profile, new AbortController().signal)
}

describeServers({ kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'] }, (server) => {
  test('forty files, some empty, some missing, and a directory made on the way', async () => {
    const { root } = server()
    const sizes = Array.from({ length: 40 }, (_, index) => (index % 9 === 4 ? 0 : index * 1_371))
    await mkdir(join(root, 'small'), { recursive: true })
    const contents = sizes.map((size, index) => Buffer.alloc(size, `file ${index} `))
    await Promise.all(contents.map((bytes, index) => writeFile(join(root, 'small', `${index}`), bytes)))
    await expectNoLeaks(async () => {
      const profile = unknownServer()
      const session = await sessionOf(server(), profile)
      const train = await Train.on(session)
      const confirmations: Promise<void>[] = []
      for (const [index, bytes] of contents.entries()) {
        if (index % 11 === 7)
          await expect(receive(train, 'small/missing')).rejects.toMatchObject({ retryable: false })
        const { taker, confirmed } = await receive(train, `small/${index}`)
        expect(taker.bytes.equals(bytes), `file ${index}`).toBe(true)
        confirmations.push(confirmed)
      }
      await Promise.all(confirmations)
      await train.end()
      expect(profile.trains).toBe('work')
      expect(await session.isReady()).toBe(true)
      await session.quit()
    })
  })

  test('forty files sent, each with the facts of the one before', async () => {
    const { root } = server()
    const ftp = await sessionOf(server(), unknownServer())
    const train = await Train.on(ftp)
    await train.ask([command('MKD', 'sent')])
    const contents = Array.from({ length: 40 }, (_, index) => Buffer.alloc(index * 1_777, `sent ${index} `))
    for (const [index, bytes] of contents.entries()) {
      const before = index === 0 ? [] : [command('SIZE', `sent/${index - 1}`)]
      const step = {
        before,
        watchesEnd: false,
        sent: command('STOR', `sent/${index}`),
        receiver: new Taker(),
      }
      const { replies } = await train.send(step, bytes)
      if (index > 0) expect(replies[0]).toMatchObject({ code: 213, lines: [String((index - 1) * 1_777)] })
    }
    await ftp.quit()
    for (const [index, bytes] of contents.entries()) {
      expect((await readFile(join(root, 'sent', `${index}`))).equals(bytes), `file ${index}`).toBe(true)
    }
  })
})

/** Plays `dialogue` behind the login, and gives what two files asked for one behind the other came to. */
async function twoFiles(
  dialogue: (control: ScriptedControl) => Promise<void>,
  profile: ServerProfile = unknownServer(),
): Promise<unknown[]> {
  return expectNoLeaks(async () => {
    await using scripted = await scriptedServer(async (control) => {
      await letIn(control)
      await control.expect('TYPE I').reply('200 fine')
      await dialogue(control)
    })
    const session = await open(scripted, { timeouts: { reply: 1_000, completion: 1_000 } }, { profile })
    const outcomes: unknown[] = []
    try {
      const train = await Train.on(session)
      for (const name of ['a', 'b']) {
        const { taker, confirmed } = await receive(train, name)
        outcomes.push(taker.bytes.toString())
        if (name === 'b') await confirmed
      }
    } catch (error) {
      outcomes.push(error)
    }
    session.destroy(new Error('over'))
    return outcomes
  })
}

/** `a`, whole and confirmed with the answer to the next EPSV. */
async function firstFile(control: ScriptedControl): Promise<void> {
  const data = await control.passive()
  await control.expect('RETR a').reply('150 here it comes')
  await data.write('first')
  await data.end()
}

test('the second is asked for in one packet, while the 226 of the first is still to come', async () => {
  const profile = unknownServer()
  const outcomes = await twoFiles(async (control) => {
    await firstFile(control)
    const second = await control.passive({ reply: (_, port) => `226 that was a\r\n229 here (|||${port}|)` })
    await control.expect('RETR b').reply('150 here it comes')
    await second.write('second')
    await second.end()
    control.reply('226 that was b')
  }, profile)
  expect(outcomes).toEqual(['first', 'second'])
  expect(profile.trains).toBe('work')
})

test('a server known to take one command at a time gets one at a time', async () => {
  const profile = { ...unknownServer(), trains: 'fail' as const }
  const outcomes = await twoFiles(async (control) => {
    await control.expect('EPSV')
    await control.expectNothing(50)
    const data = await control.answerPassive('EPSV')
    await control.expect('RETR a').reply('150 here it comes')
    await data.write('first')
    await data.end()
    await control.expectNothing(50)
    control.reply('226 that was a')
    const second = await control.passive()
    await control.expect('RETR b').reply('150 here it comes')
    await second.write('second')
    await second.end()
    control.reply('226 that was b')
  }, profile)
  expect(outcomes).toEqual(['first', 'second'])
})

test('a server that drops what comes behind a command is noticed, and not asked in that way again', async () => {
  const profile = unknownServer()
  const outcomes = await twoFiles(async (control) => {
    await control.passive()
    await control.expect('RETR a')
    await control.closed
  }, profile)
  expect(outcomes).toMatchObject([{ code: 'ERR_FTP_TIMEOUT' }])
  expect(profile.trains).toBe('fail')
})

test('a server that hangs up over several commands is noticed', async () => {
  const profile = unknownServer()
  const outcomes = await twoFiles(async (control) => {
    await control.expect('EPSV')
    await control.expect('RETR a')
    await control.end()
  }, profile)
  expect(outcomes).toMatchObject([{ code: 'ERR_FTP_CONTROL_CLOSED' }])
  expect(profile.trains).toBe('fail')
})

test('answers out of order are noticed, and no file is taken for another', async () => {
  const profile = { ...unknownServer(), trains: 'work' as const }
  const outcomes = await twoFiles(async (control) => {
    await firstFile(control)
    await control.passive({ reply: (_, port) => `229 here (|||${port}|)\r\n226 that was a` })
    await control.expect('RETR b')
    await control.closed
  }, profile)
  expect(outcomes).toMatchObject(['first', { code: 'ERR_FTP_MALFORMED_REPLY' }])
})

test('one that refuses the port refuses the file, and the train goes on', async () => {
  const outcomes = await twoFiles(async (control) => {
    await control.expect('EPSV').reply('425 no port left')
    await control.expect('RETR a').reply('425 no port was asked for')
    await control.closed
  })
  expect(outcomes).toMatchObject([{ name: 'FtpReplyError', reply: { code: 425 } }])
})

test('a file cut short is not confirmed, although the next has been asked for', async () => {
  const outcomes = await twoFiles(async (control) => {
    await firstFile(control)
    const second = await control.passive({ reply: (_, port) => `426 cut short\r\n229 here (|||${port}|)` })
    await control.expect('RETR b').reply('150 here it comes')
    await second.write('half')
    await second.end()
    control.reply('426 cut short')
  })
  expect(outcomes.at(-1)).toMatchObject({ name: 'FtpReplyError', reply: { code: 426 } })
})

test('a late 226 of an earlier transfer is not taken for an answer', async () => {
  const outcomes = await twoFiles(async (control) => {
    await firstFile(control)
    control.reply('226 that was a')
    const second = await control.passive()
    await control.expect('RETR b').reply('125 it comes already')
    await second.write('second')
    await second.end()
    control.reply('226-that was b', '226 and this is all')
  })
  expect(outcomes).toEqual(['first', 'second'])
})

test('under TLS vsftpd hears at once that nothing will be sent; its bytes come all the same', async () => {
  await using scripted = await scriptedServer(async (control) => {
    control.reply('220 (vsFTPd 3.0.3)')
    await control.expect('AUTH TLS').reply('234 go on')
    await control.startTls()
    await control.expect(/^USER /).reply('230 come in')
    await control.expect('PBSZ 0').reply('200 fine')
    await control.expect('PROT P').reply('200 fine')
    await control.expect('FEAT').reply('502 no such thing')
    await control.expect('OPTS UTF8 ON').reply('502 no such thing')
    await control.expect('TYPE I').reply('200 fine')
    const data = await control.passive()
    await control.expect('RETR a').reply('150 here it comes')
    await data.secure()
    // Nothing has been sent that would make it end: were this the other way round, both would wait.
    expect(await data.departed).toBe('end')
    await data.write(CONTENT)
    await data.end()
    control.reply('226 that was a')
  })
  const { ca } = await certificate()
  const session = await open(scripted, { security: 'explicit', tls: { ca }, timeouts: { data: 2_000 } })
  const { taker, confirmed } = await receive(await Train.on(session), 'a')
  await confirmed
  expect(taker.bytes.equals(CONTENT)).toBe(true)
  session.destroy(undefined)
})
