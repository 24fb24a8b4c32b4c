/**
 * All segments of one download, by as many workers as there are connections.
 *
 * A worker borrows a session, takes the next waiting segment, fetches it, and gives the session back; a segment
 * that fails waits again, and the worker that failed waits before it goes on. The first failure that cannot be
 * mended stops everybody. Workers without work end, and those still waiting for a session are let go.
 */
import type { PartFile } from '../local/part-file.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort } from '../util/abort.ts'
import { delay } from '../util/timer.ts'
import { fetchSegment, type FetchSource } from './fetch-segment.ts'
import type { SegmentJob } from './job.ts'
import type { KeptLease } from './kept-lease.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { compareSeams } from './seams.ts'
import { endLease, type SessionPool } from './session-pool.ts'
import type { TlsTally } from './tls-tally.ts'

export interface FetchOptions {
  readonly pool: SessionPool
  readonly source: FetchSource
  readonly file: PartFile
  readonly retry: RetryPolicy
  /** Whether a failed segment goes on where it was, by REST; otherwise it begins anew. */
  readonly continues: boolean
  readonly tally: TlsTally
  /** Where the session of the last segment stays. */
  readonly kept: KeptLease
  readonly context: TransferContext
}

/** Resolves when every byte of `jobs` is on disk and every seam agrees. `first` is a lease to begin with. */
export async function fetchAll(
  jobs: readonly SegmentJob[],
  connections: number,
  first: Lease<Session>,
  options: FetchOptions,
): Promise<void> {
  const crew = new Crew(jobs, options)
  const stopListening = onAbort(options.context.signal, (reason) => crew.stop(reason))
  const stopLimitNotice = options.pool.onLimited((error) => {
    options.context.emit('connection', { type: 'refused', connection: undefined, error })
  })
  try {
    const workers = Array.from({ length: Math.min(connections, jobs.length) }, (_, index) =>
      crew.work(index, index === 0 ? first : undefined),
    )
    // Not before all have ended may the file be closed or fetched anew.
    await Promise.allSettled(workers)
    crew.throwIfFailed()
  } finally {
    stopListening()
    stopLimitNotice()
  }
  if (!(await compareSeams(jobs, options.file))) throw new Error('A seam was left uncompared')
}

class Crew {
  readonly #jobs: readonly SegmentJob[]
  readonly #waiting: SegmentJob[]
  readonly #options: FetchOptions
  readonly #stop = new AbortController()
  #unfinished: number
  #failure: { readonly reason: unknown } | undefined

  constructor(jobs: readonly SegmentJob[], options: FetchOptions) {
    this.#jobs = jobs
    this.#waiting = [...jobs]
    this.#options = options
    this.#unfinished = jobs.length
  }

  /** Throws the first failure that stopped the crew. */
  throwIfFailed(): void {
    if (this.#failure !== undefined && this.#unfinished > 0) throw this.#failure.reason
  }

  /** Ends every worker, unless all is done. */
  stop(reason: unknown): void {
    this.#failure ??= { reason }
    this.#stop.abort(reason)
  }

  /** One worker, until nothing is waiting. Never rejects; when it resolves, none of its leases or writes is left. */
  async work(connection: number, first: Lease<Session> | undefined): Promise<void> {
    try {
      let lease = first
      let hasBegun = false
      const budget = new RetryBudget(this.#options.retry, this.#options.source.size, Math.random)
      while (this.#waiting.length > 0 || lease !== undefined) {
        lease ??= await this.#borrow(budget)
        if (!hasBegun)
          this.#options.context.emit('connection', { type: 'open', connection, error: undefined })
        hasBegun = true
        const job = this.#waiting.shift()
        if (job === undefined) {
          lease.release()
          return
        }
        const delayMs = await this.#attempt(connection, lease, job)
        lease = undefined
        if (delayMs > 0) await delay(delayMs, this.#stop.signal)
      }
    } catch (error) {
      // Once all is done, nobody needs the session that this worker was waiting for.
      if (this.#unfinished > 0) this.stop(error)
    }
  }

  /** A session, however often the server has to be asked. */
  async #borrow(budget: RetryBudget): Promise<Lease<Session>> {
    const { pool, context } = this.#options
    for (;;) {
      try {
        return await pool.acquire(this.#stop.signal)
      } catch (error) {
        if (this.#stop.signal.aborted) throw error
        const delayMs = budget.delayAfter(error, context.meter.bytes)
        context.emit('retry', { attempt: budget.failures, delayMs, error })
        await delay(delayMs, this.#stop.signal)
      }
    }
  }

  /** Gives the milliseconds to wait before the next: 0 after success. Throws what cannot be mended. */
  async #attempt(connection: number, lease: Lease<Session>, job: SegmentJob): Promise<number> {
    const { meter, emit } = this.#options.context
    const from = job.position
    meter.connectionStarted()
    emit('segment', { type: 'start', connection, start: from, end: job.end, bytes: 0, tls: undefined })
    try {
      const result = await this.#fetch(lease.value, job).finally(() => {
        // Before the lease ends, since the next worker begins the moment it does.
        meter.connectionEnded()
      })
      this.#options.tally.add(result.tls)
      if (this.#unfinished === 1) this.#options.kept.keep(lease)
      else lease.release()
      const { position, end } = job
      emit('segment', {
        type: 'finish',
        connection,
        start: from,
        end,
        bytes: position - from,
        tls: result.tls,
      })
    } catch (error) {
      endLease(lease, error)
      return await this.#failed(connection, job, error)
    }
    await this.#finished()
    return 0
  }

  #fetch(session: Session, job: SegmentJob): ReturnType<typeof fetchSegment> {
    const { source, file } = this.#options
    return fetchSegment(session, job, source, file, this.#stop.signal)
  }

  async #finished(): Promise<void> {
    // A server that starts at the wrong place shows at the first seam, long before the end.
    await compareSeams(this.#jobs, this.#options.file)
    this.#unfinished -= 1
    if (this.#unfinished === 0) this.#stop.abort(new Error('every segment is done'))
  }

  async #failed(connection: number, job: SegmentJob, error: unknown): Promise<number> {
    if (this.#stop.signal.aborted) throw error
    const { emit } = this.#options.context
    emit('connection', { type: 'lost', connection, error })
    const delayMs = job.retries.delayAfter(error, job.arrived - job.start)
    if (!this.#options.continues) await this.#beginAnew(job, error)
    emit('retry', { attempt: job.retries.failures, delayMs, error })
    this.#waiting.push(job)
    return delayMs
  }

  async #beginAnew(job: SegmentJob, error: unknown): Promise<void> {
    const { meter, emit } = this.#options.context
    await this.#options.file.clear()
    const given = job.position - job.start
    if (given === 0) return
    meter.givenUp(given)
    const end = job.position
    job.position = job.start
    emit('restart', { start: job.start, end, reason: (error as Error).message })
  }
}
