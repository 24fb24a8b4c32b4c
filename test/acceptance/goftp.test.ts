/**
 * What the Go library goftp promises in its 24 tests, asked of this one: against the same two servers, at the same
 * three places, each behaviour under its number there. Its stubbed replies are given here by a gateway before the real
 * server, its closed connections are cut there. Behind every test all connections are free and nothing is left.
 */
import { existsSync, lstatSync, readFileSync, rmSync, utimesSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  download,
  FtpClient,
  FtpReplyError,
  FtpTimeoutError,
  parseListing,
  type Entry,
  type FtpClientOptions,
} from '../../src/index.ts'
import { whyUnavailable } from '../servers/installation.ts'
import type { RunningServer, ServerKind, ServerSecurity } from '../servers/types.ts'
import { describeServers, sharedServer } from '../servers/vitest.ts'
import { gateway, type Gateway, type GatewayOptions } from '../support/gateway.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { filteredPort } from '../support/scripted/dead-port.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const IPV4 = '127.0.0.1'
const IPV6 = '::1'
const PLACES: readonly { readonly address: string; readonly kinds: readonly ServerKind[] }[] = [
  { address: IPV4, kinds: ['pure-ftpd', 'proftpd'] },
  { address: IPV6, kinds: ['pure-ftpd'] },
]

const FOUR = Buffer.from([1, 2, 3, 4])
const NAMES = ['100%25 of@it.txt', 'sub', 'words.txt', 'work']
/** Weeks ago, of which LIST tells the minute, and to the second, of which it tells nothing. */
const MODIFIED = new Date(Math.floor(Date.now() / 1_000 - 47 * 86_400 - 4_321) * 1_000)
const UNKNOWN = '500 Unknown command'
const PATIENCE = { timeout: 10_000 }

function furnish(server: RunningServer): void {
  const files = [
    server.write('words.txt', 'some words\n'),
    server.write('100%25 of@it.txt', 'all of it'),
    server.write('sub/four.bin', FOUR),
    server.makeDirectory('work'),
  ]
  for (const path of [...files, join(server.root, 'sub'), server.root]) utimesSync(path, MODIFIED, MODIFIED)
}

interface Place {
  readonly kind: ServerKind
  readonly address: string
}

function atEveryPlace(
  security: ServerSecurity,
  block: (server: () => RunningServer, place: Place) => void,
): void {
  for (const { address, kinds } of PLACES) {
    describe(`at ${address}`, () => {
      describeServers({ kinds, securities: [security], address }, (server, { kind }) => {
        beforeAll(() => furnish(server()))
        block(server, { kind, address })
      })
    })
  }
}

/** A client for one test. When it is done, `connections` of it stand, all of them free; then nothing is left. */
async function withClient(
  options: FtpClientOptions,
  use: (ftp: FtpClient) => Promise<void>,
  connections = 1,
): Promise<void> {
  const retry = { minDelay: 1, maxDelay: 5 }
  await expectNoLeaks(async () => {
    await using ftp = new FtpClient({ security: 'none', maxConnections: 1, retry, ...options })
    await use(ftp)
    await expect
      .poll(() => ftp.stats(), PATIENCE)
      .toMatchObject({ open: connections, idle: connections, leased: 0, opening: 0, waiting: 0 })
  })
}

function loginAt({ host, port, user, password, ca }: RunningServer): FtpClientOptions {
  return { host, port, user, password, tls: { ca } }
}

/** The same through a gateway. */
async function withGateway(
  server: RunningServer,
  options: GatewayOptions & { readonly client?: FtpClientOptions },
  use: (ftp: FtpClient, relay: Gateway) => Promise<void>,
): Promise<void> {
  const { client, ...others } = options
  await using relay = await gateway(server, others)
  const { host, port } = relay
  await withClient({ ...loginAt(server), ...client, host, port }, (ftp) => use(ftp, relay))
}

/** What a server tells of a file, against what its disk does. */
function expectSame(entry: Entry, disk: Stats): void {
  const type = disk.isDirectory() ? 'directory' : 'file'
  expect({ name: entry.name, type: entry.type }).toEqual({ name: entry.name, type })
  if (type === 'file') expect(entry.size).toBe(disk.size)
  expect(entry.permissions).toBe(lettersOf(disk.mode))
  const step = entry.modifiedPrecision === 'minute' ? 60_000 : 1_000
  expect(['minute', 'second']).toContain(entry.modifiedPrecision)
  expect(entry.modifiedAt).toEqual(new Date(Math.floor(disk.mtimeMs / step) * step))
}

