/** Uploads that go on where an earlier one has come to, or where they were paused; and their checksums. */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { scriptedServer, type ScriptedControl } from '../support/scripted-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { CONTENT, storing, upload } from './attempt.ts'

const SOME = randomBytes(3_000_001, 'gone on with')
const OTHER = randomBytes(3_000_001, 'something else')

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none', 'explicit'] },
  (server, { kind }) => {
    const onDisk = (name: string): Promise<Buffer> => readFile(join(server().root, name))
    const client = (options: FtpClientOptions = {}): FtpClient => {
      const { url, user, password, ca } = server()
      return new FtpClient(url, { user, password, tls: { ca }, ...options })
    }

    it('resume: what is there is compared, and only the rest is sent', async () => {
      await using folder = await temporaryDirectory()
      const path = folder.at('some')
      await writeFile(path, SOME)
      await using ftp = client()
      const cases = [
        ['begun', SOME.subarray(0, 1_234_567), 1_234_567],
        ['one byte', SOME.subarray(0, 1), 1],
        ['whole', SOME, SOME.length],
        ['other', OTHER.subarray(0, 1_234_567), 0],
        ['longer', Buffer.concat([SOME, OTHER]), 0],
        ['empty', Buffer.alloc(0), 0],
      ] as const
      for (const [name, there, resumedBytes] of cases) {
        await ftp.writeFile(name, there)
        const result = await ftp.upload(path, name, { resume: true })
        expect([name, result.resumedBytes]).toEqual([name, resumedBytes])
        expect(result).toMatchObject({ bytes: SOME.length, verified: { size: 'matched' } })
        expect([name, SOME.equals(await onDisk(name))]).toEqual([name, true])
      }
      expect((await ftp.upload(path, 'nothing there', { resume: true })).resumedBytes).toBe(0)
      expect((await ftp.upload(Buffer.from('text'), 'a text', { resume: true })).bytes).toBe(4)
    })

    it('resume and atomic: what fails stays under its other name, and the next attempt takes it up', async () => {
      await using ftp = client()
      await ftp.mkdir('parts')
      await ftp.writeFile('parts/file', 'older')
      const failing = ftp.upload(SOME, 'parts/file', {
        ...{ resume: true, atomic: true, bytesPerSecond: 4_000_000 },
        on: {
          progress: ({ bytes }) => {
            if (bytes > 500_000) failing.cancel(new Error('enough'))
          },
        },
      })
      await expect(failing).rejects.toThrow('enough')
      expect((await onDisk('parts/file')).toString()).toBe('older')
      const result = await ftp.upload(SOME, 'parts/file', { resume: true, atomic: true })
      expect(result.resumedBytes).toBeGreaterThan(0)
      expect(SOME.equals(await onDisk('parts/file'))).toBe(true)
      expect(await readdir(join(server().root, 'parts'))).toEqual(['file'])
    })

    it('a pause gives the connection back, and it goes on where it was', async () => {
      await using ftp = client({ maxConnections: 1 })
      const transfer = ftp.upload(SOME, 'paused', { bytesPerSecond: 6_000_000 })
      const states: string[] = []
      transfer.on('state', ({ state }) => states.push(state))
      await new Promise<void>((resolve) => {
        transfer.on('progress', ({ bytes }) => {
          if (bytes > 500_000) resolve()
        })
      })
      await transfer.pause()
      expect(transfer.state).toBe('paused')
      expect(await ftp.exists('paused')).toBe(true) // By the one connection there is.
      transfer.resume()
      const result = await transfer
      expect(result.verified.size).toBe('matched')
      expect(SOME.equals(await onDisk('paused'))).toBe(true)
      expect(states).toEqual([
        ...['connecting', 'transferring', 'paused', 'transferring', 'verifying', 'complete'],
      ])
    })

    it('of a stream a pause holds the connection: its bytes would not come again', async () => {
      await using ftp = client()
      const pieces = Array.from({ length: 46 }, (_, turn) =>
        SOME.subarray(turn * 65_536, (turn + 1) * 65_536),
      )
      const transfer = ftp.upload(Readable.from(pieces), 'streamed', { bytesPerSecond: 6_000_000 })
      await new Promise<void>((resolve) => {
        transfer.on('progress', ({ bytes }) => {
          if (bytes > 500_000) resolve()
        })
      })
      await transfer.pause()
      expect(transfer.state).toBe('paused')
      transfer.resume()
      expect((await transfer).verified.size).toBe('matched')
      expect(SOME.equals(await onDisk('streamed'))).toBe(true)
    })

    it('the checksum of the server is compared, where it makes one', async () => {
      await using folder = await temporaryDirectory()
      await writeFile(folder.at('some'), SOME)
      await using ftp = client()
      for (const source of [
        folder.at('some'),
        SOME,
        Readable.from([SOME.subarray(0, 99), SOME.subarray(99)]),
      ]) {
        const result = await ftp.upload(source, 'checked', { checksum: 'auto' })
        expect(result.verified.checksum).toBe(kind === 'proftpd' ? 'matched' : 'unavailable')
        if (kind === 'proftpd') expect(result.checksum).toMatchObject({ origin: 'server' })
      }
      expect((await ftp.upload(SOME, 'sized', { allocate: true })).verified.size).toBe('matched')
    })
  },
)

