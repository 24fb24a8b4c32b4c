/**
 * All segments of one download, by as many workers as there are connections.
 *
 * A worker borrows a session, takes a segment that waits or a part of one that is under way elsewhere, fetches it,
 * and gives the session back; a segment that fails waits again, and the worker that failed waits before it goes
 * on. A worker that finds nothing to do parks until something changes. The first failure that cannot be mended
 * stops everybody. While the transfer is paused nobody has a session.
 */
import type { PartFile } from '../local/part-file.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import { delay } from '../util/timer.ts'
import type { Board } from './board.ts'
import { fetchSegment, type FetchResult, type FetchSource } from './fetch-segment.ts'
import type { SegmentJob } from './job.ts'
import type { KeptLease } from './kept-lease.ts'
import type { Paces } from './pace.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { compareSeams } from './seams.ts'
import { endLease, type SessionPool } from './session-pool.ts'
import type { TlsTally } from './tls-tally.ts'

export interface FetchOptions {
  readonly board: Board
  readonly paces: Paces
  readonly connections: number
  readonly pool: SessionPool
  readonly source: FetchSource
  readonly file: PartFile
  readonly retry: RetryPolicy
  /** Shared by every transfer of the client. */
  readonly limit: BandwidthLimit
  /** Whether a failed segment goes on where it was, by REST; otherwise it begins anew. */
  readonly continues: boolean
  readonly tally: TlsTally
  /** Where the session of the last segment stays. */
  readonly kept: KeptLease
  readonly context: TransferContext
  /** Told when the transfer has come to rest because it was paused. */
  readonly onPaused: (isStill: () => boolean) => Promise<void>
}

/** How often parked workers look whether there is something to take over. Milliseconds. */
const LOOK_EVERY_MS = 250
/** How long the worker of a connection that stood still leaves its segment to the others. Milliseconds. */
const ROBBED_WAITS_MS = 1_000
const MOST_ROBBERIES = 3

/** Resolves when every byte is on disk and every seam agrees. `first` is a lease to begin with. */
export async function fetchAll(first: Lease<Session>, options: FetchOptions): Promise<void> {
  const { context, pool, board, file } = options
  const crew = new Crew(options)
  const stopListening = onAbort(context.signal, (reason) => crew.stop(reason))
  const stopPausing = context.gate.onChange(() => crew.gateChanged())
  const stopLimitNotice = pool.onLimited((error) => {
    context.emit('connection', { type: 'refused', connection: undefined, error })
  })
  const look = setInterval(() => crew.look(), LOOK_EVERY_MS).unref()
  try {
    const workers = Array.from({ length: options.connections }, (_, index) =>
      crew.work(index, index === 0 ? first : undefined),
    )
    crew.gateChanged()
    // Not before all have ended may the file be closed or fetched anew.
    await Promise.allSettled(workers)
    crew.throwIfFailed()
  } finally {
    clearInterval(look)
    stopListening()
    stopPausing()
    stopLimitNotice()
  }
  if (!(await compareSeams(board.jobs, file))) throw new Error('A seam was left uncompared')
  board.settle()
}

/** Why an attempt was ended although nothing failed: its segment waits again, and no retry is counted. */
class Interruption extends Error {
  readonly why: 'paused' | 'robbed'

  constructor(why: 'paused' | 'robbed') {
    super(`The segment was ${why}`)
    this.why = why
  }
}

class Crew {
  readonly #options: FetchOptions
  readonly #board: Board
  readonly #stop = new AbortController()
  /** The attempts under way. */
  readonly #attempts = new Map<SegmentJob, AbortController>()
  /** Aborted when the transfer is paused: whoever waits for a session or for a retry then waits no more. */
  #era = new AbortController()
  #change = deferred<undefined>()
  /** Workers that have a session, or wait for one. */
  #busy = 0
  #failure: { readonly reason: unknown } | undefined

  constructor(options: FetchOptions) {
    this.#options = options
    this.#board = options.board
  }

