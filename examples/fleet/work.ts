/** One worker: takes jobs from the queue, as many at a time as it holds connections, and puts back what comes of them. */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { DelayedError, Worker, type Job } from 'bullmq'
import { FtpClient, FtpError, runJob, type DirectoryJob, type MirrorJob, type MirrorJobResult } from 'octoftp'
import { ConnectionLease } from './connection-lease.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { deadLetterError, letterOf } from './dead-letters.ts'
import { redisOptions, type MirrorQueue } from './mirror-queue.ts'

export interface WorkOptions {
  readonly redisUrl: string
  readonly login: { readonly user?: string; readonly password?: string }
  /** A worker that was silent for so long is dead, and its jobs are others'. */
  readonly lockMs: number
}

/** One process does not get more out of more. */
const MOST_CONNECTIONS = 64
/** Workers come and go: a job may be lost as often as they do. */
const MOST_LOSSES = 1_000
/** Until a job is looked at again that a worker took which has no connection any more. */
const PUT_BACK_MS = 1_000

export class FleetWorker {
  readonly #mirror: MirrorQueue
  readonly #slots: ConnectionSlots<FtpClient>
  readonly #worker: Worker<MirrorJob>
  #allowed = 0

  constructor(mirror: MirrorQueue, source: string, host: string, options: WorkOptions) {
    const { redisUrl, login, lockMs } = options
    this.#mirror = mirror
    this.#worker = new Worker<MirrorJob>(mirror.name, (job, token) => this.#process(job, token), {
      connection: redisOptions(redisUrl),
      autorun: false,
      ...{ lockDuration: lockMs, stalledInterval: lockMs, maxStalledCount: MOST_LOSSES },
    })
    const onError = ({ message }: Error): void => console.error(`worker: ${message}`)
    this.#worker.on('error', onError)
    this.#slots = new ConnectionSlots({
      lease: new ConnectionLease(mirror.redis, host, MOST_CONNECTIONS),
      open: () => new FtpClient(new URL('/', source), { ...login, maxConnections: 1 }),
      onAllowed: (allowed) => this.#allow(allowed),
      onError: (error) => onError(error as Error),
    })
  }

  /** Ends the jobs that run, and takes no more. */
  async close(): Promise<void> {
    await this.#worker.close()
    await this.#slots.close()
  }

  #allow(allowed: number): void {
    this.#allowed = allowed
    if (allowed === 0) return void this.#worker.pause(true)
    this.#worker.concurrency = allowed
    if (this.#worker.isPaused()) void this.#worker.resume()
    if (!this.#worker.isRunning()) void this.#worker.run()
  }

  async #process(queued: Job<MirrorJob>, token: string | undefined): Promise<void> {
    const job = queued.data
    if (this.#allowed === 0) {
      await queued.moveToDelayed(Date.now() + PUT_BACK_MS, token)
      throw new DelayedError()
    }
    try {
      const result = await this.#run(job)
      // Before the job is done: should this worker die here, it is done again, and these are put there again.
      if (result.type === 'directory') await this.#mirror.add(result.jobs)
      await this.#mirror.count(result)
      const failures = result.type === 'range' ? [] : result.failures
      if (failures.length > 0) throw deadLetterError(failures.map(({ path, error }) => letterOf(path, error)))
    } catch (error) {
      if (!(error instanceof FtpError)) throw error
      if (job.type !== 'range' || error.code !== 'ERR_FTP_SOURCE_CHANGED')
        throw deadLetterError([letterOf(pathOf(job), error)])
      // What is there now has other ranges.
      await this.#mirror.add([directoryOf(job)])
    }
  }

  /** Once more where the lease has ended meanwhile, which is no fault of the job. */
  async #run(job: MirrorJob): Promise<MirrorJobResult> {
    for (;;) {
      const client = await this.#slots.take()
      try {
        return await runJob(job, { client, connections: 1 })
      } catch (error) {
        if (!this.#slots.isLost(client)) throw error
      } finally {
        this.#slots.giveBack(client)
      }
    }
  }
}

function pathOf(job: MirrorJob): string {
  switch (job.type) {
    case 'directory':
      return job.path
    case 'files':
      return job.files[0]?.path ?? ''
    case 'range':
      return job.file.path
    default:
      return job satisfies never
  }
}

/** The job of the directory that a file is in. */
function directoryOf({ source, target, options, file }: MirrorJob & { type: 'range' }): DirectoryJob {
  const path = posix.dirname(file.path).replace(/^\.$/, '')
  const id = createHash('sha256').update(JSON.stringify([source, options, path]))
  return { type: 'directory', id: id.digest('hex').slice(0, 32), source, target, options, path, above: [] }
}
