/** A mirror in pieces: planned as data, done by several workers, once or twice, and cut off on the way. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  FtpClient,
  planMirror,
  runJob,
  type MirrorJob,
  type MirrorJobResult,
  type PlanMirrorOptions,
  type RangeJob,
} from '../../src/index.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { describeServers, sharedServer, useServer } from '../servers/vitest.ts'
import type { FakeFtpServer } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { treeServer, type TreeServerOptions } from './support/tree-server.ts'
import { contents, inspect, LONG_AGO, plant, plantLink, type Tree } from './support/trees.ts'

const KINDS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']
const MIB = 2 ** 20
const BRISK = { attempts: 2, minDelay: 1, maxDelay: 5, factor: 1, jitter: 0 }
const LARGE = randomBytes(5 * MIB + 1_234, 'large')

const TREE: Tree = {
  'empty file': '',
  'empty directory': null,
  'deep/er/and/deep/er/file': 'deep',
  'with "quotes" and ümlaut/x': 'x',
  middling: randomBytes(MIB + 1, 'middling'),
  'large/one': LARGE,
  ...Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`many/${index}`, randomBytes(index * 97, index)]),
  ),
}

/** As it comes out of a queue. */
function sent<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

async function collect(plan: AsyncIterable<MirrorJob>): Promise<MirrorJob[]> {
  const jobs: MirrorJob[] = []
  for await (const job of plan) jobs.push(job)
  return jobs
}

