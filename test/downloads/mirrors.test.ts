/** Several mirrors as one source: they share the work, and one that lies, fails or changes costs nothing but time. */
import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  download,
  FtpClient,
  type DownloadResult,
  type DownloadSource,
  type OneShotDownloadOptions,
  type Transfer,
  type TransferEvents,
} from '../../src/index.ts'
import { certificate } from '../support/certificates.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MIB = 1_048_576
const SIZE = 8 * MIB + 1_234
const CONTENT = randomBytes(SIZE, 'mirrors')
const OTHER = randomBytes(SIZE, 'another file of the same size')
const PATH = '/pub/file.bin'
const BRISK: OneShotDownloadOptions['retry'] = {
  ...{ attempts: 3, minDelay: 1, maxDelay: 5, factor: 1, jitter: 0 },
}
/** Slow enough that each of the connections has something to do. */
const SPEED = 6_000_000

type Dropped = TransferEvents['source']

interface Outcome {
  readonly result: DownloadResult
  readonly dropped: readonly Dropped[]
  readonly restarts: readonly TransferEvents['restart'][]
  readonly servers: readonly FakeFtpServer[]
}

interface Mirrored extends FakeFtpOptions {
  readonly content?: Buffer
  readonly path?: string
}

interface Asked {
  readonly options?: OneShotDownloadOptions
  readonly during?: (transfer: Transfer<DownloadResult>, servers: readonly FakeFtpServer[]) => void
  /** What stands at the target, or beside it. */
  readonly before?: (target: string, servers: readonly FakeFtpServer[]) => Promise<void>
}

/** The file from all of them at once; it has to be right. */
function fetchFrom(mirrors: readonly Mirrored[], asked: Asked = {}): Promise<Outcome> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const servers = await Promise.all(
      mirrors.map(({ content = CONTENT, path = PATH, ...options }) =>
        fakeFtpServer({
          ...{ security: 'none', bytesPerSecond: SPEED, files: { [path]: content } },
          ...options,
        }),
      ),
    )
    try {
      const target = folder.at('file.bin')
      await asked.before?.(target, servers)
      const sources = servers.map((server, index) => server.url(mirrors[index]?.path ?? PATH))
      const dropped: Dropped[] = []
      const restarts: TransferEvents['restart'][] = []
      const transfer = download(sources, target, {
        ...{ connections: 4, retry: BRISK },
        on: { source: (event) => void dropped.push(event), restart: (event) => void restarts.push(event) },
        ...asked.options,
      })
      asked.during?.(transfer, servers)
      const result = await transfer
      expect((await readFile(target)).equals(CONTENT)).toBe(true)
      expect(result.bytes).toBe(SIZE)
      expect(transfer.progress.bytes).toBe(SIZE)
      return { result, dropped, restarts, servers }
    } finally {
      await Promise.all(servers.map((server) => server.close()))
    }
  })
}

const noDates = { unsupported: ['MDTM'] }

function bytesOf({ result }: Outcome): number[] {
  return result.sources.map(({ bytes }) => bytes)
}