  /** Throws the first failure that stopped the crew. */
  throwIfFailed(): void {
    if (this.#failure !== undefined && !this.#board.isDone) throw this.#failure.reason
  }

  /** Ends every worker, unless all is done. */
  stop(reason: unknown): void {
    this.#failure ??= { reason }
    this.#halt(reason)
  }

  /** The transfer was paused, or goes on. */
  gateChanged(): void {
    if (this.#options.context.gate.isClosed) {
      this.#era.abort(new Interruption('paused'))
      this.#wake()
      for (const attempt of this.#attempts.values()) attempt.abort(new Interruption('paused'))
      this.#tellIfQuiet()
    } else if (this.#era.signal.aborted && !this.#stop.signal.aborted) {
      this.#era = new AbortController()
      this.#wake()
    }
  }

  /** Whoever is parked looks again: speeds have changed. */
  look(): void {
    this.#options.paces.look()
    this.#wake()
  }

  /** One worker, until all is done. Never rejects; when it resolves, none of its leases or writes is left. */
  async work(connection: number, first: Lease<Session> | undefined): Promise<void> {
    let lease = first
    let hasBegun = false
    const budget = new RetryBudget(this.#options.retry, this.#options.source.size, Math.random)
    try {
      while (!this.#board.isDone) {
        if (this.#isPaused || !this.#findsWork(lease)) {
          lease?.release()
          lease = undefined
          await this.#parked()
          continue
        }
        this.#busy += 1
        try {
          const borrowed = lease ?? (await this.#borrow(budget))
          lease = undefined
          if (borrowed === undefined) continue
          if (!hasBegun)
            this.#options.context.emit('connection', { type: 'open', connection, error: undefined })
          hasBegun = true
          await this.#rest(await this.#workWith(connection, borrowed))
        } finally {
          this.#busy -= 1
          this.#tellIfQuiet()
        }
      }
    } catch (error) {
      // Once all is done, nobody needs the session that this worker was waiting for.
      if (!this.#board.isDone) this.stop(error)
    } finally {
      lease?.release()
    }
  }

  /** Until something changes; speeds do so a few times a second. */
  #parked(): Promise<undefined> {
    return waitOrAbort(this.#change.promise, this.#stop.signal)
  }

  get #isPaused(): boolean {
    return this.#era.signal.aborted
  }

  #findsWork(lease: Lease<Session> | undefined): boolean {
    const { paces } = this.#options
    return this.#board.hasWork(lease === undefined ? paces.typical : paces.of(lease.value))
  }

  /** A session, however often the server has to be asked; none if the transfer is paused meanwhile. */
  async #borrow(budget: RetryBudget): Promise<Lease<Session> | undefined> {
    const { pool, context } = this.#options
    const era = this.#era.signal
    for (;;) {
      try {
        return await pool.acquire(era)
      } catch (error) {
        this.#stop.signal.throwIfAborted()
        if (era.aborted) return undefined
        const delayMs = budget.delayAfter(error, context.meter.bytes)
        context.emit('retry', { attempt: budget.failures, delayMs, error })
        await this.#rest(delayMs)
      }
    }
  }

  /** Waits before the next attempt; a pause ends the wait. */
  async #rest(ms: number): Promise<void> {
    if (ms === 0) return
    await delay(ms, this.#era.signal).catch(() => this.#stop.signal.throwIfAborted())
  }

  /** One segment, or a part of one. Gives the milliseconds to wait before the next; throws what cannot be mended. */
  async #workWith(connection: number, lease: Lease<Session>): Promise<number> {
    const found = this.#isPaused ? undefined : this.#board.take(this.#options.paces.of(lease.value))
    if (found === undefined || 'rob' in found) {
      lease.release()
      // Its worker puts it back, and whoever is parked takes it up.
      if (found !== undefined) this.#rob(found.rob)
      await this.#parked()
      return 0
    }
    const { job, from } = found
    if (from !== undefined) this.#tell('split', connection, job, 0)
    return this.#attempt(connection, lease, job)
  }

  /** A few times: where every start takes so long, robbing it helps nobody. */
  #rob(job: SegmentJob): void {
    if (job.robberies >= MOST_ROBBERIES) return
    job.robberies += 1
    this.#attempts.get(job)?.abort(new Interruption('robbed'))
  }

