/**
 * Transfers that wait for their turn.
 *
 * Owns who runs, who waits, and in which order; the transfers do their own work. Knows no protocol and no client: an
 * item is made by a function, which is called when its turn has come.
 *
 * - A place is held from the start of a transfer until it is over, or has come to rest in a pause. So what is being
 *   paused or cancelled holds it still: its connections are in use.
 * - Places are given in a microtask, never within a call: whatever was added in one go is in order by then, and
 *   listeners are there. So no listener or function of the caller ever runs between two halves of a decision.
 * - One that was cancelled stays where it is until its transfer is over, is never served, and keeps its target from
 *   others until then, as the file is still locked.
 */
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { StartTimer } from '../transport/bandwidth.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import { callListener } from '../util/listener.ts'
import { startTimer } from '../util/timer.ts'
import { abortSignal, number, optionsObject, text, wholeNumber } from '../util/validate.ts'
import { Alarm } from './alarm.ts'
import type { QueueOutcome, QueueTotals, TransferQueueEvents } from './queue-events.ts'
import {
  isDueBefore,
  isServedBefore,
  QUEUED_TRANSFER_OPTIONS,
  QueueJob,
  type QueueControl,
  type QueuedTransfer,
  type QueuedTransferOptions,
  type QueuedTransferState,
  type QueueJobSettings,
} from './queue-item.ts'
import { SortedList } from './sorted-list.ts'
import { together, type ClientProgress } from './together.ts'
import { Transfer } from './transfer.ts'

/** Of a queue. */
export interface TransferQueueOptions {
  /** How many run at once, 1 to 1000. @default 2: a client's 8 connections are enough for two downloads by 4 */
  readonly concurrency?: number | undefined
  /** Cancels whatever is in the queue, and whatever is added later. */
  readonly signal?: AbortSignal | undefined
}

export const QUEUE_DEFAULTS: Readonly<{ concurrency: number }> = Object.freeze({ concurrency: 2 })

/** Who wants more wants no queue. */
const MOST_AT_ONCE = 1_000

type EmitterMap = { [Name in keyof TransferQueueEvents]: [TransferQueueEvents[Name]] }

/** What time it is, and how to wait. */
export interface QueueTime {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Calls back after so many milliseconds; gives a function that stops it. */
  readonly startTimer: StartTimer
}

const SYSTEM_TIME: QueueTime = { clock: () => Date.now(), startTimer }

/**
 * Runs so many transfers at once, by priority and in the order in which they were added.
 *
 * ```ts
 * const queue = new TransferQueue({ concurrency: 3 })
 * queue.on('failed', ({ item, error }) => console.error(item.name, error))
 * for (const name of names) queue.add(() => ftp.download(`/pub/${name}`, name), { target: name })
 * const { complete, failed } = await queue.idle()
 * ```
 *
 * It has nothing to be closed. The clients are the caller's: close them when it is idle.
 */
