/** What the matrix leaves out, on real servers: odd sizes, odd names, logins, limits, active mode, IPv6, refusals. */
import { closeSync, openSync, readSync } from 'node:fs'
import { chmod, open, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { expect, it, onTestFinished } from 'vitest'
import { download, FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { firstDifference } from '../support/first-difference.ts'
import type { VirtualFile } from '../support/pattern-file.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const REAL_SERVERS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']
const SOME = randomBytes(3_000_001, 'some')

function login({ user, password, ca }: RunningServer): FtpClientOptions {
  return { user, password, tls: { ca } }
}

function clientOf(server: RunningServer, options: FtpClientOptions = {}): FtpClient {
  return new FtpClient(server.url, { ...login(server), ...options })
}

describeServers({ kinds: REAL_SERVERS, securities: ['none', 'explicit'] }, (server, { tls }) => {
  it.each([0, 1, 3, 4_096, 65_537])('brings a file of %i bytes by up to four connections', async (size) => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    const content = randomBytes(size, `size ${size}`)
    server().write(`sizes/${size}`, content)
    const result = await ftp.download(`sizes/${size}`, folder.at('file'), {
      connections: 4,
      minSegmentSize: 1,
    })
    expect(content.equals(await readFile(folder.at('file')))).toBe(true)
    expect(result).toMatchObject({ bytes: size, refetchedBytes: 0 })
    expect(result.verified.size).toBe('matched')
  })

  it('brings names with blanks, brackets, quotes and letters of other alphabets', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    for (const name of [' leading', 'in [brackets]', 'a "quoted" name', 'Grüße-文件-🐙', "it's 100% #1?"]) {
      server().write(`names/${name}`, name)
      await ftp.download(`names/${name}`, folder.at('file'))
      expect(await readFile(folder.at('file'), 'utf8')).toBe(name)
    }
  })

  it('gives the file the time that it has on the server', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    const modified = new Date('2021-02-28T23:59:58Z')
    await utimes(server().write('old', 'old'), modified, modified)
    const result = await ftp.download('old', folder.at('old'))
    expect(result.verified.modified).toBe('matched')
    expect((await stat(folder.at('old'))).mtime).toEqual(modified)
    await ftp.download('old', folder.at('new'), { preserveModified: false })
    expect((await stat(folder.at('new'))).mtimeMs).toBeGreaterThan(Date.parse('2026-01-01'))
  })

  it('lets the server make the data connections (active mode)', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server(), { mode: 'active' })
    server().write('some.bin', SOME)
    const result = await ftp.download('some.bin', folder.at('some.bin'), {
      connections: 3,
      minSegmentSize: 65_536,
    })
    expect(SOME.equals(await readFile(folder.at('some.bin')))).toBe(true)
    expect(result.refetchedBytes).toBe(0)
    if (tls !== 'none') expect(result.tls?.dataSessions).toBeGreaterThan(0)
  })

  it('converts line ends when asked for text', async () => {
    await using folder = await temporaryDirectory()
    server().write('text', 'one\ntwo\n')
    const result = await download(`${server().url}/text;type=a`, folder.at('text'), login(server()))
    expect(await readFile(folder.at('text'), 'utf8')).toBe('one\ntwo\n')
    expect(result.verified.size).toBe('unavailable')
  })

  it('tells a missing file, a directory and a forbidden file apart', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    server().write('folder/inside', 'inside')
    const forbidden = server().write('forbidden', 'not for you')
    await chmod(forbidden, 0o000)
    await writeFile(folder.at('target'), 'older')
    await expect(ftp.download('missing', folder.at('target'))).rejects.toMatchObject({
      code: 'ERR_FTP_NOT_FOUND',
    })
    await expect(ftp.download('folder', folder.at('target'))).rejects.toMatchObject({
      code: 'ERR_FTP_IS_DIRECTORY',
    })
    // As root this process may read it, and so may a server that keeps its rights.
    await expect(ftp.download('forbidden', folder.at('target'))).rejects.toMatchObject({
      code: 'ERR_FTP_NOT_PERMITTED',
    })
    expect(await readFile(folder.at('target'), 'utf8')).toBe('older')
  })

  it('refuses a wrong password once, for all who wait', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server(), { password: 'not the password', timeouts: { reply: 25_000 } })
    const calls = [1, 2, 3].map((n) => ftp.download('some.bin', folder.at(`wrong-${n}`)))
    const errors = (await Promise.allSettled(calls)).map(
      (call) => (call as PromiseRejectedResult).reason as unknown,
    )
    expect(errors).toHaveLength(3)
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_FTP_LOGIN', retryable: false })
    expect(JSON.stringify(errors)).not.toContain('not the password')
  })

  it('cancels in the middle and goes on with the next', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    await truncate(server().write('large', ''), 300_000_000)
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const first = ftp.download('large', folder.at('large'), { signal: controller.signal })
    first.on('progress', () => controller.abort(reason))
    first.on('segment', () => controller.abort(reason))
    await expect(first).rejects.toBe(reason)
    server().write('small', 'small')
    await ftp.download('small', folder.at('small'))
    expect(await readFile(folder.at('small'), 'utf8')).toBe('small')
    expect(ftp.stats().leased).toBe(0)
  })

  it('shares one client between one-shots', async () => {
    await using folder = await temporaryDirectory()
    server().write('some.bin', SOME)
    const options = { ...login(server()), connections: 2, minSegmentSize: 65_536 }
    const calls = [1, 2, 3, 4].map((n) => download(`${server().url}/some.bin`, folder.at(`${n}`), options))
    await Promise.all(calls)
    for (const n of [1, 2, 3, 4]) expect(SOME.equals(await readFile(folder.at(`${n}`)))).toBe(true)
  })

  // The same code whatever protects the bytes; under TLS it would only take longer.
  const hugeToo = tls === 'none' ? it : () => undefined
  hugeToo(
    'brings a file past 4 GiB, its boundaries right',
    async () => {
      await using folder = await temporaryDirectory()
      await using ftp = clientOf(server())
      const size = 2 ** 32 + 3_000_001
      const source = server().write('huge', '')
      await truncate(source, size)
      await markAt(source, [0, 2 ** 31 - 2_000, 2 ** 32 - 2_000, size - 5_000])
      const result = await ftp.download('huge', folder.at('huge'), { connections: 3 })
      expect(result).toMatchObject({ bytes: size, refetchedBytes: 0 })
      expect(await firstDifference(folder.at('huge'), onDisk(source, size))).toBeUndefined()
    },
    120_000,
  )
})