/** Does all jobs, and those that come of them, by all clients at once. */
async function workOff(
  jobs: readonly MirrorJob[],
  clients: readonly FtpClient[],
): Promise<MirrorJobResult[]> {
  const waiting = [...jobs]
  const results: MirrorJobResult[] = []
  let busy = 0
  const work = async (client: FtpClient): Promise<void> => {
    while (waiting.length > 0 || busy > 0) {
      const job = waiting.shift()
      if (job === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      else {
        busy += 1
        const result = await runJob(sent(job), { client }).finally(() => (busy -= 1))
        if (result.type !== 'range') expect(result.failures).toEqual([])
        if (result.type === 'directory') waiting.push(...result.jobs)
        results.push(result)
      }
    }
  }
  await Promise.all(clients.map(work))
  return results
}

function clientOf({ url, user, password }: RunningServer): FtpClient {
  const client = new FtpClient(url, {
    user,
    password,
    maxConnections: 2,
    retry: BRISK,
    tls: { rejectUnauthorized: false },
  })
  onTestFinished(() => client.close())
  return client
}

async function folderOf(): Promise<TemporaryDirectory> {
  const folder = await temporaryDirectory()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  return folder
}

describeServers({ kinds: KINDS }, (server) => {
  const source = (): string => `${server().url.replace(/\/$/, '')}/jobs`

  beforeAll(() => plant(server().makeDirectory('jobs'), TREE))

  test('three workers make a tree like its source, with a file of which each brings ranges', async () => {
    const folder = await folderOf()
    const clients = [clientOf(server()), clientOf(server()), clientOf(server())]
    const [client] = clients
    const options = { client, rangeBytes: MIB, filesPerJob: 7 }
    const jobs = await collect(planMirror(source(), folder.at('tree'), options))
    const results = await workOff(jobs, clients)
    const there = join(server().root, 'jobs')
    expect(contents(folder.at('tree'))).toEqual(contents(there))
    const ranges = results.filter(({ type }) => type === 'range')
    expect(ranges).toHaveLength(6 + 2)
    // Nothing is left to do, and nothing beside the files.
    const again = await collect(planMirror(source(), folder.at('tree'), { ...options, directories: 'walk' }))
    expect(again).toEqual([])
    expect(await clients[0]?.mirrorDown('/jobs', folder.at('tree'), { dryRun: true })).toMatchObject({
      plan: expect.not.arrayContaining([expect.objectContaining({ type: 'transfer' })]) as unknown,
    })
  })
})

describe('jobs', () => {
  const server = sharedServer('proftpd')
  let client: FtpClient
  let scenes = 0

  beforeAll(() => {
    const { url, user, password } = server()
    client = new FtpClient(url, { user, password, maxConnections: 4, retry: BRISK })
  })
  afterAll(() => client.close())

  interface Scene {
    readonly remote: string
    readonly local: string
    readonly plan: (options?: PlanMirrorOptions) => Promise<MirrorJob[]>
  }

  async function scene(tree: Tree): Promise<Scene> {
    const name = `jobs ${scenes++}`
    const remote = server().makeDirectory(name)
    plant(remote, tree)
    const local = (await folderOf()).at('tree')
    const url = `${server().url.replace(/\/$/, '')}/${encodeURIComponent(name)}`
    return { remote, local, plan: (options) => collect(planMirror(url, local, { client, ...options })) }
  }

  test('done twice, in any order, leave what once leaves, and bring nothing twice', async () => {
    const at = await scene(TREE)
    const jobs = await at.plan({ directories: 'walk', rangeBytes: MIB, filesPerJob: 5 })
    const first = await workOff(jobs, [client])
    const before = inspect(at.local)
    const second = await workOff([...jobs].reverse(), [client])
    expect(inspect(at.local)).toEqual(before)
    expect(contents(at.local)).toEqual(contents(at.remote))
    const bytes = (results: readonly MirrorJobResult[]): number =>
      results.reduce((sum, result) => sum + ('bytes' in result ? result.bytes : 0), 0)
    expect(bytes(first)).toBe(Object.values(TREE).reduce((sum, content) => sum + (content?.length ?? 0), 0))
    expect(bytes(second)).toBe(0)
  })

  test('ask the disk whether it ignores case by a file only where that matters: killed there, it would stay', async () => {
    const [plain, alike] = [
      await scene({ a: 'a', b: null, 'large/c': LARGE }),
      await scene({ a: 'a', A: 'A' }),
    ]
    const isProbe = (name: string): boolean => name.endsWith('.octoftp-case')
    expect((await namesSeen(plain)).filter(isProbe)).toEqual([])
    expect((await namesSeen(alike)).some(isProbe)).toBe(true)
  })

  /** What is made in the target, if only for a moment, while its jobs are done. */
  async function namesSeen({ local, plan }: Scene): Promise<string[]> {
    mkdirSync(local)
    const names: string[] = []
    const last = 'so much for that'
    const isLastSeen = new Promise<void>((resolve) => {
      const watcher = watch(local, (_, name) => {
        if (name !== null) names.push(name)
        if (name === last) watcher.close()
      })
      watcher.once('close', resolve)
    })
    await workOff(await plan({ rangeBytes: MIB }), [client])
    writeFileSync(join(local, last), '')
    await isLastSeen
    expect(names).toContain('a')
    return names
  }

  test('of the same work have the same id, wherever the target is, and of other work another', async () => {
    const at = await scene({ a: 'a', b: 'b', large: LARGE })
    const [first, second] = [await at.plan({ rangeBytes: MIB }), await at.plan({ rangeBytes: MIB })]
    expect(second).toEqual(first)
    expect(new Set(first.map(({ id }) => id)).size).toBe(first.length)
    const other = await at.plan({ rangeBytes: MIB, compare: 'size' })
    expect(new Set([...first, ...other].map(({ id }) => id)).size).toBe(2 * first.length)
  })

  test('hold no login', async () => {
    const { url, user, password } = server()
    const folder = await folderOf()
    const withLogin = url.replace('://', `://${user}:${encodeURIComponent(password)}@`)
    const text = JSON.stringify(await collect(planMirror(withLogin, folder.at('tree'), {})))
    expect(text).toContain('"source"')
    expect(text).not.toContain(password)
    expect(text).not.toContain(encodeURIComponent(password))
  })

  test('may be done elsewhere, in a directory that is called otherwise', async () => {
    const at = await scene({ 'a/b': 'b' })
    const elsewhere = (await folderOf()).at('elsewhere')
    const jobs = (await at.plan()).map((job) => ({ ...job, target: elsewhere }))
    await workOff(jobs, [client])
    expect(contents(elsewhere)).toEqual(contents(at.remote))
  })

  test('of a range that two do at once: one does it, and the other finds it done', async () => {
    const at = await scene({ large: LARGE })
    const jobs = await at.plan({ rangeBytes: MIB })
    const [job] = jobs
    if (job === undefined) expect.fail('there is no job')
    const both = await Promise.allSettled([runJob(job, { client }), runJob(job, { client })])
    for (const one of both)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true)
    await workOff(jobs, [client])
    expect(readFileSync(join(at.local, 'large')).equals(LARGE)).toBe(true)
    expect(readdirSync(at.local)).toEqual(['large'])
  })

  test.runIf(process.platform === 'linux')(
    'of ranges that all come to their end at once, of a file whose name is no text',
    async () => {
      const name = 'caf\udce9'
      const at = await scene({ [name]: LARGE })
      const jobs = await at.plan({ rangeBytes: MIB })
      const clients = jobs.map(() => clientOf(server()))
      await workOff(jobs, clients)
      expect(contents(at.local)).toEqual(contents(at.remote))
      expect(Object.keys(inspect(at.local))).toEqual([name])
    },
  )

  test('leave the older file as it was until the last range has come', async () => {
    const at = await scene({ large: LARGE })
    plant(at.local, { large: 'older' })
    const jobs = await at.plan({ rangeBytes: MIB })
    await workOff(jobs.slice(1), [client])
    expect(readFileSync(join(at.local, 'large'), 'utf8')).toBe('older')
    await workOff(jobs.slice(0, 1), [client])
    expect(readFileSync(join(at.local, 'large')).equals(LARGE)).toBe(true)
  })

  test('do not believe notes about a file that is not there any more', async () => {
    const at = await scene({ large: LARGE })
    const jobs = await at.plan({ rangeBytes: MIB })
    await workOff(jobs.slice(1), [client])
    const [parts = ''] = readdirSync(at.local)
    unlinkSync(join(at.local, parts, 'whole'))
    await workOff(jobs, [client])
    expect(readFileSync(join(at.local, 'large')).equals(LARGE)).toBe(true)
    expect(readdirSync(at.local)).toEqual(['large'])
  })

  test('that are cancelled on their way are done once more', async () => {
    const at = await scene({ large: LARGE })
    const jobs = await at.plan({ rangeBytes: 4 * MIB })
    const [job] = jobs
    if (job === undefined) expect.fail('there is no job')
    const reason = new Error('enough')
    const limited = new FtpClient(server().url, {
      user: server().user,
      password: server().password,
      bytesPerSecond: MIB,
    })
    onTestFinished(() => limited.close())
    const transfer = runJob(job, { client: limited })
    transfer.on('progress', ({ bytes }) => bytes > 0 && transfer.cancel(reason))
    await expect(transfer).rejects.toBe(reason)
    await workOff(jobs, [client])
    expect(readFileSync(join(at.local, 'large')).equals(LARGE)).toBe(true)
    expect(readdirSync(at.local)).toEqual(['large'])
  })

  test.each([
    ['another time', new Date('2021-01-01T00:00:00Z'), LARGE.length],
    ['another size', LONG_AGO, LARGE.length + 1],
  ])('of a source that has got %s meanwhile bring nothing of it together', async (_what, modified, size) => {
    const at = await scene({ large: LARGE })
    const jobs = await at.plan({ rangeBytes: MIB })
    await workOff(jobs.slice(0, 3), [client])
    plant(at.remote, { large: randomBytes(size, 'changed') }, modified)
    for (const job of jobs.slice(3))
      await expect(runJob(job, { client })).rejects.toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
    expect(existsSync(join(at.local, 'large'))).toBe(false)
    await workOff(await at.plan({ rangeBytes: MIB }), [client])
    expect(contents(at.local)).toEqual(contents(at.remote))
    expect(readdirSync(at.local)).toEqual(['large'])
  })

  test('of which the listing tells the day alone: ranges of two versions are not put together', async () => {
    const vsftpd = await useServer('vsftpd')
    plant(vsftpd.makeDirectory('day'), { large: LARGE })
    const there = clientOf(vsftpd)
    const folder = await folderOf()
    const url = `${vsftpd.url.replace(/\/$/, '')}/day`
    const jobs = await collect(planMirror(url, folder.path, { client: there, rangeBytes: 2 * MIB }))
    expect(jobs).toMatchObject(Array(3).fill({ type: 'range', file: { precision: 'day' } }))
    await workOff(jobs.slice(0, 2), [there])
    plant(join(vsftpd.root, 'day'), { large: LARGE }, new Date(LONG_AGO.getTime() + 1_000))
    for (const job of jobs.slice(2)) {
      const message = expect.stringContaining('its modification time') as string
      await expect(runJob(job, { client: there })).rejects.toMatchObject({
        code: 'ERR_FTP_SOURCE_CHANGED',
        message,
      })
    }
    expect(readdirSync(folder.path)).toEqual([])
  })

  test('make links, and compare by checksum, as the plan says', async () => {
    const at = await scene({ 'dir/file': 'file', same: 'same', other: 'other' })
    plantLink(at.remote, 'link', 'dir/file')
    plant(at.local, { same: 'same', other: 'OTHER' })
    const results = await workOff(await at.plan({ symlinks: 'recreate', compare: 'checksum' }), [client])
    expect(contents(at.local)).toEqual(contents(at.remote))
    expect(results).toContainEqual(expect.objectContaining({ type: 'files', transferred: 1, equal: 1 }))
  })

  test('leave out what is excluded, and what is too deep', async () => {
    const at = await scene({
      'a.tmp': 'x',
      'deep/b.tmp': 'x',
      'deep/c': 'c',
      'deep/deeper/d': 'd',
      'cache/e': 'e',
    })
    await workOff(await at.plan({ exclude: ['*.tmp', '/cache/'], maxDepth: 1 }), [client])
    expect(Object.keys(inspect(at.local))).toEqual(['deep', 'deep/c'])
  })

  test('write nothing through a link that stands in the way of what comes together', async () => {
    const at = await scene({ large: LARGE })
    const jobs = await at.plan({ rangeBytes: MIB })
    await workOff(jobs.slice(0, 1), [client])
    const [name = ''] = readdirSync(at.local)
    const second = jobs[1] ?? expect.fail('there is one job only')
    const elsewhere = (await folderOf()).path
    const parts = join(at.local, name)
    for (const part of readdirSync(parts)) unlinkSync(join(parts, part))
    writeFileSync(join(elsewhere, 'mine'), 'mine')
    symlinkSync(join(elsewhere, 'mine'), join(parts, 'whole'))
    await expect(runJob(second, { client })).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
    })
    expect(readFileSync(join(elsewhere, 'mine'), 'utf8')).toBe('mine')
  })
})

