/**
 * `npm run soak -- [--minutes 30] [--seed N]`: mixed work by faulty connections on all real servers, plain and TLS. What
 * fails has to fail by a typed error, and what succeeds is compared; at the end the network is well again, every piece of
 * work has to succeed, everything is closed, and the memory has to be where it was. Prints a report; ends with 1 where
 * anything did not hold.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FtpClient, FtpError } from '../../src/index.ts'
import { Random } from '../fuzz/random.ts'
import { serverMatrix, startServer, type RunningServer } from '../servers/index.ts'
import { FAULTS, FaultyRelay } from './faulty-relay.ts'
import { Memory } from './memory.ts'
import { openSockets } from './sockets.ts'
import { furnish, JOBS, Overtaken, WrongResult, type Bench } from './work.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const seed = Number(values.seed)
const until = performance.now() + Number(values.minutes) * 60_000

/** Servers listen on the one, clients come by the other. */
const SERVERS = '127.0.0.1'
const RELAYS = '127.0.0.2'
/** Below those that the system gives out by itself. */
const FIRST_PASSIVE_PORT = 21_000
const PASSIVE_PORTS = 40
const TIMEOUTS = { connect: 3_000, greeting: 3_000, reply: 3_000, tls: 4_000, data: 2_500, completion: 4_000 }
/**
 * The pause before the next attempt is the default one: what comes sooner may find a server that is still about to open,
 * and so to empty, the file of a STOR whose connection is lost.
 */
const RETRY = { attempts: 4, minDelay: 500, maxDelay: 2_000, factor: 2, jitter: 0.5 }
/** A client that is closed and made anew behind so many calls. */
const CALLS_OF_A_CLIENT = 100
const ATTEMPTS_IN_THE_END = 5
const BETWEEN_ATTEMPTS_MS = 20_000
/** What one call may take before it counts as one that hangs. */
const LONGEST_CALL_MS = 300_000

interface Place {
  readonly name: string
  readonly server: RunningServer
  readonly relay: FaultyRelay
  readonly folder: string
  readonly random: Random
  readonly tally: Map<string, { done: number; failed: number }>
}

const wrong: string[] = []
/** How often each code came, and of what. */
const codes = new Map<string, Map<string, number>>()
const overtaken: string[] = []

function clientFor({ server, relay }: Place): FtpClient {
  const { port } = relay
  const { user, password, tls, ca } = server
  return new FtpClient({
    ...{
      host: RELAYS,
      port,
      user,
      password,
      security: tls,
      maxConnections: 4,
      timeouts: TIMEOUTS,
      retry: RETRY,
    },
    ...(tls !== 'none' && { tls: { ca, servername: 'localhost' } }),
  })
}

async function openPlaces(folder: string): Promise<Place[]> {
  const cells = serverMatrix().filter(({ tls, unavailable, refused }) => {
    return tls !== 'implicit' && unavailable === undefined && refused === undefined
  })
  const places: Place[] = []
  for (const [index, { kind, tls, name }] of cells.entries()) {
    const first = FIRST_PASSIVE_PORT + index * PASSIVE_PORTS
    const server = await startServer(kind, {
      ...{ tls, address: SERVERS, passivePorts: [first, first + PASSIVE_PORTS - 1] as const },
    })
    furnish(server)
    const random = new Random(seed + index)
    const relay = new FaultyRelay({
      ...{ from: RELAYS, to: SERVERS, controlPort: server.port, isProtected: tls !== 'none' },
      random: new Random(seed + 1_000 + index),
      passivePorts: Array.from({ length: PASSIVE_PORTS }, (_, at) => first + at),
    })
    await relay.listen()
    const own = join(folder, String(index))
    await mkdir(own)
    places.push({ name, server, relay, folder: own, random, tally: new Map() })
  }
  return places
}

/** Random work at one place until the time is up, then all of it once more by a network that is well. */
async function soak(place: Place): Promise<void> {
  const names = Object.keys(JOBS)
  while (performance.now() < until) {
    const client = clientFor(place)
    try {
      for (let call = 0; call < CALLS_OF_A_CLIENT && performance.now() < until; call++) {
        await perform(place, client, place.random.of(names), true)
      }
    } finally {
      await client.close()
    }
  }
  place.relay.isFaulty = false
  const client = clientFor(place)
  for (const name of names) await performInTheEnd(place, client, name)
  const { leased, waiting } = client.stats()
  if (leased + waiting > 0)
    wrong.push(`${place.name}: ${leased} sessions are in use, ${waiting} are waited for`)
  await client.close()
}