describe('mirrors that agree', () => {
  test('each brings its part, from its own path, by as many connections in all as were asked for', async () => {
    const outcome = await fetchFrom([{}, { path: '/mirrors/b/file.bin' }])
    expect(outcome.dropped).toEqual([])
    expect(outcome.result).toMatchObject({ connections: 4, refetchedBytes: 0, verified: { size: 'matched' } })
    const [a = 0, b = 0] = bytesOf(outcome)
    expect(a + b).toBe(SIZE)
    expect(Math.min(a, b)).toBeGreaterThan(SIZE / 8)
    expect(outcome.servers.map(({ logins }) => logins.length)).toEqual([2, 2])
    expect(outcome.result.sources.map(({ url }) => url)).toEqual([
      `ftp://127.0.0.1:${outcome.servers[0]?.port}//pub/file.bin`,
      `ftp://127.0.0.1:${outcome.servers[1]?.port}//mirrors/b/file.bin`,
    ])
  })

  test('the download is traced once, as one of the mirror that is named first', async () => {
    const traced: object[] = []
    const ended: object[] = []
    const nothing = (): void => {}
    const subscribers = {
      ...{ start: (facts: object) => void traced.push({ ...facts }), end: nothing, error: nothing },
      ...{ asyncStart: nothing, asyncEnd: (facts: object) => void ended.push(facts) },
    }
    const channel = tracingChannel('octoftp:transfer')
    channel.subscribe(subscribers)
    try {
      const { servers, result } = await fetchFrom([{}, { path: '/mirrors/b/file.bin' }])
      const facts = { type: 'download', path: PATH, host: `127.0.0.1:${servers[0]?.port}` }
      expect(traced).toEqual([facts])
      expect(ended).toEqual([{ ...facts, result }])
    } finally {
      channel.unsubscribe(subscribers)
    }
  })

  test('of different schemes and logins; a password goes only to its own host', async () => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      const ca = (await certificate()).ca
      const files = { [PATH]: CONTENT }
      await using a = await fakeFtpServer({ security: 'none', files, bytesPerSecond: SPEED })
      await using b = await fakeFtpServer({ security: 'explicit', files, bytesPerSecond: SPEED })
      await using c = await fakeFtpServer({ security: 'implicit', files, bytesPerSecond: SPEED })
      const sources: (string | DownloadSource)[] = [
        a.url(PATH).replace('://', '://ann:first@'),
        { url: b.url(PATH, 'ftpes'), user: 'bob', password: () => Promise.resolve('second'), tls: { ca } },
        { url: c.url(PATH, 'ftps'), tls: { ca } },
      ]
      const result = await download(sources, folder.at('file.bin'), { connections: 6, retry: BRISK })
      expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
      expect(result.sources.every(({ bytes }) => bytes > 0)).toBe(true)
      const passwords = [a, b, c].map(({ commands }) => {
        return [...new Set(commands.flat().filter((line) => /^(USER|PASS)/.test(line)))]
      })
      expect(passwords.slice(0, 2)).toEqual([
        ['USER ann', 'PASS first'],
        ['USER bob', 'PASS second'],
      ])
      expect(passwords[2]?.join()).not.toMatch(/ann|bob|first|second/)
      expect(JSON.stringify(result)).not.toMatch(/first|second/)
    })
  })

  test('more mirrors than connections: the first are used', async () => {
    const outcome = await fetchFrom([{}, {}, {}], { options: { connections: 2 } })
    expect(bytesOf(outcome).map((bytes) => bytes > 0)).toEqual([true, true, false])
    expect(outcome.servers.map(({ retrievals }) => retrievals.length > 0)).toEqual([true, true, false])
  })

  test('one that answers late joins when it does', async () => {
    const outcome = await fetchFrom([
      { bytesPerSecond: 1_500_000 },
      { latencyMs: 150, bytesPerSecond: 3_000_000 },
    ])
    expect(outcome.dropped).toEqual([])
    expect(Math.min(...bytesOf(outcome))).toBeGreaterThan(0)
  })

  test('is paused, gives all connections back, and goes on', async () => {
    let paused: Promise<void> | undefined
    const outcome = await fetchFrom([{}, {}], {
      during: (transfer, servers) => {
        transfer.on('progress', ({ bytes }) => {
          if (bytes < SIZE / 4) return
          paused ??= transfer.pause().then(() => {
            expect(servers.every(({ dataConnections }) => dataConnections.length > 0)).toBe(true)
            expect(transfer.progress.activeConnections).toBe(0)
            transfer.resume()
          })
        })
      },
    })
    expect(paused).toBeDefined()
    expect(outcome.dropped).toEqual([])
  })
})

describe('what a mirror says of the file', () => {
  test('another size: it is dropped before a byte is fetched from it', async () => {
    const outcome = await fetchFrom([{}, { content: CONTENT.subarray(1) }])
    expect(outcome.dropped).toMatchObject([
      { type: 'dropped', reason: 'size', error: { code: 'ERR_FTP_SIZE_MISMATCH' } },
    ])
    expect(outcome.servers[1]?.retrievals).toEqual([])
    expect(outcome.result.sources[1]).toMatchObject({ bytes: 0, dropped: 'size' })
  })

  test('most of them are right, whoever is named first', async () => {
    const outcome = await fetchFrom([{ content: CONTENT.subarray(1) }, {}, {}])
    expect(outcome.dropped.map(({ reason, url }) => [reason, url])).toEqual([
      ['size', outcome.result.sources[0]?.url],
    ])
  })

  test('no size, or no such file: it is dropped', async () => {
    const outcome = await fetchFrom([
      { path: '/elsewhere', on: { SIZE: (session) => session.reply('550 No') } },
      {},
    ])
    expect(outcome.dropped.map(({ reason }) => reason)).toEqual(['size'])
  })

  test('another modification time: it is dropped', async () => {
    const outcome = await fetchFrom([{}, { modified: () => new Date('2011-11-11T11:11:11Z') }])
    expect(outcome.dropped).toMatchObject([{ reason: 'modified', error: { code: 'ERR_FTP_SOURCE_CHANGED' } }])
    expect(outcome.servers[1]?.retrievals).toEqual([])
  })

  test('another modification time does not matter if it is not to be verified', async () => {
    const outcome = await fetchFrom([{}, { modified: () => new Date('2011-11-11T11:11:11Z') }], {
      options: { verify: { modified: false } },
    })
    expect(outcome.dropped).toEqual([])
  })

  test('changed at the end: what it brought is fetched again', async () => {
    const outcome = await fetchFrom([
      {},
      { modified: (_path, asked) => new Date(asked === 0 ? '2024-02-29T12:34:56Z' : '2025-01-01T00:00:00Z') },
    ])
    expect(outcome.dropped).toMatchObject([{ reason: 'changed', error: { code: 'ERR_FTP_SOURCE_CHANGED' } }])
    expect(outcome.result.refetchedBytes).toBeGreaterThan(0)
    expect(bytesOf(outcome)).toEqual([SIZE, 0])
  })
})

