/**
 * A fleet by a virtual clock, beside what one reckons on paper: `node --import tsx bench/fleet-simulation.ts` prints the
 * table of docs/fleet.md. The figures of a connection and of Redis are those of bench/fleet-figures.ts.
 *
 * A connection takes a job when its last one is done. The job then passes what all share, each of which does one thing
 * at a time, in the order of arrival; and it is done when the slowest of them, and the connection itself, are done with it.
 */
import { fileURLToPath } from 'node:url'

export interface Fleet {
  readonly workers: number
  /** At the server, of all workers together. */
  readonly connections: number
  readonly filesPerJob: number
  readonly bytesPerFile: number
  /** On a connection, besides its bytes. */
  readonly secondsPerFile: number
  readonly connectionBytesPerSecond: number
  /** Of the server, or of its link. */
  readonly serverBytesPerSecond: number
  /** Of the one core that a worker has. */
  readonly cpuSecondsPerFile: number
  readonly cpuSecondsPerByte: number
  /** Of Redis' one core, from adding a job to the end of it. */
  readonly redisSecondsPerJob: number
}

/** What holds it up, and how many files a second that lets through. */
export interface Ceiling {
  readonly name: 'connections' | 'server' | 'workers' | 'redis'
  readonly filesPerSecond: number
}

/** On paper: each part by itself. The lowest is the bottleneck. */
export function ceilings(fleet: Fleet): Ceiling[] {
  const { workers, connections, filesPerJob, bytesPerFile, redisSecondsPerJob } = fleet
  const all: Ceiling[] = [
    { name: 'connections', filesPerSecond: connections / connectionSeconds(fleet) },
    { name: 'server', filesPerSecond: fleet.serverBytesPerSecond / bytesPerFile },
    { name: 'workers', filesPerSecond: Math.min(workers, connections) / cpuSeconds(fleet) },
    { name: 'redis', filesPerSecond: filesPerJob / redisSecondsPerJob },
  ]
  return all.sort((one, other) => one.filesPerSecond - other.filesPerSecond)
}

/** By the clock: files a second over so many jobs. */
export function simulate(fleet: Fleet, jobs: number): number {
  const { workers, connections, filesPerJob, bytesPerFile } = fleet
  const redis = new Station()
  const server = new Station()
  const cores = Array.from({ length: workers }, () => new Station())
  const freeAt = new EarliestFirst(connections)
  let endedAt = 0
  for (let job = 0; job < jobs; job += 1) {
    const { time, connection } = freeAt.first()
    const begun = redis.done(time, fleet.redisSecondsPerJob)
    const core = cores[connection % workers]
    const ended = Math.max(
      begun + filesPerJob * connectionSeconds(fleet),
      server.done(begun, (filesPerJob * bytesPerFile) / fleet.serverBytesPerSecond),
      core?.done(begun, filesPerJob * cpuSeconds(fleet)) ?? 0,
    )
    freeAt.setFirst(ended)
    endedAt = Math.max(endedAt, ended)
  }
  return (jobs * filesPerJob) / endedAt
}

function connectionSeconds({ secondsPerFile, bytesPerFile, connectionBytesPerSecond }: Fleet): number {
  return secondsPerFile + bytesPerFile / connectionBytesPerSecond
}

function cpuSeconds({ cpuSecondsPerFile, cpuSecondsPerByte, bytesPerFile }: Fleet): number {
  return cpuSecondsPerFile + cpuSecondsPerByte * bytesPerFile
}

/** Does one thing at a time. */
class Station {
  #freeAt = 0

  /** When what comes at `time` is done. */
  done(time: number, seconds: number): number {
    this.#freeAt = Math.max(this.#freeAt, time) + seconds
    return this.#freeAt
  }
}

/** When each connection is free: a heap. */
class EarliestFirst {
  readonly #heap: { time: number; connection: number }[]

  constructor(connections: number) {
    this.#heap = Array.from({ length: connections }, (_, connection) => ({ time: 0, connection }))
  }

  first(): { readonly time: number; readonly connection: number } {
    return this.#at(0)
  }

  setFirst(time: number): void {
    const moved = this.#at(0)
    moved.time = time
    let at = 0
    for (;;) {
      const children = [2 * at + 1, 2 * at + 2].filter((child) => child < this.#heap.length)
      const least = children.reduce(
        (best, child) => (this.#at(child).time < this.#at(best).time ? child : best),
        at,
      )
      if (least === at) return
      this.#heap[at] = this.#at(least)
      this.#heap[least] = moved
      at = least
    }
  }

  #at(index: number): { time: number; connection: number } {
    const entry = this.#heap[index]
    if (entry === undefined) throw new RangeError(`There is no connection ${index}`)
    return entry
  }
}

const FILES = 100_000_000
const BYTES = 100e12
const DAY_SECONDS = 86_400
const JOBS = 100_000
const GIGABIT = 1e9 / 8

/** The figures of docs/fleet.md. A job has at most 64 MiB, which is 67 files of a megabyte. */
const MEASURED = {
  filesPerJob: 67,
  bytesPerFile: BYTES / FILES,
  cpuSecondsPerFile: 0.0032,
  cpuSecondsPerByte: 5.7e-9,
  // With its part of the job of a directory of a hundred files.
  redisSecondsPerJob: 310e-6 + 0.67 * 207e-6,
}
const NEAR = { secondsPerFile: 1 / 296, connectionBytesPerSecond: 78.6e6 }
const FAR = { secondsPerFile: 326.3 / 2_000, connectionBytesPerSecond: 27.2e6 }

function row(workers: number, connections: number, gigabits: number, place: typeof NEAR): string {
  const serverBytesPerSecond = gigabits * GIGABIT
  const fleet: Fleet = { ...MEASURED, ...place, workers, connections, serverBytesPerSecond }
  const [first, second] = ceilings(fleet)
  const simulated = simulate(fleet, JOBS)
  const days = (filesPerSecond = NaN): string => (FILES / filesPerSecond / DAY_SECONDS).toFixed(1)
  const redisPerSecond = simulated / fleet.filesPerJob
  return [
    ...[place === NEAR ? '0 ms' : '50 ms', workers, connections, `${gigabits} Gbit/s`],
    ...[days(first?.filesPerSecond), days(simulated), first?.name, second?.name],
    `${(100 * redisPerSecond * fleet.redisSecondsPerJob).toFixed(1)} %`,
  ].join(' | ')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    '| round trip | workers | connections | server | reckoned, days | simulated, days | first bottleneck | next | Redis busy |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const place of [NEAR, FAR])
    for (const workers of [10, 100])
      for (const [connections, gigabits] of [
        [8, 1],
        [32, 1],
        [256, 10],
        [1_000, 100],
      ] as const)
        console.log(`| ${row(workers, connections, gigabits, place)} |`)
}
