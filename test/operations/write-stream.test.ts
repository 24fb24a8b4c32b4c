/** Remote files as streams to write to: back-pressure, places, failures. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { letIn } from '../session/logged-in.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { scriptedServer, type ScriptedControl } from '../support/scripted-server.ts'

const CONTENT = randomBytes(3_000_001, 'written')

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none', 'explicit'] },
  (server) => {
    const client = (): FtpClient => {
      const { url, user, password, ca } = server()
      return new FtpClient(url, { user, password, tls: { ca }, maxConnections: 1 })
    }
    const onDisk = (name: string): Buffer => readFileSync(join(server().root, name))

    it('takes what is written, of whatever sizes, and says when all of it is there', async () => {
      await using ftp = client()
      const sizes = [1, 0, 70_000, 3, 262_144, 1_000_000]
      const pieces: Buffer[] = []
      for (let at = 0; at < CONTENT.length;) {
        const size = sizes[pieces.length % sizes.length] ?? 1
        pieces.push(CONTENT.subarray(at, at + size))
        at += size
      }
      await pipeline(Readable.from(pieces, { objectMode: false }), ftp.createWriteStream('written'))
      expect(onDisk('written').equals(CONTENT)).toBe(true)
      await pipeline(Readable.from([]), ftp.createWriteStream('empty'))
      expect(onDisk('empty')).toHaveLength(0)
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })

    it('writes where it is told to: behind the end, or from a place on', async () => {
      await using ftp = client()
      await ftp.writeFile('there', '0123456789')
      await pipeline(Readable.from(['ab']), ftp.createWriteStream('there', { append: true }))
      expect(onDisk('there').toString()).toBe('0123456789ab')
      await pipeline(Readable.from(['XYZ']), ftp.createWriteStream('there', { start: 10 }))
      expect(onDisk('there').toString()).toBe('0123456789XYZ')
    })

    it('copies from one file to another, and memory that is used again does no harm', async () => {
      await using ftp = new FtpClient(server().url, {
        ...{ user: server().user, password: server().password, tls: { ca: server().ca } },
        maxConnections: 2,
      })
      writeFileSync(join(server().root, 'source'), CONTENT)
      await pipeline(ftp.createReadStream('source'), ftp.createWriteStream('copy'))
      expect(onDisk('copy').equals(CONTENT)).toBe(true)
      const stream = ftp.createWriteStream('again', { highWaterMark: 1 })
      const memory = Buffer.alloc(100_000)
      for (let turn = 0; turn < 20; turn++) {
        memory.fill(turn)
        await new Promise((resolve) => stream.write(memory, resolve))
      }
      stream.end()
      await once(stream, 'finish')
      const again = onDisk('again')
      expect(again).toHaveLength(2_000_000)
      expect([...again].every((byte, index) => byte === Math.floor(index / 100_000))).toBe(true)
    })

    it('a missing directory is an error of the stream, and the session goes on', async () => {
      await using ftp = client()
      const failing = pipeline(Readable.from(['a']), ftp.createWriteStream('no/such/file'))
      await expect(failing).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      await ftp.writeFile('fine', 'b')
      expect(ftp.stats().open).toBe(1)
    })
  },
)

async function refusing(
  dialogue: (control: ScriptedControl) => Promise<void>,
  use: (ftp: FtpClient) => Promise<void>,
): Promise<void> {
  await expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control) => {
      await letIn(control)
      await control.expect('TYPE I').reply('200 binary')
      await dialogue(control)
    })
    const { host, port } = server
    await using ftp = new FtpClient({ host, port, security: 'none', retry: { attempts: 1 } })
    await use(ftp)
  })
}

describe('what goes wrong with a stream to write to', () => {
  it('a full disk in the middle is what the producer hears', async () => {
    await refusing(
      async (control) => {
        const data = await control.passive()
        await control.expect('STOR file').reply('150 go on')
        await control.delay(50)
        await data.reset()
        control.reply('552 Disk full')
      },
      async (ftp) => {
        const endless = (function* () {
          for (;;) yield Buffer.alloc(65_536)
        })()
        await expect(pipeline(endless, ftp.createWriteStream('file'))).rejects.toMatchObject({
          reply: { code: 552 },
        })
      },
    )
  })

  it('fewer bytes on the server than were written are a failure', async () => {
    await refusing(
      async (control) => {
        const data = await control.passive()
        await control.expect('STOR file').reply('150 go on')
        await data.readToEnd()
        await data.end()
        control.reply('226 all of it')
        await control.expect('SIZE file').reply('213 3')
      },
      async (ftp) => {
        const writing = pipeline(Readable.from(['four']), ftp.createWriteStream('file'))
        await expect(writing).rejects.toMatchObject({
          ...{ code: 'ERR_FTP_SIZE_MISMATCH', expected: 4, actual: 3 },
        })
      },
    )
  })

  it('options that exclude each other, and a client that is closed', async () => {
    const ftp = new FtpClient('ftp://127.0.0.1:1')
    expect(() => ftp.createWriteStream('a', { start: 1, append: true })).toThrow(TypeError)
    await ftp.close()
    expect(() => ftp.createWriteStream('a')).toThrow(/closed/)
  })
})
