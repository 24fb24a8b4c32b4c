/** One transfer of a queue: what the queue knows of it, and the handle that its caller holds. */
import { deferred, type Deferred } from '../util/deferred.ts'
import type { OptionNames } from '../util/validate.ts'
import type { TransferProgress } from './events.ts'
import type { Transfer } from './transfer.ts'

/**
 *   scheduled ─► queued ─► running ─► complete
 *       ⇅           ⇅    ↖    ⇅
 *       └────────────── paused         and from each of them: failed, cancelled
 *
 * What is resumed stands in the queue again, or is scheduled still.
 */
export type QueuedTransferState =
  'scheduled' | 'queued' | 'running' | 'paused' | 'complete' | 'failed' | 'cancelled'

/** Of {@link TransferQueue.add}. */
export interface QueuedTransferOptions {
  /** Higher ones go first; among equals, whichever was added first. Any number. @default 0 */
  readonly priority?: number | undefined
  /** Not before this time, which may be years away. It keeps the process alive until then. @default at once */
  readonly startAt?: Date | undefined
  /**
   * What it writes: a local path, a URL. As long as one with the same target is not over, `add` gives that one, and
   * begins no other. Compared as it stands.
   */
  readonly target?: string | undefined
  /** What people call it. @default the target */
  readonly name?: string | undefined
  /** Cancels it. */
  readonly signal?: AbortSignal | undefined
}

export const QUEUED_TRANSFER_OPTIONS: OptionNames<QueuedTransferOptions> = {
  priority: true,
  startAt: true,
  target: true,
  name: true,
  signal: true,
}

export interface QueueJobSettings {
  readonly start: () => Transfer<unknown>
  /** In the order of their arrival. */
  readonly number: number
  readonly priority: number
  /** Milliseconds since 1970; `-Infinity`: at once. */
  readonly dueAt: number
  readonly target: string | undefined
  readonly name: string | undefined
}

/** What a handle asks of its queue. */
export interface QueueControl {
  readonly pause: (job: QueueJob) => Promise<void>
  readonly resume: (job: QueueJob) => void
  readonly cancel: (job: QueueJob, reason: unknown) => void
  readonly setPriority: (job: QueueJob, priority: number) => void
  readonly setStartAt: (job: QueueJob, startAt: Date | undefined) => void
}

/** Belongs to the queue, which alone changes it. */
export class QueueJob {
  readonly settings: QueueJobSettings
  readonly outcome: Deferred<unknown> = deferred<unknown>()
  readonly item: QueuedTransfer<unknown>
  priority: number
  /** Milliseconds since 1970; `-Infinity`: at once. */
  dueAt: number
  state: QueuedTransferState
  /** Once it has begun. */
  transfer: Transfer<unknown> | undefined
  /** Whether it was paused by its own handle. */
  isHeld = false
  /** From when it was cancelled until it is over. */
  cancellation: { readonly reason: unknown } | undefined

  constructor(settings: QueueJobSettings, state: 'scheduled' | 'queued', control: QueueControl) {
    this.settings = settings
    this.priority = settings.priority
    this.dueAt = settings.dueAt
    this.state = state
    this.item = new QueuedTransfer(this, control)
  }

  get isOver(): boolean {
    return this.state === 'complete' || this.state === 'failed' || this.state === 'cancelled'
  }
}

/** The order in which those that wait for a place get one. */
export function isServedBefore(one: QueueJob, other: QueueJob): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority
  return one.settings.number < other.settings.number
}

export function isDueBefore(one: QueueJob, other: QueueJob): boolean {
  if (one.dueAt !== other.dueAt) return one.dueAt < other.dueAt
  return one.settings.number < other.settings.number
}

/**
 * A transfer in a queue. `await` it for its result, or leave it alone: unlike that of a {@link Transfer}, a failure that
 * nobody awaits is no unhandled rejection, as the queue tells it by an event.
 */
export class QueuedTransfer<Result> implements PromiseLike<Result> {
  /** Resolves with the transfer's result; rejects with its very error, or with the reason of the cancellation. */
  readonly result: Promise<Result>
  readonly #job: QueueJob
  readonly #control: QueueControl

  constructor(job: QueueJob, control: QueueControl) {
    this.#job = job
    this.#control = control
    // The job is one for every type of result; `add` knows which it is.
    this.result = job.outcome.promise as Promise<Result>
  }

  /** Where it stands now. */
  get state(): QueuedTransferState {
    return this.#job.state
  }

  /** The transfer itself; `undefined` before it has begun. Pause, resume and cancel it by this handle instead. */
  get transfer(): Transfer<Result> | undefined {
    return this.#job.transfer as Transfer<Result> | undefined
  }

  /** A snapshot of how far it is; `undefined` before it has begun. */
  get progress(): TransferProgress | undefined {
    return this.#job.transfer?.progress
  }

  /** Higher ones go first. */
  get priority(): number {
    return this.#job.priority
  }

  /** Before when it does not begin; `undefined`: as soon as there is a place. */
  get startAt(): Date | undefined {
    const { dueAt } = this.#job
    return dueAt === -Infinity ? undefined : new Date(dueAt)
  }

  /** What it writes, as it was given to `add`. */
  get target(): string | undefined {
    return this.#job.settings.target
  }

  /** For people: as it was given to `add`, else the target. */
  get name(): string | undefined {
    return this.#job.settings.name
  }

  /**
   * One that waits is passed over from now on; one that runs gives its place to another once it has come to rest.
   * Resolves when nothing of it moves any more, or it is over: one that is being verified is not paused.
   */
  pause(): Promise<void> {
    return this.#control.pause(this.#job)
  }

  /** Stands in the queue again, where its priority and its age put it; in a paused queue, once that is resumed. */
  resume(): void {
    this.#control.resume(this.#job)
  }

  /**
   * Takes it out of the queue, or stops it; {@link result} rejects with `reason`.
   * @param reason an `AbortError` by default
   */
  cancel(reason?: unknown): void {
    this.#control.cancel(this.#job, reason)
  }

  /**
   * Puts it elsewhere in the order. One that runs goes on running.
   * @param priority any number; higher ones go first
   * @throws TypeError, RangeError
   */
  setPriority(priority: number): void {
    this.#control.setPriority(this.#job, priority)
  }

  /**
   * Changes when it is to begin. Without effect on one that has begun.
   * @param startAt `undefined`: as soon as there is a place
   * @throws TypeError for what is no valid `Date`
   */
  setStartAt(startAt: Date | undefined): void {
    this.#control.setStartAt(this.#job, startAt)
  }

  then<A = Result, B = never>(
    onFulfilled?: ((value: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result.then(onFulfilled, onRejected)
  }

  /** That of {@link result}. */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Result | B> {
    return this.result.catch(onRejected)
  }

  /** That of {@link result}. */
  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.result.finally(onFinally)
  }
}