/** REST is refused, as by a ProFTPD that is not told otherwise. */
async function refusingRest(control: ScriptedControl): Promise<void> {
  await control.expect('TYPE I').reply('200 fine')
  await control.expect('SIZE file').reply('213 100000')
  const end = await control.passive()
  await control.expect('REST 34464').reply('350 go on')
  await control.expect('RETR file').reply('150 here it comes')
  await end.write(CONTENT.subarray(34_464, 100_000))
  await end.end()
  control.reply('226 done')
  await control.passive()
  await control.expect('REST 100000').reply('350 go on')
  await control.expect('STOR file').reply('451 append and restart not permitted')
  await control.expect('SIZE file').reply('213 100000')
}

describe('an upload that goes on', () => {
  test('by APPE where REST is refused', async () => {
    const { result, error } = await upload(
      async (control) => {
        await refusingRest(control)
        const data = await control.passive()
        await control.expect('REST 0').reply('350 fine')
        await control.expect('APPE file').reply('150 go on')
        expect(CONTENT.subarray(100_000).equals(await data.readToEnd())).toBe(true)
        await data.end()
        control.reply('226 done')
        await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
      },
      CONTENT,
      { resume: true },
    )
    expect(error).toBeUndefined()
    expect(result).toMatchObject({ resumedBytes: 100_000, bytes: CONTENT.length, resentBytes: 0 })
  })

  test('from its beginning where that is refused as well', async () => {
    const { result, error } = await upload(
      async (control) => {
        await refusingRest(control)
        await control.passive()
        await control.expect('REST 0').reply('350 fine')
        await control.expect('APPE file').reply('550 not permitted')
        const data = await control.passive()
        await control.expect('STOR file').reply('150 go on')
        expect(CONTENT.equals(await data.readToEnd())).toBe(true)
        await data.end()
        control.reply('226 done')
        await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
      },
      CONTENT,
      { resume: true },
    )
    expect(error).toBeUndefined()
    expect(result).toMatchObject({ bytes: CONTENT.length })
  })

  test('nowhere but at the beginning, where nobody may read what is there', async () => {
    const { result } = await upload(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        await control.expect('SIZE file').reply('213 100000')
        await control.passive()
        await control.expect('REST 34464').reply('350 go on')
        await control.expect('RETR file').reply('550 a drop box')
        const data = await control.passive()
        await control.expect('REST 0').reply('350 fine')
        await control.expect('STOR file').reply('150 go on')
        expect(CONTENT.equals(await data.readToEnd())).toBe(true)
        await data.end()
        control.reply('226 done')
        await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
      },
      CONTENT,
      { resume: true },
    )
    expect(result).toMatchObject({ resumedBytes: 0, bytes: CONTENT.length })
  })

  test.each([
    [{ resume: true, append: true }, /exclude/],
    [{ resume: true, type: 'ascii' }, /binary/],
    [{ resume: true, overwrite: 'error' }, /exclude/],
  ] as const)('%j makes no sense', (options, message) => {
    const ftp = new FtpClient('ftp://127.0.0.1:1')
    expect(() => ftp.upload(SOME, 'file', options)).toThrow(message)
  })

  test('not from a stream', async () => {
    const ftp = new FtpClient('ftp://127.0.0.1:1')
    await expect(ftp.upload(Readable.from(['a']), 'file', { resume: true })).rejects.toThrow(TypeError)
  })
})

describe('what a server is told, and tells', () => {
  test('ALLO, which most need not know; no room is a refusal', async () => {
    const { result } = await upload(
      async (control) => {
        await control.expect(`ALLO ${CONTENT.length}`).reply('202 no need')
        const data = await storing(control)
        control.reply('150 go on')
        await data.readToEnd()
        await data.end()
        control.reply('226 done')
        await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
      },
      CONTENT,
      { allocate: true },
    )
    expect(result?.bytes).toBe(CONTENT.length)
    const full = async (control: ScriptedControl): Promise<void> => {
      await control.expect(/^ALLO /).reply('552 no room for that')
    }
    const { error } = await upload(full, CONTENT, { allocate: true })
    expect(error).toMatchObject({ reply: { code: 552 }, command: `ALLO ${CONTENT.length}` })
  })

  test('EBCDIC is TYPE E, and of its size nothing is said', async () => {
    const { result } = await upload(
      async (control) => {
        await control.expect('TYPE E').reply('200 EBCDIC it is')
        const data = await control.passive()
        await control.expect('STOR file').reply('150 go on')
        await data.readToEnd()
        await data.end()
        control.reply('226 done')
      },
      CONTENT,
      { type: 'ebcdic' },
    )
    expect(result?.verified).toEqual({ size: 'not asked', modified: 'not asked', checksum: 'not asked' })
  })

  test('another checksum than that of what was sent is an error', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready')
      await control.expect(/^USER /).reply('230 come in')
      await control.expect('FEAT').reply('211-These', ' XCRC', '211 End')
      const data = await storing(control)
      control.reply('150 go on')
      await data.readToEnd()
      await data.end()
      control.reply('226 done')
      await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
      await control.expect(/^XCRC "?file"?$/).reply('250 DEADBEEF')
    })
    const { host, port } = server
    await using ftp = new FtpClient({ host, port, security: 'none' })
    await expect(ftp.upload(CONTENT, 'file', { checksum: 'auto' })).rejects.toMatchObject({
      ...{ code: 'ERR_FTP_CHECKSUM_MISMATCH', actual: 'deadbeef' },
    })
  })
})
