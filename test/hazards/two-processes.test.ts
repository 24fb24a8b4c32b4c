/** Two processes with one target: one of them writes it, and the other says why it does not. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FtpClient, type DownloadOptions, type DownloadResult } from '../../src/index.ts'
import { LockFile } from '../../src/local/lock-file.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { bufferFile } from '../support/pattern-file.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK, PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'
import { expectClaimsTrue } from './support/claims.ts'
import { killAll, prepareProgram, type Program } from './support/child-process.ts'
import { untilTrue } from '../support/eventually.ts'

const SIZE = 8_000_009
const CONTENT = randomBytes(SIZE, 'two processes')
const SOURCE = bufferFile(CONTENT)
/** Of each connection. */
const SLOW = 1_000_000

/** Downloads `$URL` to `$TARGET`; tells when bytes have come, and how it ended. */
const SCRIPT = `
  import { download } from './octoftp/index.js'
  const { URL: url, TARGET: target, OPTIONS } = process.env
  const say = (what) => process.stdout.write(JSON.stringify(what) + '\\n')
  const transfer = download(url, target, { minSegmentSize: 65536, ...JSON.parse(OPTIONS) })
  process.on('SIGUSR2', () => transfer.cancel(new Error('cancelled')))
  let told = false
  transfer.on('progress', ({ bytes }) => {
    if (bytes < 1_500_000 || told) return
    told = true
    say('begun')
  })
  transfer.then(({ bytes }) => say({ bytes }), ({ code, message }) => say({ code, message }))
`

let program: Program
let folder: TemporaryDirectory
let target: string
let server: FakeFtpServer
let children: ChildProcess[]

beforeAll(async () => {
  program = await prepareProgram(SCRIPT)
})

afterAll(() => program[Symbol.asyncDispose]())

beforeEach(async () => {
  children = []
  folder = await temporaryDirectory()
  target = folder.at('file.bin')
  server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: SLOW }))
})

afterEach(async () => {
  await killAll(children)
  await server.close()
  await folder[Symbol.asyncDispose]()
})

interface Child {
  readonly process: ChildProcess
  /** What it says next. */
  line(): Promise<unknown>
}

interface Outcome {
  readonly bytes?: number
  readonly code?: string
  readonly message?: string
}

