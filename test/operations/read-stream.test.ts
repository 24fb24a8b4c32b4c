/** Remote files as streams: parts, back-pressure, lost connections, failures. */
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'
import { describe, expect, it, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { clientOptions, REMOTE, serving } from '../hazards/support/attempt.ts'
import { describeServers } from '../servers/vitest.ts'
import { fakeFtpServer, type FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'

const CONTENT = randomBytes(2_000_003, 'streams')

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none', 'explicit'] },
  (server) => {
    it('gives all of a file, a part of it, and the reason where there is none', async () => {
      const { url, user, password, ca } = server()
      await using ftp = new FtpClient(url, { user, password, tls: { ca }, maxConnections: 1 })
      server().write('file', CONTENT)
      server().write('empty', '')
      server().write('text', 'Grüße')
      expect(CONTENT.equals(await ftp.readFile('file'))).toBe(true)
      for (const [start, end] of [
        [0, 0],
        [1, 70_000],
        [1_999_999, 5_000_000],
        [2_000_003, 2_000_010],
      ] as const) {
        const part = await ftp.readFile('file', { start, end })
        expect(part.equals(CONTENT.subarray(start, end + 1))).toBe(true)
      }
      expect(await ftp.readFile('empty')).toHaveLength(0)
      expect(await ftp.readFile('text', { encoding: 'utf8' })).toBe('Grüße')
      await expect(ftp.readFile('missing')).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      await ftp.mkdir('folder')
      await expect(ftp.readFile('folder')).rejects.toMatchObject({ code: 'ERR_FTP_IS_DIRECTORY' })
      // All of it by one connection, cut a few times.
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })
  },
)

function reading<T>(server: FakeFtpOptions, read: (ftp: FtpClient) => Promise<T>): Promise<T> {
  return expectNoLeaks(async () => {
    await using running = await fakeFtpServer(serving(CONTENT, server))
    await using ftp = new FtpClient(await clientOptions(running, { maxConnections: 1 }))
    return await read(ftp)
  })
}

describe.each(['none', 'explicit'] as const)('security %s', (security) => {
  test('a slow consumer is not outrun: no more is read than it has room for', async () => {
    let slowest = 0
    await reading({ security }, async (ftp) => {
      const stream = ftp.createReadStream(REMOTE, { highWaterMark: 100_000 })
      const chunks: Buffer[] = []
      const slow = new Writable({
        highWaterMark: 1,
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(chunk)
          slowest = Math.max(slowest, stream.readableLength)
          setTimeout(done, 1)
        },
      })
      await pipeline(stream, slow)
      expect(Buffer.concat(chunks).equals(CONTENT)).toBe(true)
    })
    expect(slowest).toBeLessThan(300_000)
  })

  test('a lost connection is made good, and no byte comes twice', async () => {
    const whole = await reading(
      {
        security,
        fault: ({ number }) => (number < 3 ? { kind: 'cut', afterBytes: 500_000, by: 'rst' } : undefined),
      },
      (ftp) => ftp.readFile(REMOTE),
    )
    expect(whole.equals(CONTENT)).toBe(true)
  })

  test('a stream that is destroyed gives its connection back', async () => {
    await reading({ security, bytesPerSecond: 2_000_000 }, async (ftp) => {
      const stream = ftp.createReadStream(REMOTE)
      await once(stream, 'data')
      stream.destroy()
      await once(stream, 'close')
      expect(await ftp.size(REMOTE)).toBe(CONTENT.length)
    })
  })
})

test('another file where it was to go on is an error, and never a mixture', async () => {
  const failure = await reading(
    { fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 500_000, by: 'fin' } : undefined) },
    async (ftp) => {
      const stream = ftp.createReadStream(REMOTE)
      stream.once('data', () => CONTENT.copy(CONTENT, 0, 1))
      return await stream.toArray().catch((error: unknown) => error)
    },
  )
  expect(failure).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
})

test('an end without all the bytes destroys the stream: it does not end', async () => {
  const failure = await reading(
    { fault: { kind: 'cut', afterBytes: 1_000, by: 'fin', reply: '226 done' } },
    async (ftp) => await ftp.readFile(REMOTE).catch((error: unknown) => error),
  )
  expect(failure).toMatchObject({ code: 'ERR_FTP_TRUNCATED' })
})