describe('a server that is no help', () => {
  async function start(options: TreeServerOptions): Promise<{ server: FakeFtpServer; client: FtpClient }> {
    const server = await treeServer(options)
    const client = new FtpClient({ host: server.host, port: server.port, security: 'none', retry: BRISK })
    onTestFinished(async () => {
      await client.close()
      await server.close()
    })
    return { server, client }
  }

  test('answers REST with 350 and begins at the start: no file comes of it', async () => {
    const { server, client } = await start({ files: { '/large': LARGE }, restIgnored: true })
    const folder = await folderOf()
    const jobs = await collect(planMirror(server.url('/'), folder.path, { client, rangeBytes: 2 * MIB }))
    const outcomes = []
    for (const job of jobs)
      outcomes.push(
        await runJob(job, { client }).then(
          () => 'done',
          (error: unknown) => error,
        ),
      )
    expect(outcomes).toContainEqual(expect.objectContaining({ name: 'FtpTransferError' }))
    expect(existsSync(folder.at('large'))).toBe(false)
  })

  test('begins elsewhere for one range: the seams tell, and another run brings the file', async () => {
    const { server, client } = await start({ files: { '/large': LARGE } })
    const folder = await folderOf()
    const plan = (): Promise<MirrorJob[]> =>
      collect(planMirror(server.url('/'), folder.path, { client, rangeBytes: 2 * MIB }))
    const outcomes: unknown[] = []
    for (const job of await plan()) {
      const isMiddle = job.type === 'range' && job.index === 1
      Object.assign(server.options, { restIgnored: isMiddle })
      outcomes.push(
        await runJob(job, { client }).then(
          ({ type }) => type,
          (error: unknown) => error,
        ),
      )
    }
    expect(outcomes).toMatchObject([
      'range',
      'range',
      { code: 'ERR_FTP_SOURCE_CHANGED', message: expect.stringContaining('not of one file') as string },
    ])
    expect(readdirSync(folder.path)).toEqual([])
    await workOff(await plan(), [client])
    expect(readFileSync(folder.at('large')).equals(LARGE)).toBe(true)
  })

  test.each([
    ['in the root', { '/': ['again', 1] }],
    ['deeper', { '/': ['a', 2], '/a': ['b', 3], '/a/b': ['again', 2] }],
  ] as const)('shows a directory that is in itself, %s: it is entered once', async (_where, tree) => {
    const names: Readonly<Record<string, readonly [string, number]>> = tree
    const { server, client } = await start({
      files: { '/x': Buffer.from('x'), '/a/b/x': Buffer.from('x') },
      listed: (path) => {
        const [name, unique] = names[path] ?? expect.fail(`${path} is listed`)
        return [`type=dir;unique=${unique}; ${name}`]
      },
      on: {
        MLST: (session) => session.reply('250-Listing\r\n type=dir;unique=1; /\r\n250 End'),
      },
    })
    const folder = await folderOf()
    const plan = (onFailure?: PlanMirrorOptions['onFailure']): Promise<MirrorJob[]> =>
      collect(planMirror(server.url('/'), folder.path, { client, directories: 'walk', onFailure }))
    await expect(plan()).rejects.toMatchObject({ code: 'ERR_FTP_UNSAFE_PATH' })
    const failures: string[] = []
    expect(await plan(({ path }) => void failures.push(path))).toEqual([])
    expect(failures).toEqual([Object.keys(tree).length === 1 ? 'again' : 'a/b/again'])
  })
})

