import { readdir, readFile, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FtpClient } from '../src/client.ts'
import type { DownloadOptions } from '../src/segmented/options.ts'
import { fakeFtpServer, type FakeFtpServer } from './support/fake-ftp-server.ts'
import { firstDifference } from './support/first-difference.ts'
import { expectNoLeaks } from './support/leaks.ts'
import { patternFile } from './support/pattern-file.ts'
import { temporaryDirectory, type TemporaryDirectory } from './support/temporary-directory.ts'

const FILE = patternFile(3_000_001, 'client')
const SMALL: DownloadOptions = { minSegmentSize: 100_000 }

let directory: TemporaryDirectory
let server: FakeFtpServer

beforeEach(async () => {
  directory = await temporaryDirectory()
  server = await fakeFtpServer({ files: { '/pub/a.bin': FILE, '/empty': Buffer.alloc(0) } })
})

afterEach(async () => {
  await server.close()
  await directory[Symbol.asyncDispose]()
})

const clientOf = (options: object = {}): FtpClient =>
  new FtpClient(`ftp://127.0.0.1:${server.port}`, { password: 'hunter2-secret', user: 'octo', ...options })

describe('what is given wrongly is refused before any connection', () => {
  const wrongDownloads: [string, (client: FtpClient) => unknown, RegExp][] = [
    ['an empty remote path', (client) => client.download('', 'a'), /remote path is empty/],
    [
      'no path',
      (client) => client.download(undefined as never, 'a'),
      /remote path must be a string or bytes/,
    ],
    ['a line end', (client) => client.download('a\r\nDELE b', 'a'), /remote path may not hold CR, LF or NUL/],
    [
      'a line end in bytes',
      (client) => client.download(Uint8Array.of(97, 10), 'a'),
      /may not hold CR, LF or NUL/,
    ],
    ['NUL', (client) => client.download('a\0b', 'a'), /may not hold CR, LF or NUL/],
    ['no local path', (client) => client.download('a', ''), /local path is empty/],
    ['a local path with NUL', (client) => client.download('a', 'a\0b'), /local path is empty or holds NUL/],
    [
      'a local path of another type',
      (client) => client.download('a', 7 as never),
      /local path must be a string/,
    ],
    [
      'too many connections',
      (client) => client.download('a', 'a', { connections: 9 }),
      /"connections" is 9.*1 to 8/,
    ],
  ]

  test.each(wrongDownloads)('%s', (_what, act, message) => {
    const client = clientOf()
    expect(() => act(client)).toThrow(message)
    expect(server.logins).toEqual([])
    expect(client.progress().transfers).toBe(0)
    client.destroy()
  })

  test('a URL with a path: a client is for a server', () => {
    expect(() => new FtpClient('ftp://127.0.0.1/pub')).toThrow(/leave out the path/)
    expect(() => new FtpClient('ftp://127.0.0.1/pub')).toThrow(TypeError)
  })

  test('a URL, an object, or both; not neither', () => {
    expect(() => new FtpClient(undefined as never)).toThrow(TypeError)
    expect(() => new FtpClient({})).toThrow(/"host" is missing/)
    new FtpClient(new URL('ftp://127.0.0.1')).destroy()
    new FtpClient({ host: '127.0.0.1' }).destroy()
  })
})

describe('download', () => {
  test('brings the file by several connections, and gives the facts', async () => {
    const client = clientOf()
    const transfer = client.download('/pub/a.bin', directory.at('a.bin'), SMALL)
    expect(client.progress().transfers).toBe(1)
    const result = await transfer
    expect(await firstDifference(directory.at('a.bin'), FILE)).toBeUndefined()
    expect(result).toMatchObject({
      path: directory.at('a.bin'),
      bytes: FILE.size,
      tls: undefined,
      refetchedBytes: 0,
    })
    expect(result.connections).toBeGreaterThan(1)
    expect(result.verified).toEqual({ size: 'matched', modified: 'matched', checksum: 'not asked' })
    await client.close()
    expect(client.progress()).toMatchObject({
      transfers: 0,
      bytes: 0,
      bytesPerSecond: 0,
      activeConnections: 0,
    })
  })

  test('a hundred of them at once share the connections that are allowed', async () => {
    const client = clientOf({ maxConnections: 3 })
    const targets = Array.from({ length: 100 }, (_, index) => directory.at(`empty-${index}`))
    await Promise.all(targets.map((target) => client.download('/empty', target)))
    expect(server.logins.length).toBeLessThanOrEqual(3)
    expect((await readdir(directory.path)).length).toBe(100)
    expect(client.stats()).toMatchObject({ open: client.stats().idle })
    await client.close()
  })

  test('one that fails harms no other, nor the client', async () => {
    const client = clientOf()
    const [missing, there] = await Promise.allSettled([
      client.download('/none', directory.at('none')),
      client.download('/pub/a.bin', directory.at('a.bin'), SMALL),
    ])
    expect(missing).toMatchObject({ status: 'rejected', reason: { code: 'ERR_FTP_NOT_FOUND' } })
    expect(there.status).toBe('fulfilled')
    await client.download('/empty', directory.at('empty'))
    expect((await readdir(directory.path)).sort()).toEqual(['a.bin', 'empty'])
    await client.close()
  })
})

describe('the end', () => {
  test('close() lets what runs come to its end, takes nothing new, and leaves nothing', async () => {
    await expectNoLeaks(async () => {
      const client = clientOf()
      const running = client.download('/pub/a.bin', directory.at('a.bin'), SMALL)
      const closed = client.close()
      expect(client.close()).toBe(closed)
      await expect(client.download('/empty', directory.at('empty'))).rejects.toMatchObject({
        code: 'ERR_FTP_CLOSED',
      })
      await running
      await closed
      expect(await firstDifference(directory.at('a.bin'), FILE)).toBeUndefined()
    })
  })

  test('destroy() cuts what runs: it rejects with the reason, the older target stands, nothing is left', async () => {
    await writeFile(directory.at('a.bin'), 'old')
    const reason = { not: 'an error' }
    await expectNoLeaks(async () => {
      const client = clientOf()
      const running = client.download('/pub/a.bin', directory.at('a.bin'), {
        ...SMALL,
        on: { segment: () => client.destroy(reason) },
      })
      await expect(running).rejects.toBe(reason)
      client.destroy(new Error('again'))
      await client.close()
    })
    expect(await readFile(directory.at('a.bin'), 'utf8')).toBe('old')
    expect(await readdir(directory.path)).toEqual(['a.bin'])
  })

  test('destroy() without a reason: ERR_FTP_CLOSED, for those that wait as well', async () => {
    const client = clientOf({ maxConnections: 1 })
    const both = [1, 2].map((index) =>
      client.download('/pub/a.bin', directory.at(`${index}`), { connections: 1 }),
    )
    client.destroy()
    for (const outcome of await Promise.allSettled(both)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'ERR_FTP_CLOSED', retryable: false },
      })
    }
  })

  test('a client that was never used closes at once', async () => {
    const client = clientOf()
    await client.close()
    await client[Symbol.asyncDispose]()
    expect(server.logins).toEqual([])
  })
})

test('inspected or serialised, a client does not show the password', () => {
  const client = clientOf()
  expect(inspect(client, { depth: 20, showHidden: true })).not.toContain('hunter2')
  expect(JSON.stringify(client)).not.toContain('hunter2')
  client.destroy()
})