  async #attempt(connection: number, lease: Lease<Session>, job: SegmentJob): Promise<number> {
    const { context, paces, tally, kept } = this.#options
    const from = job.position
    context.meter.connectionStarted()
    this.#tell('start', connection, job, 0)
    paces.began(job)
    let result: FetchResult
    try {
      result = await this.#fetch(lease.value, job).finally(() => {
        // Before the lease ends, since the next worker begins the moment it does.
        context.meter.connectionEnded()
        paces.ended(job, lease.value)
      })
      tally.add(result.tls)
    } catch (error) {
      endLease(lease, error)
      return await this.#failed(connection, job, error)
    }
    if (this.#board.unfinished === 1) kept.keep(lease)
    else lease.release()
    context.meter.overfetched(result.excessBytes)
    this.#tell('finish', connection, job, job.position - from, result)
    await this.#finished(job)
    return 0
  }

  async #fetch(session: Session, job: SegmentJob): Promise<FetchResult> {
    const { source, file, paces, context } = this.#options
    const controller = new AbortController()
    const stopListening = onAbort(this.#stop.signal, (reason) => controller.abort(reason))
    this.#attempts.set(job, controller)
    try {
      return await fetchSegment(session, job, source, file, {
        signal: controller.signal,
        onFirstByte: () => paces.firstByte(job),
        limits: [context.limit, this.#options.limit],
      })
    } finally {
      stopListening()
      this.#attempts.delete(job)
    }
  }

  async #finished(job: SegmentJob): Promise<void> {
    // A server that starts at the wrong place shows at the first seam, long before the end.
    await compareSeams(this.#board.jobs, this.#options.file)
    this.#board.finished(job)
    this.#board.settle()
    if (this.#board.isDone) this.#halt(new Error('every segment is done'))
    else this.#wake()
  }

  async #failed(connection: number, job: SegmentJob, error: unknown): Promise<number> {
    if (this.#stop.signal.aborted) throw error
    if (error instanceof Interruption && this.#options.continues) {
      this.#board.putBack(job)
      this.#wake()
      return error.why === 'robbed' ? ROBBED_WAITS_MS : 0
    }
    if (error instanceof Interruption) return this.#again(job, error, 0)
    const { emit } = this.#options.context
    emit('connection', { type: 'lost', connection, error })
    const delayMs = job.retries.delayAfter(error, job.arrived - job.start)
    return this.#again(job, error, delayMs)
  }

  async #again(job: SegmentJob, error: unknown, delayMs: number): Promise<number> {
    if (!this.#options.continues) await this.#beginAnew(job, error)
    const { emit } = this.#options.context
    if (!(error instanceof Interruption)) emit('retry', { attempt: job.retries.failures, delayMs, error })
    // Until then it is nobody's: idle connections would spend its retries in a moment.
    await this.#rest(delayMs)
    this.#board.putBack(job)
    this.#wake()
    return 0
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

  #halt(reason: unknown): void {
    this.#stop.abort(reason)
    this.#era.abort(reason)
    this.#wake()
  }

  #wake(): void {
    const { resolve } = this.#change
    this.#change = deferred()
    resolve(undefined)
  }

  #tellIfQuiet(): void {
    const { gate } = this.#options.context
    if (this.#busy > 0 || !gate.isClosed || this.#stop.signal.aborted) return
    const era = this.#era
    const isStill = (): boolean => era === this.#era && this.#busy === 0
    this.#options.onPaused(isStill).catch((error: unknown) => this.stop(error))
  }

  #tell(
    type: 'start' | 'split' | 'finish',
    connection: number,
    { position, start, end }: SegmentJob,
    bytes: number,
    result?: FetchResult,
  ): void {
    const at = type === 'finish' ? position - bytes : type === 'split' ? start : position
    this.#options.context.emit('segment', { type, connection, start: at, end, bytes, tls: result?.tls })
  }
}
