/**
 * One file by a client that is killed again and again on the way, on a real disk: is it right in the end, and
 * how much is fetched twice for each kill? `node --import tsx bench/killed-often.ts --help`, after a build.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { clients } from './clients/clients.ts'
import { boundToParent } from './harness/bound.ts'
import { sha256, whatIsWrong, writeRandomFile } from './harness/files.ts'
import { randomNumbers } from './harness/random.ts'
import { spread } from './harness/statistics.ts'
import { startShapedServer, type ShapedReport, type ShapedServer } from './servers/shaped-server.ts'

const usage = `node --import tsx bench/killed-often.ts [options]

  --kills N           how often the client is killed (200)
  --size BYTES        of the file (200000000); the more, the longer each client lives
  --rate BYTES        per second, all connections together (20000000)
  --connections N     (4)
  --seed N            of the random instants (by the clock; printed)
  --folder PATH       on the disk to write to (the system's for temporary files)
`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    size: { type: 'string', default: '200000000' },
    rate: { type: 'string', default: '20000000' },
    connections: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    folder: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
})

/** One in so many is killed before it has asked for a byte, or while it opens what the last one left. */
const EARLY_KILLS_ONE_IN = 10
const LATEST_EARLY_KILL_MS = 400
const LONGEST_START_MS = 60_000

interface Run {
  readonly kills: number
  readonly size: number
  readonly rate: number
  readonly connections: number
  readonly random: () => number
  readonly target: string
  readonly server: ShapedServer
}

/** What one client did before it was killed, by the server's account. */
interface Life {
  readonly sent: number
  readonly refetched: number
  readonly logins: number
  /** From its start to the first byte; undefined if none came. */
  readonly firstByteMs: number | undefined
}

const stop = new AbortController()
let child: ChildProcess | undefined

async function main(): Promise<void> {
  const [size, rate, connections] = [Number(values.size), Number(values.rate), Number(values.connections)]
  const folder = mkdtempSync(join(values.folder, 'octoftp-killed-'))
  const served = join(folder, 'served')
  const targets = join(folder, 'targets')
  for (const path of [served, targets]) mkdirSync(path)
  try {
    writeRandomFile(join(served, 'source.bin'), size)
    // Enough lanes for the next client while the server still learns of the last one's death.
    const rates = Array.from({ length: 4 * connections }, () => rate)
    await using server = await startShapedServer({ root: served, rates, totalBytesPerSecond: rate })
    const random = randomNumbers(Number(values.seed))
    const target = join(targets, 'target.bin')
    const run: Run = { kills: Number(values.kills), size, rate, connections, random, target, server }
    const { lives, failure } = await liveThrough(run)
    const wrong = failure ?? (await whatIsWrong(target, size, await sha256(join(served, 'source.bin'))))
    const left = readdirSync(targets).filter((name) => name !== 'target.bin')
    tell(run, lives, wrong, left)
  } finally {
    await kill(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Kills every client but the last, which brings the file to its end. */
async function liveThrough(run: Run): Promise<{ lives: Life[]; failure: string | undefined }> {
  await run.server.begin()
  const lives: Life[] = []
  let before = await run.server.report()
  for (let left = run.kills; left >= 0; left--) {
    stop.signal.throwIfAborted()
    const started = performance.now()
    const client = (child = startClient(run))
    const errors = collectErrors(client)
    const ended = once(client, 'exit')
    const firstByte = run.server
      .sent(before.bytesSent + 1)
      .then((came) => came && performance.now() - started)
    if (left === 0) await ended
    else await Promise.race([ended, killInstant(run, before, left, firstByte)])
    if (left > 0 && client.exitCode !== null)
      return { lives, failure: `a client ended before it was killed: exit ${client.exitCode} ${errors()}` }
    await kill(client)
    if (left === 0 && client.exitCode !== 0) return { lives, failure: `the last client: ${errors()}` }
    await run.server.sent(0) // settles `firstByte` where none came
    const after = await run.server.report()
    lives.push(lifeBetween(before, after, await firstByte))
    before = after
    console.error(`${left} kills left, ${(after.newBytes / 1e6).toFixed(0)} MB`)
  }
  return { lives, failure: undefined }
}

function startClient({ server, target, connections }: Run): ChildProcess {
  const octoftp = clients.find(({ name }) => name === 'octoftp')
  const { host, port, user, password } = server
  const command = octoftp?.download?.command({
    ...{ host, port, user, password, path: '/source.bin', target, connections, caFile: undefined },
  })
  const [program = '', ...args] = boundToParent(command ?? [])
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/**
 * Drawn over the bytes that a client is sent, which at a fixed rate is over time. On average the kills that are
 * left divide the bytes that are left; none can come later than the end of the file.
 */
async function killInstant(
  { server, size, random }: Run,
  before: ShapedReport,
  left: number,
  firstByte: Promise<unknown>,
): Promise<void> {
  if (random() < 1 / EARLY_KILLS_ONE_IN) return sleep(random() * LATEST_EARLY_KILL_MS)
  const bytes = (random() * 2 * (size - before.newBytes)) / (left + 1)
  const late = sleep(LONGEST_START_MS, 'late' as const, { ref: false })
  if ((await Promise.race([firstByte, late])) === 'late') throw new Error('no byte was asked for in a minute')
  await server.sent(before.bytesSent + Math.max(2, Math.floor(bytes)))
}

function lifeBetween(before: ShapedReport, after: ShapedReport, firstByteMs: number | false): Life {
  const sent = after.bytesSent - before.bytesSent
  return {
    sent,
    refetched: sent - (after.newBytes - before.newBytes),
    logins: after.logins - before.logins,
    firstByteMs: firstByteMs === false ? undefined : firstByteMs,
  }
}

async function kill(client: ChildProcess | undefined): Promise<void> {
  if (client?.exitCode !== null || client.signalCode !== null) return
  const ended = once(client, 'exit')
  client.kill('SIGKILL')
  await ended
}

function collectErrors(client: ChildProcess): () => string {
  let text = ''
  client.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-500)
  })
  return () => text.trim()
}

function tell(run: Run, lives: readonly Life[], wrong: string | undefined, left: readonly string[]): void {
  const bound = Math.min(run.rate, 64 * 2 ** 20) + run.connections * 2 ** 20
  const refetched = lives.slice(1).map((life) => life.refetched)
  const total = refetched.reduce((sum, bytes) => sum + bytes, 0)
  const logins = lives.reduce((sum, life) => sum + life.logins, 0)
  const starts = spread(lives.flatMap(({ firstByteMs }) => firstByteMs ?? []))
  const again = spread(refetched)
  console.log(`${lives.length - 1} kills, seed ${values.seed}, ${run.size} bytes, ${run.connections} connections
The file            ${wrong ?? 'is right'}
Left beside it      ${left.length === 0 ? 'nothing' : left.join(', ')}
Fetched again       per kill: median ${megabytes(again?.median)}, mean ${megabytes(total / run.kills)}, most ${megabytes(again?.max)}
                    (median at most ${megabytes(bound)}: ${(again?.median ?? 0) <= bound ? 'kept' : 'MISSED'})
Logins              ${logins} by ${lives.length} clients
Start to first byte median ${starts?.median.toFixed(0)} ms, longest ${starts?.max.toFixed(0)} ms`)
  if (wrong !== undefined || left.length > 0 || (again?.median ?? 0) > bound) process.exitCode = 1
}

function megabytes(bytes = 0): string {
  return `${(bytes / 1e6).toFixed(2)} MB`
}

if (values.help) console.log(usage)
else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort(new Error(signal))
      child?.kill('SIGKILL')
    })
  }
  await main().catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
}