export class TransferQueue extends EventEmitter<EmitterMap> {
  readonly #clock: () => number
  readonly #signal: AbortSignal | undefined
  readonly #alarm: Alarm
  /** Those that are not over, in the order in which they were added. */
  readonly #jobs = new Set<QueueJob>()
  readonly #scheduled = new SortedList<QueueJob>(isDueBefore)
  readonly #queued = new SortedList<QueueJob>(isServedBefore)
  readonly #running = new Set<QueueJob>()
  /** By target: the one that `add` gives, and the one that may still be writing. */
  readonly #wanted = new Map<string, QueueJob>()
  readonly #writing = new Map<string, QueueJob>()
  readonly #control: QueueControl = {
    pause: (job) => this.#hold(job),
    resume: (job) => this.#letGo(job),
    cancel: (job, reason) => this.#cancel(job, reason),
    setPriority: (job, priority) => this.#reorder(job, priority),
    setStartAt: (job, startAt) => this.#reschedule(job, startAt),
  }
  #concurrency: number
  #isPaused = false
  #isServingSoon = false
  #lastNumber = 0
  #totals: QueueTotals = NOTHING
  /** What `idle()` waits for; `undefined` while there is nothing to wait for. */
  #busy: Deferred<QueueTotals> | undefined

  /**
   * @param time the clock of `startAt`, for tests; the system's by default
   * @throws TypeError, RangeError for options that make no sense
   */
  constructor(options?: TransferQueueOptions, time: QueueTime = SYSTEM_TIME) {
    super()
    const given = optionsObject(options, 'options', { ...QUEUE_DEFAULTS, signal: true })
    this.#concurrency = checkedConcurrency(given, QUEUE_DEFAULTS.concurrency)
    this.#signal = abortSignal(given)
    this.#clock = time.clock
    this.#alarm = new Alarm(() => this.#whatIsDue(), time.clock, time.startTimer)
  }

  /** How many run at once. Set lower, it lets those that run go on to their end. */
  get concurrency(): number {
    return this.#concurrency
  }

  /** @throws TypeError, RangeError */
  set concurrency(concurrency: number) {
    this.#concurrency = checkedConcurrency({ concurrency }, concurrency)
    this.#serveSoon()
  }

  /** Whether `pause()` of the queue holds it. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Those that are not over, in the order in which they were added. */
  get items(): readonly QueuedTransfer<unknown>[] {
    return [...this.#jobs].map(({ item }) => item)
  }

  /**
   * Puts a transfer into the queue. It waits there for its time, if it has one, and for a place.
   *
   * @param start makes the transfer when its turn has come: `() => ftp.download(remote, local)`. If it throws, the item
   * has failed. It must not be an `async` function, which would give the result instead of the transfer.
   * @returns a handle; that of the one which is there already, if its target is the same and it is neither over nor
   * cancelled. What was given with that one holds then.
   * @throws TypeError, RangeError for options that make no sense
   */
  add<Result>(start: () => Transfer<Result>, options?: QueuedTransferOptions): QueuedTransfer<Result> {
    const { settings, signal } = checkedItem(start, options, this.#lastNumber + 1)
    const { target } = settings
    const same = target === undefined ? undefined : this.#wanted.get(target)
    // Who adds a target twice means the same file, and so the same type of result.
    if (same !== undefined) return same.item as QueuedTransfer<Result>
    this.#lastNumber = settings.number
    this.#getBusy()
    const job = new QueueJob(settings, this.#isDue(settings) ? 'queued' : 'scheduled', this.#control)
    this.#jobs.add(job)
    if (target !== undefined) this.#wanted.set(target, job)
    this.#stand(job)
    const cancel = (reason: unknown): void => this.#cancel(job, reason)
    const stops = [onAbort(this.#signal, cancel), onAbort(signal, cancel)]
    const stopListening = (): void => stops.forEach((stop) => stop())
    // With this a rejection is handled, too: the queue tells it by an event.
    void job.outcome.promise.then(stopListening, stopListening)
    return job.item as QueuedTransfer<Result>
  }

  /**
   * Pauses all that run, and begins nothing until {@link resume}. Resolves when nothing moves any more; what is being
   * verified goes on to its end.
   */
  async pause(): Promise<void> {
    this.#isPaused = true
    await Promise.all([...this.#running].map((job) => this.#review(job)))
  }

  /** Goes on. Items that were paused by their own handle stay paused. */
  resume(): void {
    this.#isPaused = false
    for (const job of [...this.#jobs]) void this.#review(job)
    this.#serveSoon()
  }

  /**
   * Cancels all that are in the queue now, those that run and those that wait; their results reject with `reason`. The
   * queue takes new ones.
   * @param reason an `AbortError` by default
   */
  cancel(reason?: unknown): void {
    for (const job of [...this.#jobs]) this.#cancel(job, reason)
  }

  /**
   * Resolves when all are over, paused and scheduled ones too, however they ended; at once where there are none.
   * Failures do not reject it: they are counted in what it resolves with.
   * @throws the reason of `signal`, if that aborts the waiting; the queue goes on
   */
  async idle(options?: { readonly signal?: AbortSignal | undefined }): Promise<QueueTotals> {
    const signal = abortSignal(optionsObject(options, 'options', { signal: true }))
    signal?.throwIfAborted()
    return this.#busy === undefined ? this.#totals : waitOrAbort(this.#busy.promise, signal)
  }

  /** All that have begun and are not over, together: a snapshot. What has not begun has no size yet. */
  progress(): ClientProgress {
    return together(
      [...this.#jobs].flatMap(({ transfer }) => (transfer === undefined ? [] : transfer.progress)),
    )
  }

  #isDue({ dueAt }: Pick<QueueJob, 'dueAt'>): boolean {
    return dueAt <= this.#clock()
  }

  #wantsRest(job: QueueJob): boolean {
    return this.#isPaused || job.isHeld
  }

  async #hold(job: QueueJob): Promise<void> {
    job.isHeld = true
    await this.#review(job)
  }

  #letGo(job: QueueJob): void {
    job.isHeld = false
    void this.#review(job)
  }

  #cancel(job: QueueJob, reason: unknown): void {
    if (job.isOver || job.cancellation !== undefined) return
    job.cancellation = { reason: AbortSignal.abort(reason).reason as unknown }
    this.#forget(this.#wanted, job)
    if (job.transfer !== undefined) job.transfer.cancel(job.cancellation.reason)
    // One that is just being begun finds out by itself.
    else if (job.state !== 'running') this.#finish(job, { state: 'cancelled', ...job.cancellation })
  }

  #reorder(job: QueueJob, priority: number): void {
    const checked = checkedPriority({ priority })
    this.#leave(job)
    job.priority = checked
    this.#stand(job)
  }

  #reschedule(job: QueueJob, startAt: Date | undefined): void {
    const checked = dueAt({ startAt })
    if (job.transfer !== undefined || job.state === 'running' || job.isOver) return
    this.#leave(job)
    job.dueAt = checked
    this.#stand(job)
    const state = this.#isDue(job) ? 'queued' : 'scheduled'
    if (job.state !== 'paused' && job.state !== state) this.#enter(job, state)
  }

  /** Does what is due where a pause has begun or ended. Resolves when nothing of it moves, if nothing is to move. */
  async #review(job: QueueJob): Promise<void> {
    if (job.cancellation !== undefined) return
    switch (job.state) {
      case 'scheduled':
      case 'queued':
        if (job.isHeld) this.#enter(job, 'paused')
        return
      case 'paused':
        if (!this.#wantsRest(job)) this.#enter(job, this.#isDue(job) ? 'queued' : 'scheduled')
        return
      case 'running':
        if (this.#wantsRest(job)) await this.#rest(job)
        else job.transfer?.resume()
        return
      case 'complete':
      case 'failed':
      case 'cancelled':
        return
      default:
        job.state satisfies never
    }
  }

  async #rest(job: QueueJob): Promise<void> {
    await job.transfer?.pause()
    // It may have come to its end, or have been resumed or cancelled meanwhile.
    const isAtRest = job.state === 'running' && job.transfer?.state === 'paused'
    if (isAtRest && job.cancellation === undefined) this.#enter(job, 'paused')
  }

  #whatIsDue(): void {
    for (let job = this.#scheduled.first; job !== undefined; job = this.#scheduled.first) {
      if (!this.#isDue(job)) break
      this.#enter(job, 'queued')
    }
  }

  #serveSoon(): void {
    if (this.#isServingSoon) return
    this.#isServingSoon = true
    queueMicrotask(() => {
      this.#isServingSoon = false
      this.#serve()
    })
  }

  #serve(): void {
    while (!this.#isPaused && this.#running.size < this.#concurrency) {
      const job = this.#queued.find((waiting) => this.#mayRun(waiting))
      if (job === undefined) return
      this.#enter(job, 'running')
      if (job.transfer === undefined) this.#begin(job)
      // A listener may have paused the queue or the item just now.
      void this.#review(job)
    }
  }

  #mayRun(job: QueueJob): boolean {
    const { target } = job.settings
    if (job.cancellation !== undefined) return false
    return target === undefined || (this.#writing.get(target) ?? job) === job
  }

  #begin(job: QueueJob): void {
    const { target } = job.settings
    // By a listener, and perhaps by `start` itself below.
    const cancellation = (): QueueJob['cancellation'] => job.cancellation
    try {
      if (cancellation() === undefined) job.transfer = started(job.settings.start())
    } catch (error) {
      return this.#finish(job, { state: 'failed', error })
    }
    const { transfer } = job
    const cancelled = cancellation()
    if (transfer === undefined) return this.#finish(job, { state: 'cancelled', reason: cancelled?.reason })
    if (target !== undefined) this.#writing.set(target, job)
    transfer.result.then(
      (result) => this.#finish(job, { state: 'complete', result }),
      (error: unknown) => {
        const isCancelled = transfer.state === 'cancelled'
        this.#finish(job, isCancelled ? { state: 'cancelled', reason: error } : { state: 'failed', error })
      },
    )
    if (cancelled !== undefined) transfer.cancel(cancelled.reason)
    this.#tell('start', { item: job.item, transfer })
  }

  #finish(job: QueueJob, outcome: QueueOutcome): void {
    this.#jobs.delete(job)
    this.#forget(this.#wanted, job)
    this.#forget(this.#writing, job)
    this.#totals = { ...this.#totals, [outcome.state]: this.#totals[outcome.state] + 1 }
    this.#enter(job, outcome.state)
    this.#tellEnd(job, outcome)
    if (this.#jobs.size === 0) this.#getIdle()
  }

  #getBusy(): void {
    if (this.#busy !== undefined) return
    this.#busy = deferred<QueueTotals>()
    this.#totals = NOTHING
  }

  /** Twice in a row, where a listener has cancelled the others. */
  #getIdle(): void {
    if (this.#busy === undefined) return
    this.#busy.resolve(this.#totals)
    this.#busy = undefined
    this.#tell('idle', this.#totals)
  }

  #tellEnd({ item, outcome: told }: QueueJob, outcome: QueueOutcome): void {
    switch (outcome.state) {
      case 'complete':
        told.resolve(outcome.result)
        return this.#tell('complete', { item, result: outcome.result })
      case 'failed':
        told.reject(outcome.error)
        return this.#tell('failed', { item, error: outcome.error })
      case 'cancelled':
        told.reject(outcome.reason)
        return this.#tell('cancelled', { item, reason: outcome.reason })
      default:
        outcome satisfies never
    }
  }

  #forget(targets: Map<string, QueueJob>, job: QueueJob): void {
    const { target } = job.settings
    if (target !== undefined && targets.get(target) === job) targets.delete(target)
  }

  #enter(job: QueueJob, state: QueuedTransferState): void {
    const previous = job.state
    this.#leave(job)
    job.state = state
    this.#stand(job)
    this.#tell('state', { item: job.item, state, previous })
  }

  /** Takes it from where its state has put it. */
  #leave(job: QueueJob): void {
    this.#standing(job.state)?.delete(job)
    if (job.state === 'scheduled') this.#setAlarm()
  }

  #stand(job: QueueJob): void {
    this.#standing(job.state)?.add(job)
    if (job.state === 'scheduled') this.#setAlarm()
    this.#serveSoon()
  }

  #standing(state: QueuedTransferState): SortedList<QueueJob> | Set<QueueJob> | undefined {
    if (state === 'scheduled') return this.#scheduled
    if (state === 'queued') return this.#queued
    return state === 'running' ? this.#running : undefined
  }

  #setAlarm(): void {
    this.#alarm.set(this.#scheduled.first?.dueAt)
  }

  #tell<Name extends keyof TransferQueueEvents>(name: Name, event: TransferQueueEvents[Name]): void {
    callListener(() => this.emit(name, ...([event] as never)))
  }
}