function lettersOf(mode: number): string {
  return [8, 7, 6, 5, 4, 3, 2, 1, 0].map((bit) => ((mode >> bit) & 1 ? 'rwx'[(8 - bit) % 3] : '-')).join('')
}

/** The zone of the times of LIST. Pure-FTPd knows no summer: for all times it takes this machine's of the moment. */
function zoneOf(kind: ServerKind): string {
  if (kind !== 'pure-ftpd') return 'UTC'
  const hours = new Date().getTimezoneOffset() / 60
  if (!Number.isInteger(hours)) return Intl.DateTimeFormat().resolvedOptions().timeZone
  return `Etc/GMT${hours < 0 ? '' : '+'}${hours}`
}

/** Takes every chunk, up to its second byte; of a longer one the rest is too much for it. */
function picky(written: number[][]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push([...chunk.subarray(0, 2)])
      done(chunk.length > 2 ? new Error('two bytes are enough') : null)
    },
  })
}

describe.runIf(process.platform === 'linux')('a host that never answers', () => {
  it('1. fails by the time limit of the connection, as what may go better later', async () => {
    const dead = await filteredPort(IPV4)
    try {
      await withClient(
        { host: IPV4, port: dead.port, timeouts: { connect: 100 } },
        async (ftp) => {
          const error: unknown = await ftp.listAll().catch((reason: unknown) => reason)
          expect(error).toBeInstanceOf(FtpTimeoutError)
          expect(error).toMatchObject({ phase: 'connect', afterMs: 100, retryable: true })
        },
        0,
      )
    } finally {
      await dead.release()
    }
  })
})

atEveryPlace('explicit', (server) => {
  it('2. reads a file under TLS that begins by AUTH TLS', async () => {
    await withClient({ ...loginAt(server()), security: 'explicit' }, async (ftp) => {
      expect(await ftp.readFile('sub/four.bin')).toEqual(FOUR)
      expect((await ftp.connect()).tls?.protocol).toMatch(/^TLSv1\.[23]$/)
    })
  })
})

for (const address of [IPV4, IPV6]) {
  describe(`at ${address}`, () => {
    // Debian's Pure-FTPd is built without it.
    describeServers({ kinds: ['proftpd'], securities: ['implicit'], anonymous: true, address }, (server) => {
      it('3. reads a file under TLS from the first byte, as nobody in particular', async () => {
        furnish(server())
        const { host, port, ca } = server()
        await withClient({ host, port, tls: { ca }, security: 'implicit' }, async (ftp) => {
          expect(await ftp.readFile('sub/four.bin')).toEqual(FOUR)
        })
      })
    })
  })
}

describe('several hosts at once', () => {
  const missing = PLACES.flatMap(({ kinds }) => kinds).find((kind) => whyUnavailable(kind) !== undefined)
  if (missing !== undefined) {
    it(`left out: ${missing}`, (context) => context.skip(whyUnavailable(missing)))
    return
  }
  const servers = PLACES.flatMap(({ address, kinds }) => kinds.map((kind) => sharedServer(kind, { address })))

  it('4. each has a pool of its own, whose connections all work and all come back', async () => {
    await expectNoLeaks(() => Promise.all(servers.map((server) => bothConnectionsRead(server()))))
  })

  async function bothConnectionsRead(server: RunningServer): Promise<void> {
    furnish(server)
    const ftp = new FtpClient({ ...loginAt(server), security: 'none', maxConnections: 2 })
    try {
      const sessions = await Promise.all([ftp.session(), ftp.session()])
      const read = await Promise.all(sessions.map((one) => buffer(one.retrieve('sub/four.bin'))))
      expect(read).toEqual([FOUR, FOUR])
      expect(ftp.stats()).toMatchObject({ open: 2, leased: 2 })
      for (const session of sessions) session.release()
      const more = await Promise.all([1, 2, 3, 4, 5, 6].map(() => ftp.readFile('sub/four.bin')))
      expect(more).toEqual([FOUR, FOUR, FOUR, FOUR, FOUR, FOUR])
      expect(ftp.stats()).toMatchObject({ open: 2, idle: 2, leased: 0 })
    } finally {
      await ftp.close()
    }
  }

  it('4. as mirrors they bring one file together', async () => {
    await using folder = await temporaryDirectory()
    const content = randomBytes(4_000_003, 'of all hosts')
    const sources = servers.map((server) => {
      const { url, user, password } = server()
      utimesSync(server().write('mirrored.bin', content), MODIFIED, MODIFIED)
      return { url: `${url}/mirrored.bin`, user, password }
    })
    const options = { connections: 6, minSegmentSize: 100_000 }
    const result = await download(sources, folder.at('mirrored.bin'), options)
    expect(readFileSync(folder.at('mirrored.bin')).equals(content)).toBe(true)
    expect(result.sources.map(({ dropped }) => dropped)).toEqual([undefined, undefined, undefined])
  })
})