function start(options: DownloadOptions = {}): Child {
  const url = `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${REMOTE}`
  const child = spawn(process.execPath, [program.path], {
    env: { ...process.env, URL: url, TARGET: target, OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { process: child, line: async () => JSON.parse(String((await lines.next()).value)) as unknown }
}

async function begun(options: DownloadOptions = {}): Promise<Child> {
  const child = start(options)
  expect(await child.line()).toBe('begun')
  return child
}

const outcome = async (child: Child): Promise<Outcome> => (await child.line()) as Outcome

async function fetchHere(options: DownloadOptions = {}): Promise<DownloadResult> {
  const { host, port } = server
  const address = { host, port, security: 'none', user: USER, password: PASSWORD, retry: BRISK } as const
  await using client = new FtpClient(address)
  return await client.download(REMOTE, target, { minSegmentSize: 65_536, ...options })
}

async function expectWhole(): Promise<void> {
  expect(Buffer.compare(await readFile(target), CONTENT)).toBe(0)
  expect(await readdir(folder.path), 'nothing is left beside it').toEqual(['file.bin'])
}

/** Waits until another's lock is stale, sooner than in earnest, and leaves none. */
async function breakLock(): Promise<void> {
  const times = { beatMs: 100, staleAfterMs: 400, settleMs: 50 }
  await (await LockFile.take(target, new AbortController().signal, times)).release()
}

describe('both run', () => {
  test('the second is refused within seconds, and the first is not harmed', async () => {
    const first = await begun()
    // It has most of the file to fetch yet, for as long as the other one looks.
    server.options.bytesPerSecond = SLOW / 20
    const retrievals = server.retrievals.length
    const asked = performance.now()
    await expect(fetchHere()).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      path: target,
      message: expect.stringMatching(/another process is writing it/) as unknown,
    })
    // One beat is two seconds; a lock is given up for dead after ten.
    expect(performance.now() - asked).toBeLessThan(8_000)
    server.options.bytesPerSecond = 100_000_000
    expect(server.retrievals.slice(retrievals).filter(({ offset }) => offset === 0)).toEqual([])
    expect(await outcome(first)).toEqual({ bytes: SIZE })
    await expectWhole()
  })

  test('at the same moment: one of them has it, the other is refused', async () => {
    const outcomes = await threeAtOnce()
    expect(outcomes.filter(({ bytes }) => bytes === SIZE)).toHaveLength(1)
    expect(outcomes.filter(({ code }) => code === 'ERR_FTP_LOCAL_FILE')).toHaveLength(2)
    await expectWhole()
  })
})

/** Nobody is done before the others know. */
async function threeAtOnce(): Promise<Outcome[]> {
  server.options.bytesPerSecond = SLOW / 20
  let refused = 0
  const ends = [1, 2, 3].map(async () => {
    const end = await last(start())
    if (++refused === 2) server.options.bytesPerSecond = 100_000_000
    return end
  })
  return Promise.all(ends)
}

async function last(child: Child): Promise<Outcome> {
  const said = await child.line()
  return said === 'begun' ? last(child) : (said as Outcome)
}

describe('the first was killed', () => {
  test.runIf(process.platform === 'linux')('the second goes on at once', async () => {
    const first = await begun({ connections: 1 })
    await untilTrue(async () => (await expectClaimsTrue(target, SOURCE)) > 1_000_000)
    first.process.kill('SIGKILL')
    await once(first.process, 'exit')
    expect(await readdir(folder.path)).toContain('file.bin.octoftp-lock')
    server.options.bytesPerSecond = 100_000_000
    const asked = performance.now()
    const { resumedBytes } = await fetchHere()
    // A lock whose process cannot be looked for is given up after ten seconds.
    expect(performance.now() - asked).toBeLessThan(8_000)
    expect(resumedBytes).toBeGreaterThan(1_000_000)
    await expectWhole()
  })

  test('and three come at once to go on with it: one does', async () => {
    const first = await begun()
    first.process.kill('SIGKILL')
    await once(first.process, 'exit')
    const outcomes = await threeAtOnce()
    expect(outcomes.filter(({ bytes }) => bytes === SIZE)).toHaveLength(1)
    expect(outcomes.filter(({ code }) => code === 'ERR_FTP_LOCAL_FILE')).toHaveLength(2)
    await expectWhole()
  })
})

describe.runIf(process.platform !== 'win32')(
  'the first stood still, and wakes after another has taken over',
  () => {
    const isReplaced = { code: 'ERR_FTP_LOCAL_FILE' }

    /** With a journal that the other one goes on with, in the same files; or before there is one. */
    const states: [string, () => Promise<Child>][] = [
      [
        'with a journal',
        async () => {
          const child = await begun({ connections: 1 })
          await untilTrue(async () => (await expectClaimsTrue(target, SOURCE)) > 1_000_000)
          return child
        },
      ],
      [
        'without a journal yet',
        async () => {
          server.options.bytesPerSecond = 4_000_000
          const child = await begun({ connections: 1 })
          server.options.bytesPerSecond = SLOW
          return child
        },
      ],
    ]

    test.each(states)(
      '%s, while that one works: it publishes nothing, and harms nothing',
      async (_what, begin) => {
        const first = await begin()
        first.process.kill('SIGSTOP')
        await breakLock()
        const second = fetchHere()
        second.catch(() => {})
        second.catch(() => {}) // Told where it is awaited.
        // Far from done, and what it has is claimed.
        await sleep(1_300)
        first.process.kill('SIGCONT')
        expect(await outcome(first)).toMatchObject(isReplaced)
        await expectClaimsTrue(target, SOURCE)
        expect(await second).toMatchObject({ bytes: SIZE })
        await expectWhole()
      },
    )

    test.each(states)('%s, after that one is done', async (_what, begin) => {
      const first = await begin()
      first.process.kill('SIGSTOP')
      await breakLock()
      server.options.bytesPerSecond = 100_000_000
      await fetchHere()
      first.process.kill('SIGCONT')
      expect(await outcome(first)).toMatchObject(isReplaced)
      await expectWhole()
    })

    test('and that one has another source', async () => {
      const first = await begun()
      await sleep(700)
      first.process.kill('SIGSTOP')
      await breakLock()
      const other = randomBytes(SIZE - 5, 'another source')
      server.files.set(REMOTE, other)
      server.options.bytesPerSecond = 4_000_000
      const second = fetchHere()
      second.catch(() => {})
      second.catch(() => {}) // Told where it is awaited.
      await untilTrue(async () => (await readdir(folder.path)).includes('file.bin.octoftp-lock'))
      await sleep(200)
      first.process.kill('SIGCONT')
      // What it had not read waits in its sockets: it may come to its last question before it looks at its lock.
      const eitherOf = /^ERR_FTP_(LOCAL_FILE|SOURCE_CHANGED)$/
      expect(await outcome(first)).toMatchObject({ code: expect.stringMatching(eitherOf) as unknown })
      expect(await second).toMatchObject({ bytes: other.length, resumedBytes: 0 })
      expect(Buffer.compare(await readFile(target), other)).toBe(0)
      expect(await readdir(folder.path)).toEqual(['file.bin'])
    })

    test.each([true, false])(
      "and is aborted the moment it wakes, keepPartial %s: what is there is the other one's",
      async (keepPartial) => {
        const first = await begun({ keepPartial, connections: 1 })
        const lock = await readFile(`${target}.octoftp-lock`)
        await untilTrue(async () => !lock.equals(await readFile(`${target}.octoftp-lock`)))
        // Just after a beat: it will not look at its lock for two seconds.
        first.process.kill('SIGSTOP')
        first.process.kill('SIGUSR2')
        await breakLock()
        const second = fetchHere()
        second.catch(() => {}) // Told where it is awaited.
        await sleep(700)
        first.process.kill('SIGCONT')
        expect(await outcome(first)).toMatchObject({ message: expect.any(String) as unknown })
        expect(await second).toMatchObject({ bytes: SIZE })
        await expectWhole()
      },
    )
  },
)

test('a lock that another machine has left, or a container: refused, or waited for, and never for long', async () => {
  const lock = { octoftpLock: 1, count: '000000000007', token: 'f'.repeat(32) }
  await writeFile(`${target}.octoftp-lock`, `${JSON.stringify(lock)}\n`, { mode: 0o600 })
  server.options.bytesPerSecond = 100_000_000
  const asked = performance.now()
  await fetchHere()
  expect(performance.now() - asked).toBeLessThan(25_000)
  expect(performance.now() - asked).toBeGreaterThan(9_000)
  await expectWhole()
})