describe('a mirror that lies', () => {
  test('other bytes of the same size: all that it sent is fetched again', async () => {
    const outcome = await fetchFrom([noDates, { ...noDates, content: OTHER }])
    expect(outcome.dropped.map(({ reason, url }) => [reason, url])).toEqual([
      ['content', outcome.result.sources[1]?.url],
    ])
    expect(bytesOf(outcome)).toEqual([SIZE, 0])
    const again = outcome.restarts.reduce((sum, { start, end }) => sum + end - start, 0)
    expect(again).toBe(outcome.result.refetchedBytes)
    expect(again).toBeGreaterThan(0)
  })

  test('two against one, whoever is named first', async () => {
    const outcome = await fetchFrom([{ content: OTHER }, {}, {}], { options: { connections: 6 } })
    expect(outcome.dropped.map(({ url }) => url)).toEqual([outcome.result.sources[0]?.url])
    expect(outcome.result.sources[0]).toMatchObject({ bytes: 0, dropped: 'content' })
  })

  test('it starts elsewhere than REST says', async () => {
    const outcome = await fetchFrom([{}, { restIgnored: true }])
    expect(outcome.dropped.map(({ reason }) => reason)).toEqual(['content'])
    expect(bytesOf(outcome)).toEqual([SIZE, 0])
  })

  test.each([0, 1])(
    'where no seam meets its lie, the expected checksum finds out mirror %i',
    async (liar) => {
      // Each has one connection: no seam is in the middle of either half.
      const wrong = Buffer.from(CONTENT)
      for (const at of [SIZE / 4, (SIZE / 4) * 3]) wrong[Math.floor(at)] = ~(CONTENT[Math.floor(at)] ?? 0)
      const { createHash } = await import('node:crypto')
      const sha256 = createHash('sha256').update(CONTENT).digest('hex')
      const contents = [0, 1].map((index) => ({ content: index === liar ? wrong : CONTENT }))
      const outcome = await fetchFrom(contents, {
        options: { connections: 2, verify: { expect: { sha256 } } },
      })
      expect(outcome.result.verified.checksum).toBe('matched')
      expect(outcome.result.sources[liar]).toMatchObject({ bytes: 0, dropped: 'checksum' })
      expect(outcome.dropped.map(({ url }) => url)).toEqual([outcome.result.sources[liar]?.url])
    },
  )

  test('if no mirror has the expected file, the error says so and the older file stays', async () => {
    await using folder = await temporaryDirectory()
    const files = { [PATH]: CONTENT }
    await using a = await fakeFtpServer({ security: 'none', files })
    await using b = await fakeFtpServer({ security: 'none', files })
    await writeFile(folder.at('file.bin'), 'older')
    const verify = { expect: { crc32: '00000000' } }
    await expect(
      download([a.url(PATH), b.url(PATH)], folder.at('file.bin'), { retry: BRISK, verify }),
    ).rejects.toMatchObject({ code: 'ERR_FTP_CHECKSUM_MISMATCH' })
    expect(await readFile(folder.at('file.bin'), 'utf8')).toBe('older')
    expect(await readdir(folder.path)).toEqual(['file.bin'])
  })
})