describe('lines of MLST', () => {
  it('8. give name, type, size, time and mode, and nothing that they do not say', () => {
    const lines = [
      'type=dir;modify=20031122112233;perm=cpemf;unique=9A1g2;UNIX.mode=0755;UNIX.owner=12; archive',
      'size=1234567890123;type=file;modify=20080229235958; [Live]  at the "Hall"  2008-02-29 23-59-58.mkv',
      'type=OS.unix=slink:;size=21;modify=20160101000000;UNIX.mode=0777;UNIX.uid=5;UNIX.gid=6; to-logs',
      'modify=20180706050403;perm=adfrw;size=9;type=OS.unix=symlink;UNIX.mode=0777;UNIX.group=7; to-pages',
    ]
    expect(parseListing(lines.join('\r\n'))).toMatchObject([
      {
        ...{ name: 'archive', type: 'directory', size: undefined, permissions: 'rwxr-xr-x' },
        ...{ modifiedAt: new Date('2003-11-22T11:22:33Z'), raw: lines[0] },
      },
      {
        ...{ name: '[Live]  at the "Hall"  2008-02-29 23-59-58.mkv', type: 'file', size: 1_234_567_890_123 },
        ...{ modifiedAt: new Date('2008-02-29T23:59:58Z'), permissions: undefined },
      },
      { name: 'to-logs', type: 'symlink', size: 21, permissions: 'rwxrwxrwx', target: undefined },
      { name: 'to-pages', type: 'symlink', size: 9, permissions: 'rwxrwxrwx', target: undefined },
    ])
  })
})