/**
 * What has to succeed at last. A server may still wait for the data connection of a session that is long gone, and hold
 * the file meanwhile (vsftpd: for a minute).
 */
async function performInTheEnd(place: Place, client: FtpClient, name: string): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_IN_THE_END; attempt++) {
    if (await perform(place, client, name, attempt < ATTEMPTS_IN_THE_END)) return
    await sleep(BETWEEN_ATTEMPTS_MS)
  }
}

/** Whether it has succeeded. */
async function perform(place: Place, client: FtpClient, name: string, mayFail: boolean): Promise<boolean> {
  const counted = place.tally.get(name) ?? { done: 0, failed: 0 }
  place.tally.set(name, counted)
  const bench: Bench = { client, server: place.server, random: place.random, folder: place.folder }
  try {
    await withinLimit(JOBS[name]?.(bench))
    counted.done += 1
    return true
  } catch (error) {
    counted.failed += 1
    if (mayFail && error instanceof Overtaken) {
      overtaken.push(`${place.name}, ${name}: ${error.message}`)
      return false
    }
    if (error instanceof FtpError) countCode(error.code, `${place.name}, ${name}`)
    if (mayFail && error instanceof FtpError) {
      await sleep(RETRY.minDelay)
      return false
    }
    const kind = error instanceof WrongResult ? 'WRONG' : 'unexpected'
    wrong.push(
      `${place.name}, ${name}: ${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    return false
  }
}

function countCode(code: string, what: string): void {
  const counts = codes.get(code) ?? new Map<string, number>()
  codes.set(code, counts.set(what, (counts.get(what) ?? 0) + 1))
}

async function withinLimit(working: Promise<void> | undefined): Promise<void> {
  const over = new AbortController()
  const late = sleep(LONGEST_CALL_MS, undefined, { signal: over.signal }).then(
    () => Promise.reject(new Error('it hangs')),
    () => {},
  )
  try {
    await Promise.race([working, late])
  } finally {
    over.abort()
  }
}

function report(places: readonly Place[], memory: Memory): void {
  console.log(`\nseed ${seed}, ${values.minutes} minutes, ${places.length} servers`)
  for (const { name, tally, relay } of places) {
    const work = [...tally].map(
      ([what, { done, failed }]) => `${what} ${done}${failed > 0 ? ` (${failed} failed)` : ''}`,
    )
    const faults = FAULTS.map((fault) => `${fault} ${relay.counts[fault]}`)
    console.log(`${name}\n  ${work.sort().join(', ')}\n  connections: ${faults.join(', ')}`)
  }
  for (const [code, counts] of codes) {
    const of = [...counts].map(([what, count]) => `${what} ${count}`)
    console.log(`${code}: ${of.join('; ')}`)
  }
  console.log(`memory after collection, MB: ${memory.shown()}`)
  for (const line of overtaken) console.log(`carried out late by the server: ${line}`)
  for (const line of wrong) console.log(`NOT RIGHT: ${line}`)
  console.log(
    wrong.length === 0
      ? 'everything was as it should be'
      : `${wrong.length} things were not as they should be`,
  )
}

const folder = mkdtempSync(join(tmpdir(), 'octoftp-soak-'))
console.log(`seed ${seed}`)
const before = openSockets()
const places = await openPlaces(folder)
const memory = new Memory()
try {
  await Promise.all(places.map(soak))
} finally {
  memory.end()
  for (const { relay, server } of places) {
    await relay.close()
    await server.stop()
  }
  rmSync(folder, { recursive: true, force: true })
}
// What was closed is gone by the next turns of the loop.
await sleep(1_000)
for (const [inode, socket] of openSockets()) {
  if (!before.has(inode)) wrong.push(`a socket is open still: ${socket}`)
}
if (!memory.isFlat()) wrong.push('the memory has grown')
report(places, memory)
process.exitCode = wrong.length === 0 ? 0 : 1