describeServers({ kinds: REAL_SERVERS, securities: ['none', 'explicit'], address: '::1' }, (server) => {
  it('speaks IPv6, passive and active', async () => {
    await using folder = await temporaryDirectory()
    server().write('some.bin', SOME)
    for (const mode of ['passive', 'active'] as const) {
      await using ftp = clientOf(server(), { mode })
      await ftp.download('some.bin', folder.at(mode), { connections: 2, minSegmentSize: 65_536 })
      expect(SOME.equals(await readFile(folder.at(mode)))).toBe(true)
    }
  })
})

describeServers({ kinds: REAL_SERVERS, securities: ['none'], anonymous: true }, (server) => {
  it('logs in as anonymous where no user is given', async () => {
    await using folder = await temporaryDirectory()
    server().write('public', 'for all')
    await download(`${server().url}/public`, folder.at('public'))
    expect(await readFile(folder.at('public'), 'utf8')).toBe('for all')
  })
})

describeServers({ kinds: REAL_SERVERS, securities: ['none', 'explicit'], maxConnections: 3 }, (server) => {
  it('goes on with fewer connections where the server allows only three', async () => {
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    await truncate(server().write('large', ''), 200_000_000)
    const refused: unknown[] = []
    const transfer = ftp.download('large', folder.at('large'), { connections: 8 })
    transfer.on('connection', ({ type, error }) => {
      if (type === 'refused') refused.push(error)
    })
    const result = await transfer
    expect(result.bytes).toBe(200_000_000)
    expect(result.connections).toBeLessThanOrEqual(3)
    expect(refused).not.toEqual([])
  })
})

function onDisk(path: string, size: number): VirtualFile {
  const descriptor = openSync(path, 'r')
  onTestFinished(() => {
    closeSync(descriptor)
  })
  return {
    size,
    content: (offset, length, into = Buffer.alloc(length)) =>
      into.subarray(0, readSync(descriptor, into, 0, length, offset)),
  }
}

async function markAt(path: string, offsets: readonly number[]): Promise<void> {
  await using file = await open(path, 'r+')
  for (const offset of offsets) await file.write(randomBytes(4_096, `mark ${offset}`), 0, 4_096, offset)
}
