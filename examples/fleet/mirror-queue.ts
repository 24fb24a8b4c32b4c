/** The queue of one mirror: how its jobs are put there, and what is known of it besides. */
import { Queue, type JobsOptions } from 'bullmq'
import { Redis } from 'ioredis'
import type { MirrorJob, MirrorJobResult } from 'octoftp'

/** So many jobs are put into the queue at once. */
const CHUNK = 500

/**
 * The latest first: a directory's files and its subdirectories before its neighbours, so that few jobs wait at a time.
 * What is done leaves nothing behind; what was given up stays, as the list of dead letters.
 */
const JOB_OPTIONS: JobsOptions = {
  lifo: true,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  removeOnComplete: true,
  stackTraceLimit: 0,
}

export interface Totals {
  readonly directories: number
  readonly files: number
  readonly equal: number
  readonly bytes: number
}

/** What `scan` tells the workers. */
export interface MirrorFacts {
  readonly source: string
  /** Of the server: `host:port`. */
  readonly host: string
  /** Whether all jobs of the root were put into the queue. */
  readonly isScanned: boolean
}

/** Waits for a Redis that is away, for as long as it takes. */
export function redisOptions(url: string): { url: string; maxRetriesPerRequest: null } {
  return { url, maxRetriesPerRequest: null }
}

export class MirrorQueue {
  readonly redis: Redis
  readonly queue: Queue<MirrorJob>
  readonly name: string
  readonly #attempts: number

  /** @param attempts that each job has */
  constructor(redisUrl: string, name: string, attempts: number) {
    const connection = redisOptions(redisUrl)
    this.name = name
    this.#attempts = attempts
    this.redis = new Redis(redisUrl, connection)
    this.queue = new Queue(name, { connection })
    // Each tells of a connection that was lost, and comes back by itself.
    const onError = ({ message }: Error): void => console.error(`redis: ${message}`)
    this.redis.on('error', onError)
    this.queue.on('error', onError)
  }

  /** One that waits there already is not put there again. */
  async add(jobs: readonly MirrorJob[]): Promise<void> {
    const options = { ...JOB_OPTIONS, attempts: this.#attempts }
    for (let start = 0; start < jobs.length; start += CHUNK) {
      const chunk = jobs.slice(start, start + CHUNK)
      await this.queue.addBulk(
        chunk.map((job) => ({ name: job.type, data: job, opts: { ...options, jobId: job.id } })),
      )
    }
  }

  async tell({ source, host, isScanned }: MirrorFacts): Promise<void> {
    await this.redis.hset(this.#key('mirror'), { source, host, isScanned: Number(isScanned) })
  }

  async facts(): Promise<MirrorFacts> {
    const { source, host, isScanned } = await this.redis.hgetall(this.#key('mirror'))
    if (source === undefined || host === undefined)
      throw new Error(`There is no mirror "${this.name}": scan comes first`)
    return { source, host, isScanned: isScanned === '1' }
  }

  /** Of a job that has come to something. One that was done twice counts twice: they tell how far it is, no more. */
  async count(result: MirrorJobResult): Promise<void> {
    const sum = this.redis.pipeline()
    for (const [name, value] of Object.entries<number>({ ...shareInTotals(result) }))
      if (value > 0) sum.hincrby(this.#key('totals'), name, value)
    await sum.exec()
  }

  async totals(): Promise<Totals> {
    const { directories = 0, files = 0, equal = 0, bytes = 0 } = await this.redis.hgetall(this.#key('totals'))
    return {
      ...{ directories: Number(directories), files: Number(files) },
      ...{ equal: Number(equal), bytes: Number(bytes) },
    }
  }

  /** Whether there is nothing left to do but what was given up. */
  async isDone(): Promise<boolean> {
    const { isScanned } = await this.facts()
    const left = await this.queue.getJobCountByTypes('waiting', 'active', 'delayed')
    return isScanned && left === 0
  }

  async close(): Promise<void> {
    await this.queue.close()
    this.redis.disconnect()
  }

  #key(what: string): string {
    return `fleet:${this.name}:${what}`
  }
}

function shareInTotals(result: MirrorJobResult): Totals {
  switch (result.type) {
    case 'directory':
      return { directories: 1, files: 0, equal: result.equal, bytes: 0 }
    case 'files':
      return { directories: 0, files: result.transferred, equal: result.equal, bytes: result.bytes }
    case 'range':
      return { directories: 0, files: result.isFileWhole ? 1 : 0, equal: 0, bytes: result.bytes }
    default:
      return result satisfies never
  }
}
