/** examples/fleet as it is run: processes that mirror a tree together, which are killed, as is their Redis. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MirrorQueue } from '../../examples/fleet/mirror-queue.ts'
import { killAll } from '../hazards/support/child-process.ts'
import { whyUnavailable, type RunningServer } from '../servers/index.ts'
import { RedisServer } from '../servers/redis.ts'
import { useServer } from '../servers/vitest.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { running, type Running } from '../support/running.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { countingGateway } from './counting-gateway.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const MIB = 2 ** 20
const CONNECTIONS = 6
const SMALL_FILES = 20_000
const FILES_PER_DIRECTORY = 100
const MOST_SMALL_BYTES = 4_096
const LARGE_FILES = 3
const LARGE_BYTES = 40 * MIB + 4_321

const kind = whyUnavailable('vsftpd') === undefined ? 'vsftpd' : 'pyftpdlib'
const unavailable = whyUnavailable('redis-server') ?? whyUnavailable(kind)
const NAME = unavailable === undefined ? 'a fleet' : `a fleet, left out: ${unavailable}`

/** Of processes that end and begin again, in a shorter time than one would wait in the field. */
const SCAN = ['--connections', `${CONNECTIONS}`, '--range-bytes', `${8 * MIB}`, '--lease-ms', '3000']
const WORK = ['--until-done', '--lock-ms', '3000']

let folder: TemporaryDirectory
let redis: RedisServer
let children: ChildProcess[]

/** Starts fleet.ts with the login of a server. */
function start({ user, password }: RunningServer, ...parameters: string[]): Running {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(PROJECT, 'examples/fleet/fleet.ts'), ...parameters],
    {
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TSX_TSCONFIG_PATH: join(PROJECT, 'tsconfig.test.json'),
        ...{ FTP_USER: user, FTP_PASSWORD: password, REDIS_URL: redis.url },
      },
    },
  )
  children.push(child)
  return running(child)
}

/** What a command that ends by itself says. */
async function run(server: RunningServer, ...parameters: string[]): Promise<string> {
  const { ended, output, errors } = start(server, ...parameters)
  expect(await ended, errors()).toBe(0)
  return output()
}

/** Waits until so many files were brought. */
async function untilBrought(count: number): Promise<void> {
  const mirror = new MirrorQueue(redis.url, 'mirror', 1)
  while ((await mirror.totals()).files < count) await sleep(20)
  await mirror.close()
}

async function makeTree(root: string): Promise<void> {
  for (let index = 0; index < SMALL_FILES; index += 1) {
    const directory = Math.floor(index / FILES_PER_DIRECTORY)
    const path = join(root, `${directory % 20}`, `directory ${directory}`, `${index}.txt`)
    if (index % FILES_PER_DIRECTORY === 0) await mkdir(dirname(path), { recursive: true })
    await writeFile(path, randomBytes((index * 7) % MOST_SMALL_BYTES, index))
  }
  for (let index = 0; index < LARGE_FILES; index += 1)
    await writeFile(join(root, `${index}`, `large ${index}`), randomBytes(LARGE_BYTES, `large ${index}`))
}

/** The paths under both of what is not the same, or on one side only. */
async function differences(source: string, target: string): Promise<string[]> {
  const there = await readdir(target, { recursive: true })
  const wanted = await readdir(source, { recursive: true, withFileTypes: true })
  const different = new Set(there)
  for (const entry of wanted) {
    const path = join(entry.parentPath, entry.name).slice(source.length + 1)
    const isSame = entry.isDirectory()
      ? different.has(path)
      : (await readFile(join(source, path))).equals(
          await readFile(join(target, path)).catch(() => Buffer.from('missing')),
        )
    if (isSame) different.delete(path)
    else different.add(path)
  }
  return [...different]
}

describe.skipIf(unavailable !== undefined)(NAME, () => {
  beforeEach(async () => {
    children = []
    folder = await temporaryDirectory()
    redis = await RedisServer.start(folder.at('redis'))
  })
  afterEach(async () => {
    await killAll(children)
    await redis[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  test('workers are killed, and Redis, and all of them at once: the tree is the same', async () => {
    const server = await useServer(kind, { readOnly: true })
    await makeTree(server.root)
    await using gateway = await countingGateway(server.host, server.port)
    await run(server, 'scan', gateway.url, folder.at('target'), ...SCAN)
    const work = (): Running => start(server, 'work', ...WORK)

    const workers = [work(), work(), work()]
    await untilBrought(0.25 * SMALL_FILES)
    workers[0]?.child.kill('SIGKILL')
    work()

    await untilBrought(0.5 * SMALL_FILES)
    await redis.kill()
    await redis.start()

    await untilBrought(0.75 * SMALL_FILES)
    await killAll(children)
    await redis.kill()
    await redis.start()
    for (const { ended, errors } of [work(), work(), work()]) expect(await ended, errors()).toBe(0)

    expect(await run(server, 'dead')).toBe('')
    expect(await run(server, 'status')).toMatch(
      /jobs: 0 active, 0 waiting, 0 to be retried, 0 dead; 0 workers/,
    )
    expect(await differences(server.root, folder.at('target'))).toEqual([])
    expect(gateway.most()).toBe(CONNECTIONS)
  }, 600_000)

  test('what fails again and again is told with its error, and may be put back', async () => {
    const server = await useServer(kind, { readOnly: true })
    server.write('pub/of all/a', 'at once')
    const forbidden = server.write('pub/of all/b', 'later')
    await chmod(forbidden, 0)
    const few = ['--attempts', '2']
    await run(server, 'scan', `${server.url}/pub/`, folder.at('target'), ...SCAN, ...few)
    await run(server, 'work', ...WORK, ...few)
    expect(await run(server, 'status')).toMatch(/1 files brought.* 1 dead/)
    expect(await run(server, 'dead')).toMatch(/^ERR_FTP_[A-Z_]+\tof all\/b\t.*\n$/)

    await chmod(forbidden, 0o644)
    expect(await run(server, 'dead', '--retry')).toMatch(/1 jobs are put back\n$/)
    await run(server, 'work', ...WORK, ...few)
    expect(await run(server, 'dead')).toBe('')
    expect(await differences(join(server.root, 'pub'), folder.at('target'))).toEqual([])
  })

  test('a large file that is changed behind the scan: its directory is looked at anew', async () => {
    const server = await useServer(kind, { readOnly: true })
    server.write('large', randomBytes(20 * MIB, 'before'))
    server.write('small', 'as it was')
    await run(server, 'scan', server.url, folder.at('target'), ...SCAN)
    server.write('large', randomBytes(18 * MIB, 'after'))
    await run(server, 'work', ...WORK)
    expect(await run(server, 'dead')).toBe('')
    expect(await differences(server.root, folder.at('target'))).toEqual([])
  })

  test('a login in the URL is refused, and told to nobody', async () => {
    const server = await useServer(kind)
    const { ended, output, errors } = start(server, 'scan', 'ftp://me:secret@127.0.0.1/', folder.at('target'))
    expect(await ended).toBe(1)
    expect(output() + errors()).toMatch(/FTP_PASSWORD/)
    expect(output() + errors()).not.toContain('secret')
  })
})