const NOTHING: QueueTotals = Object.freeze({ complete: 0, failed: 0, cancelled: 0 })

function checkedConcurrency(options: TransferQueueOptions, fallback: number): number {
  return wholeNumber(options, 'concurrency', fallback, 1, MOST_AT_ONCE)
}

function checkedPriority(options: QueuedTransferOptions): number {
  return number(options, 'priority', 0, -Infinity, Infinity)
}

function checkedItem(
  start: () => Transfer<unknown>,
  options: QueuedTransferOptions | undefined,
  count: number,
): { readonly settings: QueueJobSettings; readonly signal: AbortSignal | undefined } {
  if (typeof start !== 'function') {
    throw new TypeError('What is added must be a function that starts a transfer: () => ftp.download(…)')
  }
  const given = optionsObject(options, 'options', QUEUED_TRANSFER_OPTIONS)
  const target = text(given, 'target', undefined)
  const name = text(given, 'name', target)
  const settings = {
    start,
    number: count,
    priority: checkedPriority(given),
    dueAt: dueAt(given),
    target,
    name,
  }
  return { settings, signal: abortSignal(given) }
}

function dueAt({ startAt }: QueuedTransferOptions): number {
  if (startAt === undefined) return -Infinity
  if (startAt instanceof Date && !Number.isNaN(startAt.getTime())) return startAt.getTime()
  throw new TypeError(`Option "startAt" is ${inspect(startAt)}; it must be a valid Date`)
}

function started(transfer: unknown): Transfer<unknown> {
  if (transfer instanceof Transfer) return transfer as Transfer<unknown>
  throw new TypeError(
    'The function given to add() must return a transfer: () => ftp.download(…). An async one returns its result',
  )
}