atEveryPlace('none', (server, { kind, address }) => {
  const at = (name: string): string => join(server().root, name)
  const client = (use: (ftp: FtpClient) => Promise<void>): Promise<void> => withClient(loginAt(server()), use)

  it('5. deletes a file, and cannot do so twice', () =>
    client(async (ftp) => {
      await ftp.writeFile('work/deleted', FOUR)
      expect(existsSync(at('work/deleted'))).toBe(true)
      await ftp.remove('work/deleted')
      expect(existsSync(at('work/deleted'))).toBe(false)
      await expect(ftp.remove('work/deleted')).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    }))

  it('6. renames a file with what is in it', () =>
    client(async (ftp) => {
      await ftp.writeFile('work/old "name"', FOUR)
      await ftp.rename('work/old "name"', 'work/new "name"')
      expect(readFileSync(at('work/new "name"'))).toEqual(FOUR)
      expect(existsSync(at('work/old "name"'))).toBe(false)
    }))

  it('7. makes and removes directories, and reads quotes in the name that comes back', () =>
    client(async (ftp) => {
      await ftp.mkdir('work/made')
      expect(lstatSync(at('work/made')).isDirectory()).toBe(true)
      await ftp.remove('work/made', { recursive: true })
      expect(existsSync(at('work/made'))).toBe(false)
      await using session = await ftp.session()
      for (const name of ['work/with-"', 'work/"with" two']) {
        expect([name, `/${name}`]).toContain(await session.makeDirectory(name))
        expect(lstatSync(at(name)).isDirectory()).toBe(true)
        await session.removeDirectory(name)
        expect(existsSync(at(name))).toBe(false)
      }
    }))

  it('9. lists a directory as it is on the disk', () =>
    client(async (ftp) => {
      for (const entries of [await ftp.listAll(), await ftp.listAll('')]) {
        expect(entries.map(({ name }) => name).sort()).toEqual(NAMES)
        for (const entry of entries) expectSame(entry, lstatSync(at(entry.name)))
      }
    }))

  it('10. lists it the same by LIST where MLSD is refused, and does not ask again', () =>
    withGateway(
      server(),
      { answers: { MLSD: UNKNOWN }, client: { serverTimeZone: zoneOf(kind) } },
      async (ftp, relay) => {
        for (let round = 0; round < 2; round++) {
          const entries = await ftp.listAll()
          expect(entries.map(({ name }) => name).sort()).toEqual(NAMES)
          for (const entry of entries) expectSame(entry, lstatSync(at(entry.name)))
        }
        expect(relay.verbs.filter((verb) => /^(?:MLSD|LIST)$/.test(verb))).toEqual(['MLSD', 'LIST', 'LIST'])
      },
    ))

  it('11. tells of the root, of a file and of a directory what the disk does', () =>
    client(async (ftp) => {
      const root = await ftp.stat('.')
      expectSame(root, lstatSync(server().root))
      for (const path of ['sub/four.bin', 'sub', '100%25 of@it.txt']) {
        const entry = await ftp.stat(path)
        expect(entry.name).toBe(path.replace(/^.*\//, ''))
        expectSame(entry, lstatSync(at(path)))
      }
    }))

  it('12. tells it in other ways where MLST is refused', () =>
    withGateway(server(), { answers: { MLST: UNKNOWN } }, async (ftp) => {
      const { size, mtime } = lstatSync(at('sub/four.bin'))
      const entry = await ftp.stat('sub/four.bin')
      expect(entry).toMatchObject({ name: 'four.bin', type: 'file', size, modifiedAt: mtime })
      expect(await ftp.stat('sub')).toMatchObject({ name: 'sub', type: 'directory' })
      expect(await ftp.exists('sub/five.bin')).toBe(false)
    }))

  it('13. tells where it is, quotes in the name or not', () =>
    client(async (ftp) => {
      server().makeDirectory('place/in "quotes"')
      await using session = await ftp.session()
      expect(await session.workingDirectory()).toBe('/')
      await session.changeDirectory('place/in "quotes"')
      expect(await session.workingDirectory()).toBe('/place/in "quotes"')
      session.release()
      // What the next one does is relative to the login directory again.
      expect(await ftp.size('sub/four.bin')).toBe(4)
    }))

  for (const mode of ['passive', 'active'] as const) {
    it(`14. lends a connection for any command and a listing as it comes (${mode})`, () =>
      withClient({ ...loginAt(server()), mode }, async (ftp) => {
        await using session = await ftp.session()
        const features = await session.command('FEAT')
        expect(features.code).toBe(211)
        expect(features.lines.join('\n')).toContain('REST')
        expect((await session.rawList()).join('\n')).toContain('words.txt')
        expect(await session.command('NOOP')).toMatchObject({ code: 200 })
      }))
  }

  it('15. after a file that is not there it reads one that is, and one with a percent sign', () =>
    client(async (ftp) => {
      await expect(ftp.readFile('sub/five.bin')).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      expect(await ftp.readFile('sub/four.bin')).toEqual(FOUR)
      expect(await ftp.readFile('100%25 of@it.txt', { encoding: 'latin1' })).toBe('all of it')
    }))

  // PASV has no words for an IPv6 address.
  it.runIf(address === IPV4)('16. reads by PASV where EPSV is refused', () =>
    withGateway(server(), { answers: { EPSV: UNKNOWN } }, async (ftp, relay) => {
      for (let round = 0; round < 2; round++) expect(await ftp.readFile('sub/four.bin')).toEqual(FOUR)
      expect(relay.verbs.filter((verb) => /^(?:EPSV|PASV)$/.test(verb))).toEqual(['EPSV', 'PASV', 'PASV'])
    }),
  )

  const noPassive = { answers: { EPSV: UNKNOWN, PASV: UNKNOWN }, client: { mode: 'active' } } as const
  const expectActive = ({ verbs }: Gateway, times: number): void => {
    expect(verbs.filter((verb) => verb === (address === IPV4 ? 'PORT' : 'EPRT'))).toHaveLength(times)
    expect(verbs.filter((verb) => /^(?:EPSV|PASV)$/.test(verb))).toEqual([])
  }

  it('17. reads in active mode, without asking for a passive port', () =>
    withGateway(server(), noPassive, async (ftp, relay) => {
      expect(await ftp.readFile('sub/four.bin')).toEqual(FOUR)
      expectActive(relay, 1)
    }))

  it('18. goes on where a writer had enough', () =>
    withGateway(server(), {}, async (ftp, relay) => {
      const written: number[][] = []
      const first = pipeline(ftp.createReadStream('sub/four.bin'), picky(written))
      await expect(first).rejects.toThrow('two bytes are enough')
      await pipeline(ftp.createReadStream('sub/four.bin', { start: 2 }), picky(written))
      expect(written).toEqual([
        [1, 2],
        [3, 4],
      ])
      expect(relay.commands.filter((line) => line.startsWith('REST'))).toEqual(['REST 2'])
    }))

  it('19. goes on by itself where every connection was cut in the middle of a file', () =>
    withGateway(server(), { holdAt: 2 }, async (ftp, relay) => {
      const written: number[][] = []
      for await (const chunk of ftp.createReadStream('sub/four.bin') as AsyncIterable<Buffer>) {
        written.push([...chunk])
        if (written.length === 1) relay.cut()
      }
      expect(written).toEqual([
        [1, 2],
        [3, 4],
      ])
      expect(relay.verbs.filter((verb) => verb === 'USER')).toHaveLength(2)
    }))

  it('19. and does not begin at the start again', async () => {
    await using folder = await temporaryDirectory()
    const content = randomBytes(3_000_001, 'cut')
    server().write('work/cut.bin', content)
    await withGateway(server(), { holdAt: 2_000_000 }, async (ftp, relay) => {
      void relay.held.then(() => relay.cut())
      expect((await ftp.readFile('work/cut.bin')).equals(content)).toBe(true)
      expect(markers(relay)).toEqual([expect.toSatisfy((offset: number) => offset > 0)])
    })
    await withGateway(server(), { holdAt: 2_000_000 }, async (ftp, relay) => {
      void relay.held.then(() => relay.cut())
      const result = await ftp.download('work/cut.bin', folder.at('cut.bin'), { connections: 1 })
      expect(readFileSync(folder.at('cut.bin')).equals(content)).toBe(true)
      expect(result.refetchedBytes).toBeLessThan(1_000_000)
      expect(markers(relay)).toEqual([expect.toSatisfy((offset: number) => offset > 0)])
    })
  })

  it('20. writes a file', () =>
    client(async (ftp) => {
      await ftp.upload(at('sub/four.bin'), 'work/stored')
      expect(readFileSync(at('work/stored'))).toEqual(FOUR)
    }))

  it('21. writes in active mode, without asking for a passive port', () =>
    withGateway(server(), noPassive, async (ftp, relay) => {
      await ftp.upload(at('sub/four.bin'), 'work/stored actively')
      expect(readFileSync(at('work/stored actively'))).toEqual(FOUR)
      expectActive(relay, 1)
    }))

  it("22. says by a code and the server's words why there is no place for a file", () =>
    client(async (ftp) => {
      const error: unknown = await ftp
        .upload(at('sub/four.bin'), 'not/there/yet')
        .catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(FtpReplyError)
      expect(error).toMatchObject({ code: 'ERR_FTP_NOT_FOUND', command: 'STOR not/there/yet' })
      const { reply, message } = error as FtpReplyError
      expect(reply.code).toBeGreaterThanOrEqual(500)
      expect(reply.lines.join('')).not.toBe('')
      expect(message).not.toBe('')
      await ftp.upload(at('sub/four.bin'), 'work/there')
    }))

  it('23. goes on with an upload where every connection was cut in the middle of it', () => {
    const content = randomBytes(10_485_760, 'sent in two parts')
    const half = 5_242_880
    return withGateway(server(), { holdAt: half }, async (ftp, relay) => {
      rmSync(at('work/big'), { force: true })
      const sending = ftp.upload(content, 'work/big')
      await relay.held
      // What a server has not written yet when its client is gone is its own affair.
      await expect.poll(() => lstatSync(at('work/big')).size, PATIENCE).toBe(half)
      relay.cut()
      const result = await sending
      expect(result).toMatchObject({ bytes: content.length, verified: { size: 'matched' } })
      expect(result.resentBytes).toBeLessThanOrEqual(half)
      expect(readFileSync(at('work/big')).equals(content)).toBe(true)
      // What is read behind it only looks whether the server has kept what it had.
      expect(markers(relay)[0]).toBe(half)
    })
  })

  it('24. takes an empty line in the answer to FEAT for nothing', () =>
    withGateway(
      server(),
      { answers: { FEAT: '211-I can:\r\n EPRT\r\n\r\n EPSV\r\n\r\n211 That is all' } },
      async (ftp) => {
        expect((await ftp.features()).names).toEqual(['EPRT', 'EPSV'])
        expect(await ftp.stat('sub/four.bin')).toMatchObject({ type: 'file', size: 4 })
      },
    ))
})

/** Where transfers went on. */
function markers({ commands }: Gateway): number[] {
  return commands.filter((line) => line.startsWith('REST ')).map((line) => Number(line.slice(5)))
}
