/**
 * A mirror by many machines that share the target directory. See docs/fleet.md.
 *
 *   fleet.ts scan ftp://ftp.example.org/pub/ /srv/pub --connections 32 --rate 100000000
 *   fleet.ts work --until-done           on as many machines, as often as you like
 *   fleet.ts status --watch
 *   fleet.ts dead --retry
 *
 * The login is in FTP_USER and FTP_PASSWORD, the Redis in REDIS_URL: of scan and of each worker.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FtpClient, parseFtpUrl, planMirror, type MirrorJob } from 'octoftp'
import { ConnectionLease, setLimits } from './connection-lease.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { deadLetters, retryDeadLetters } from './dead-letters.ts'
import { MirrorQueue } from './mirror-queue.ts'
import { statusLine, statusOf, type Status } from './status-line.ts'
import { FleetWorker } from './work.ts'

const USAGE = `fleet.ts scan URL DIRECTORY | work | status | dead

  --name NAME           of the mirror ("mirror")
  --redis URL           (REDIS_URL, or redis://127.0.0.1:6379)
  --attempts N          that the jobs have which it puts into the queue (8)

scan:
  --connections N       the most at the server, of all workers together (8)
  --rate BYTES          the most a second, of all workers together (no limit)
  --range-bytes BYTES   larger files are cut into such ranges (268435456)
  --lease-ms MS         a worker that was silent for so long has no connections any more (15000)

work:
  --until-done          ends when there is nothing left to do
  --lock-ms MS          a worker that was silent for so long has no jobs any more (30000)

status:
  --watch               a line every second

dead:
  --retry               puts them back into the queue
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'mirror' },
    redis: { type: 'string', default: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' },
    attempts: { type: 'string', default: '8' },
    connections: { type: 'string', default: '8' },
    rate: { type: 'string', default: 'Infinity' },
    'range-bytes': { type: 'string', default: String(256 * 2 ** 20) },
    'lease-ms': { type: 'string', default: '15000' },
    'until-done': { type: 'boolean', default: false },
    'lock-ms': { type: 'string', default: '30000' },
    watch: { type: 'boolean', default: false },
    retry: { type: 'boolean', default: false },
  },
})

const LOOK_EVERY_MS = 1_000
const { FTP_USER: user, FTP_PASSWORD: password } = process.env
const login = { ...(user !== undefined && { user }), ...(password !== undefined && { password }) }

async function scan(mirror: MirrorQueue, source: string, target: string): Promise<void> {
  const { host: name, port, user: given } = parseFtpUrl(source)
  if (given !== undefined) throw new Error('The login is in FTP_USER and FTP_PASSWORD: others read the URL')
  const host = `${name}:${port}`
  await setLimits(mirror.redis, host, {
    connections: Number(values.connections),
    bytesPerSecond: Number(values.rate),
    leaseMs: Number(values['lease-ms']),
  })
  await mirror.tell({ source, host, isScanned: false })
  const slots = new ConnectionSlots({
    lease: new ConnectionLease(mirror.redis, host, 1),
    open: () => new FtpClient(new URL('/', source), { ...login, maxConnections: 1 }),
    onError: (error) => console.error(`scan: ${(error as Error).message}`),
  })
  const client = await slots.take()
  try {
    const jobs: MirrorJob[] = []
    const rangeBytes = Number(values['range-bytes'])
    for await (const job of planMirror(source, target, { client, rangeBytes, connections: 1 })) jobs.push(job)
    await mirror.add(jobs)
    await mirror.tell({ source, host, isScanned: true })
    console.log(`${jobs.length} jobs to begin with`)
  } finally {
    slots.giveBack(client)
    await slots.close()
  }
}

async function work(mirror: MirrorQueue): Promise<void> {
  const { source, host } = await mirror.facts()
  const worker = new FleetWorker(mirror, source, host, {
    ...{ redisUrl: values.redis, login, lockMs: Number(values['lock-ms']) },
  })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  while (!stop.signal.aborted) {
    if (values['until-done'] && (await mirror.isDone())) break
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop.signal }).catch(() => {}) // It is to stop.
  }
  await worker.close()
}

async function status(mirror: MirrorQueue): Promise<void> {
  let before: Status | undefined
  do {
    const now = await statusOf(mirror)
    console.log(statusLine(now, before))
    before = now
    if (values.watch) await sleep(LOOK_EVERY_MS)
  } while (values.watch && !(await mirror.isDone()))
}

async function dead(mirror: MirrorQueue): Promise<void> {
  for await (const { code, path, message } of deadLetters(mirror.queue))
    console.log(`${code}\t${path}\t${message}`)
  if (values.retry) console.log(`${await retryDeadLetters(mirror.queue)} jobs are put back`)
}

async function main([command, ...rest]: readonly string[]): Promise<void> {
  const mirror = new MirrorQueue(values.redis, values.name, Number(values.attempts))
  try {
    const [source, target] = rest
    if (command === 'scan' && source !== undefined && target !== undefined) await scan(mirror, source, target)
    else if (command === 'work') await work(mirror)
    else if (command === 'status') await status(mirror)
    else if (command === 'dead') await dead(mirror)
    else throw new Error(USAGE)
  } finally {
    await mirror.close()
  }
}

try {
  await main(positionals)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
