/**
 * What a fleet (examples/fleet) is reckoned from: what one connection does with jobs of small files and of ranges, near
 * and far, and what a job costs in Redis. `node --import tsx bench/fleet-figures.ts --help`, after a build.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'
import { MirrorQueue, redisOptions } from '../examples/fleet/mirror-queue.ts'
import type { MirrorJob } from '../src/index.ts'
import { RedisServer } from '../test/servers/redis.ts'
import { runMain } from './harness/run-main.ts'
import { makeWorkspace, type Workspace } from './harness/workspace.ts'
import { startFarServer } from './network/far-server.ts'
import { startLink, whyNoLink } from './network/link.ts'

const usage = `node --import tsx bench/fleet-figures.ts [options]

  --files N           small ones, a hundred in a directory (2000)
  --file-bytes N      of each (2048)
  --large-bytes N     of one file in ranges (268435456)
  --round-trips A,B   milliseconds (0,50)
  --jobs N            of each kind in Redis (5000)
`

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '2000' },
    'file-bytes': { type: 'string', default: '2048' },
    'large-bytes': { type: 'string', default: String(256 * 2 ** 20) },
    'round-trips': { type: 'string', default: '0,50' },
    jobs: { type: 'string', default: '5000' },
    help: { type: 'boolean', default: false },
  },
})

const MEGABITS_PER_SECOND = 1_000
const RANGE_BYTES = 64 * 2 ** 20
const FILES_PER_JOB = 100
const program = fileURLToPath(new URL('./clients/octoftp-jobs.mjs', import.meta.url))

interface Done {
  readonly directories: number
  readonly files: number
  readonly bytes: number
  readonly seconds: number
  readonly cpuSeconds: number
}

function writeTree({ served }: Workspace): void {
  for (const name of ['small', 'large']) mkdirSync(join(served, name))
  for (let index = 0; index < Number(values.files); index++) {
    const directory = join(served, 'small', `directory ${Math.floor(index / FILES_PER_JOB)}`)
    if (index % FILES_PER_JOB === 0) mkdirSync(directory)
    writeFileSync(join(directory, `${index}.dat`), Buffer.alloc(Number(values['file-bytes']), index))
  }
  writeFileSync(join(served, 'large', 'disk.iso'), Buffer.alloc(Number(values['large-bytes']), 'large'))
}

async function measureConnection(workspace: Workspace, roundTripMs: number): Promise<void> {
  await using link = await startLink(
    { roundTripMs, megabitsPerSecond: MEGABITS_PER_SECOND },
    workspace.scratch,
  )
  await using server = await startFarServer(link, 'vsftpd', { root: workspace.served })
  const { host, port, user, password } = server
  for (const name of ['small', 'large']) {
    const target = join(workspace.targets, name)
    const input = { url: `ftp://${host}:${port}/${name}/`, user, password, target, rangeBytes: RANGE_BYTES }
    const [command = '', ...args] = link.forClient([process.execPath, program, JSON.stringify(input)])
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const done = JSON.parse(stdout) as Done
    rmSync(target, { recursive: true })
    console.log(`${roundTripMs} ms, ${name}: ${told(done)}`)
  }
}

function told({ directories, files, bytes, seconds, cpuSeconds }: Done): string {
  const each =
    files > 0
      ? `${(files / seconds).toFixed(0)} files/s, ${((1000 * cpuSeconds) / files).toFixed(2)} ms of CPU each`
      : `${(bytes / seconds / 1e6).toFixed(1)} MB/s, ${((1000 * cpuSeconds) / (bytes / 1e6)).toFixed(2)} ms of CPU a MB`
  return `${directories} directories, ${files} files, ${bytes} bytes in ${seconds.toFixed(1)} s: ${each}`
}

/** As planMirror makes them, by the sizes of names and paths that one meets. */
function jobsOf(type: MirrorJob['type'], count: number): MirrorJob[] {
  const root = {
    source: 'ftp://ftp.example.org/pub/',
    target: '/srv/pub',
    options: { rangeBytes: RANGE_BYTES },
  }
  return Array.from({ length: count }, (_, index): MirrorJob => {
    const base = { id: `${type}${index}`.padStart(32, '0'), ...root }
    const path = `archive/2024/directory ${index}`
    const file = (name: string): { path: string; size: number; modifiedMs: number; precision: 'second' } => ({
      ...{ path: `${path}/${name}`, size: 123_456, modifiedMs: 1_700_000_000_000, precision: 'second' },
    })
    switch (type) {
      case 'directory':
        return { ...base, type, path, above: ['fd00g1234567', null, null] }
      case 'files':
        return {
          ...base,
          ...{ type, files: Array.from({ length: FILES_PER_JOB }, (_, at) => file(`measurement-${at}.dat`)) },
        }
      case 'range':
        return {
          ...base,
          type,
          file: { ...file('disk.iso'), size: 2 ** 36 },
          index: 1,
          count: 99,
          start: 0,
          end: 9,
        }
      default:
        return type satisfies never
    }
  })
}

type RedisInfo = Readonly<Record<string, number>>

async function infoOf({ redis }: MirrorQueue): Promise<RedisInfo> {
  const lines = (await redis.info()).split('\r\n').map((line) => line.split(':'))
  return Object.fromEntries(lines.map(([name = '', value]) => [name, Number(value)]))
}

function grown(before: RedisInfo, after: RedisInfo, ...names: string[]): number {
  return names.reduce((sum, name) => sum + (after[name] ?? NaN) - (before[name] ?? NaN), 0)
}

async function measureJobs(type: MirrorJob['type'], url: string): Promise<void> {
  const count = Number(values.jobs)
  const mirror = new MirrorQueue(url, `figures-${type}`, 8)
  await mirror.queue.waitUntilReady()
  const empty = await infoOf(mirror)
  await mirror.add(jobsOf(type, count))
  const full = await infoOf(mirror)
  const worker = new Worker(mirror.name, () => mirror.count({ type: 'range', bytes: 1, isFileWhole: true }), {
    connection: redisOptions(url),
    concurrency: 16,
  })
  const start = performance.now()
  await new Promise((resolve) => worker.once('drained', () => resolve(undefined)))
  const seconds = (performance.now() - start) / 1000
  await worker.close()
  const done = await infoOf(mirror)
  const cpuSeconds = grown(empty, done, 'used_cpu_user', 'used_cpu_sys')
  const bytes = grown(empty, done, 'total_net_input_bytes', 'total_net_output_bytes')
  console.log(
    `Redis, ${type}: ${(grown(empty, full, 'used_memory') / count).toFixed(0)} bytes while it waits; ` +
      `${(grown(empty, done, 'total_commands_processed') / count).toFixed(1)} commands, ` +
      `${(bytes / count).toFixed(0)} bytes of traffic, ${((1e6 * cpuSeconds) / count).toFixed(0)} µs of CPU in all; ` +
      `one worker did ${(count / seconds).toFixed(0)} a second`,
  )
  await mirror.close()
}

async function main(): Promise<void> {
  const obstacle = whyNoLink()
  if (obstacle !== undefined) throw new Error(obstacle)
  const workspace = makeWorkspace()
  try {
    {
      await using redis = await RedisServer.start(join(workspace.scratch, 'redis'))
      for (const type of ['directory', 'files', 'range'] as const) await measureJobs(type, redis.url)
    }
    writeTree(workspace)
    for (const roundTripMs of values['round-trips'].split(','))
      await measureConnection(workspace, Number(roundTripMs))
  } finally {
    workspace.remove()
  }
}

await runMain({ help: values.help, usage }, main)