describe('a mirror that fails', () => {
  test('cannot be reached from the start', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      await using server = await fakeFtpServer({ security: 'none', files: { [PATH]: CONTENT } })
      const dropped: Dropped[] = []
      const sources = [`ftp://127.0.0.1:${port}//gone`, server.url(PATH)]
      const transfer = download(sources, folder.at('file.bin'), { retry: BRISK })
      transfer.on('source', (event) => dropped.push(event))
      expect((await transfer).bytes).toBe(SIZE)
      expect(dropped).toMatchObject([{ reason: 'failed', error: { code: 'ERR_FTP_CONNECT' } }])
      expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    })
  })

  test('refuses the login: no second one is tried', async () => {
    const outcome = await fetchFrom([{ users: { someone: 'else' } }, {}])
    expect(outcome.dropped).toMatchObject([{ reason: 'failed', error: { code: 'ERR_FTP_LOGIN' } }])
    expect(outcome.servers[0]?.commands.flat().filter((line) => line.startsWith('PASS'))).toHaveLength(1)
  })

  test('dies half-way: what it brought is kept', async () => {
    let isDead = false
    const outcome = await fetchFrom([{}, {}], {
      during: (transfer, servers) => {
        transfer.on('progress', ({ bytes }) => {
          if (bytes < SIZE / 3 || isDead) return
          isDead = true
          void servers[1]?.close()
        })
      },
    })
    expect(isDead).toBe(true)
    expect(outcome.dropped.map(({ reason, url }) => [reason, url])).toEqual([
      ['failed', outcome.result.sources[1]?.url],
    ])
    expect(outcome.result.refetchedBytes).toBe(0)
    expect(bytesOf(outcome)[1]).toBeGreaterThan(0)
  })

  test('refuses REST', async () => {
    const outcome = await fetchFrom([{ on: { REST: (session) => session.reply('502 No') } }, {}])
    expect(outcome.dropped).toMatchObject([{ reason: 'failed', error: { code: 'ERR_FTP_UNSUPPORTED' } }])
  })

  test('all of them: the error is that of the first', async () => {
    await using folder = await temporaryDirectory()
    await using a = await fakeFtpServer({ security: 'none', users: { x: 'y' } })
    await using b = await fakeFtpServer({ security: 'none', greeting: '421 Full' })
    await expect(
      download([a.url(PATH), b.url(PATH)], folder.at('file.bin'), { retry: BRISK }),
    ).rejects.toMatchObject({ code: 'ERR_FTP_LOGIN' })
    expect(await readdir(folder.path)).toEqual([])
  })

  test('without SIZE one fetches it all, and if it fails the next one does', async () => {
    const silent = { unsupported: ['SIZE', 'MDTM'] }
    const fault = { kind: 'cut', afterBytes: 1_000_000, by: 'rst' } as const
    const outcome = await fetchFrom([{ ...silent, fault }, silent])
    expect(outcome.dropped.map(({ reason }) => reason)).toEqual(['failed'])
    expect(outcome.result).toMatchObject({ connections: 1, verified: { size: 'unavailable' } })
  })
})

describe('resuming', () => {
  async function leaveHalf(url: string, target: string): Promise<void> {
    const transfer = download(url, target, { connections: 2, retry: BRISK, keepPartial: true })
    transfer.on('progress', ({ bytes }) => {
      if (bytes > SIZE / 3) transfer.cancel(new Error('half'))
    })
    await expect(transfer).rejects.toThrow('half')
  }

  test('what one mirror has left is continued by a call that names it among others', async () => {
    const outcome = await fetchFrom([{}, {}], {
      before: (target, servers) => leaveHalf(servers[1]?.url(PATH) ?? '', target),
    })
    expect(outcome.result.resumedBytes).toBeGreaterThan(SIZE / 4)
  })

  test('what a mirror has left that is not named is not', async () => {
    await using other = await fakeFtpServer({
      ...{ security: 'none', bytesPerSecond: SPEED, files: { [PATH]: CONTENT } },
    })
    const outcome = await fetchFrom([{}, {}], { before: (target) => leaveHalf(other.url(PATH), target) })
    expect(outcome.result.resumedBytes).toBe(0)
  })
})

describe('what makes no sense', () => {
  const a = 'ftp://a.example.org/x'
  const b = 'ftp://b.example.org/x'
  test.each([
    ['no source', [], {}, /list of sources is empty/],
    ['one password for two hosts', [a, b], { password: 'p' }, /"password" would go to several hosts.*own/],
    ['one account for two hosts', [a, b], { account: 'p' }, /"account" would go to several hosts/],
    ['one host for two', [a, b], { host: 'c' }, /"host" cannot be/],
    ['a port for two', [a, b], { port: 2121 }, /"port" cannot be/],
    ['something else than a source', [a, 7], {}, /A source must be a URL, or an object/],
    ['a source with another option', [a, { url: b, host: 'c' }], {}, /no option "source\.host"/],
    ['two types', [`${a};type=a`, b], {}, /differ in their ;type=/],
    ['no URL', [{ user: 'x' }], {}, /URL must be a string/],
  ])('%s', (_name, sources, options, message) => {
    expect(() => download(sources as string[], 'target', options)).toThrow(message)
    expect(() => download(sources as string[], 'target', options)).toThrow(TypeError)
  })

  test('a client and a list', async () => {
    await using client = new FtpClient(a.replace('/x', ''))
    expect(() => download([a, b], 'target', { client })).toThrow(/"client" is of one server/)
  })
})