describe('what is no job', () => {
  const client = new FtpClient({ host: 'ftp.example.org', security: 'none' })
  const root = { id: 'x', source: 'ftp://ftp.example.org/', target: '/srv', options: {} }
  const file = { path: 'a', size: 10, modifiedMs: 0, precision: 'second' }
  const range = { ...root, type: 'range', file, index: 0, count: 2, start: 0, end: 5 }

  test.each<[string, unknown]>([
    ['null', null],
    ['a text', 'job'],
    ['one without a type', root],
    ['a path that leads elsewhere', { ...root, type: 'directory', path: '../x', above: [] }],
    ['an absolute path', { ...root, type: 'directory', path: '/x', above: [] }],
    ['files that are none', { ...root, type: 'files', files: [{ path: 'a/../../b' }] }],
    ['a size that is none', { ...root, type: 'files', files: [{ ...file, size: -1 }] }],
    ['a range behind the end', { ...range, end: 11 }],
    ['a range of none', { ...range, index: 2 }],
    ['a range without a size', { ...range, file: { path: 'a' } }],
  ])('%s is a TypeError', (_name, job) => {
    expect(() => runJob(job as MirrorJob, { client })).toThrow(TypeError)
  })

  test('a job of another server is one, too', () => {
    const job = { ...range, source: 'ftp://elsewhere.example.org/' } as RangeJob
    expect(() => runJob(job, { client })).toThrow('differ in host')
  })

  test.each<[object, RegExp]>([
    [{ exclude: [() => true] }, /"exclude\[0\]" is a function; it must be a glob/],
    [{ rangeBytes: 5 }, /"rangeBytes" is 5/],
    [{ filesPerJob: 0 }, /"filesPerJob" is 0/],
    [{ symlinks: 'follow' }, /"symlinks" is 'follow'/],
    [{ delete: true }, /There is no option "delete"/],
    [{ compare: 'time' }, /"compare" is 'time'/],
  ])('options %j are told at once', (options, message) => {
    expect(() => planMirror('ftp://ftp.example.org/', 'x', options)).toThrow(message)
  })
})
