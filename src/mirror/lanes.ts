/**
 * Workers that hold one session each while there is something to do on it: small files and listings, one behind the
 * other (`session/train.ts`).
 *
 * What fails on the way is done once more by itself, with all the questions and the patience that a single call has;
 * the session is given back for that, so that one connection is enough for everything.
 */
import { FtpReplyError, FtpTransferError } from '../errors.ts'
import type { RetryPolicy } from '../operations/retry.ts'
import type { SessionPool } from '../operations/session-pool.ts'
import { withSession } from '../operations/with-session.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import { Train } from '../session/train.ts'
import { onAbort, type Disposer } from '../util/abort.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import { ChangedFile } from './changed-file.ts'

/** A session that is held, and the train on it. */
export interface Held {
  readonly train: Train
  readonly session: Session
}

export interface LaneTask {
  /**
   * Does it on a session. Resolves as soon as the next one can follow; what it gives is what is left of it then, and
   * `undefined` if it cannot be done so. Rejects, or what it gives does, where it went wrong: it is then done alone.
   */
  ride(held: Held): Promise<{ readonly rest: Promise<void> } | undefined>
  /** Does it by itself: it holds no session. Rejects only where all of the work is to end. */
  alone(failure: unknown): Promise<void>
}

export interface LanesOptions {
  readonly sessions: SessionPool
  readonly retry: RetryPolicy
  readonly signal: AbortSignal
  /** Behind the last task on a session, before that is given back. Never rejects. */
  readonly onLeave: (held: Held) => Promise<void>
  /** In its place where the session is given up: nothing more can be asked on it. */
  readonly onLost?: ((session: Session, reason: unknown) => void) | undefined
  readonly onRetry: (retry: { attempt: number; delayMs: number; error: unknown }) => void
  /** Told when there is less to do. */
  readonly onProgress: () => void
  /** Told of what ends all of the work. */
  readonly onFailure: (error: unknown) => void
}

export class Lanes {
  readonly #options: LanesOptions
  /** Directories: what they hold makes the work known. The last one first, so that few are waiting. */
  readonly #urgent: LaneTask[] = []
  readonly #tasks: LaneTask[] = []
  #next = 0
  readonly #alone: { readonly task: LaneTask; readonly failure: unknown }[] = []
  #most: number
  #working = 0
  #resting = 0
  #isClosed = false
  #idle: Deferred<undefined> | undefined

  constructor(options: LanesOptions, most: number) {
    this.#options = options
    this.#most = most
  }

  /** Tasks that nobody has begun. */
  get pending(): number {
    return this.#urgent.length + this.#tasks.length - this.#next + this.#alone.length
  }

  /** Those of them that are not urgent. */
  get backlog(): number {
    return this.#tasks.length - this.#next
  }

  get isIdle(): boolean {
    return this.#working === 0 && this.#resting === 0 && (this.#isClosed || this.pending === 0)
  }

  /** How many sessions are held at most; those that are too many are given back behind what they do. */
  set most(most: number) {
    this.#most = most
    this.#wake()
  }

  add(task: LaneTask, isUrgent: boolean): void {
    if (isUrgent) this.#urgent.push(task)
    else this.#tasks.push(task)
    this.#wake()
  }

  /** Closed, it ends what it does and gives its sessions back. */
  set isClosed(isClosed: boolean) {
    this.#isClosed = isClosed
    this.#wake()
  }

  /** Resolves when nothing is done any more, and nothing is left to do unless it is closed. */
  async idle(): Promise<void> {
    while (!this.isIdle) {
      this.#idle ??= deferred<undefined>()
      await this.#idle.promise
    }
  }

  #wake(): void {
    while (this.#working < this.#most && this.pending > 0 && this.#mayWork) {
      this.#working += 1
      void this.#work().finally(() => {
        this.#working -= 1
        this.#wake()
        this.#options.onProgress()
      })
    }
    this.#tellIfIdle()
  }

  get #mayWork(): boolean {
    return !this.#isClosed && !this.#options.signal.aborted
  }

  #tellIfIdle(): void {
    if (!this.isIdle && !this.#options.signal.aborted) return
    if (this.#working > 0 || this.#resting > 0) return
    this.#idle?.resolve(undefined)
    this.#idle = undefined
  }

  #take(): LaneTask | undefined {
    const urgent = this.#urgent.pop()
    if (urgent !== undefined) return urgent
    const task = this.#tasks[this.#next]
    if (task === undefined) return undefined
    this.#next += 1
    if (this.#next > 1_024 && this.#next * 2 > this.#tasks.length) {
      this.#tasks.splice(0, this.#next)
      this.#next = 0
    }
    return task
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const held = new HeldSession(this.#options)
    try {
      while (this.#mayWork && this.#working <= this.#most) {
        const failed = this.#alone.shift()
        if (failed !== undefined) {
          await held.release()
          await failed.task.alone(failed.failure)
          continue
        }
        const task = this.#take()
        if (task === undefined) break
        await this.#ride(task, held)
      }
      await held.release()
    } catch (error) {
      held.discard(error)
      this.#options.onFailure(error)
    }
  }

  async #ride(task: LaneTask, held: HeldSession): Promise<void> {
    // Without a session after all that patience nothing else can be done either.
    const on = await held.get()
    try {
      const ridden = await task.ride(on)
      if (ridden === undefined) {
        this.#alone.push({ task, failure: undefined })
        return
      }
      this.#resting += 1
      const { rest } = ridden
      void rest
        .catch((failure: unknown) => void this.#alone.push({ task, failure }))
        .finally(() => {
          this.#resting -= 1
          this.#wake()
          this.#options.onProgress()
        })
    } catch (failure) {
      this.#options.signal.throwIfAborted()
      if (!isInStep(failure)) held.discard(failure)
      this.#alone.push({ task, failure })
    }
  }
}

/** The session stays in step behind it: a refusal, or a file here that cannot be read, found before anything was sent. */
function isInStep(failure: unknown): boolean {
  if (failure instanceof FtpReplyError) return failure.reply.code !== 421
  if (failure instanceof ChangedFile) return true
  return failure instanceof FtpTransferError && LOCAL.has(failure.code)
}

const LOCAL: ReadonlySet<string> = new Set(['ERR_FTP_LOCAL_FILE', 'ERR_FTP_UNSAFE_PATH'])

/** A session, once one is needed, and the train on it. */
class HeldSession {
  readonly #options: LanesOptions
  #held: { readonly lease: Lease<Session>; readonly train: Train; readonly stop: Disposer } | undefined

  constructor(options: LanesOptions) {
    this.#options = options
  }

  async get(): Promise<Held> {
    if (this.#held?.lease.value.control.isOpen === false) this.discard(undefined)
    // Given up for a new one (`rotateAfter`).
    if (this.#held !== undefined && this.#options.sessions.isAged(this.#held.lease)) await this.release()
    this.#held ??= await this.#open()
    return { train: this.#held.train, session: this.#held.lease.value }
  }

  /** Behind the last reply. A session that is lost meanwhile is no failure of anybody. */
  async release(): Promise<void> {
    if (this.#held === undefined) return
    const { lease, train, stop } = this.#held
    this.#held = undefined
    try {
      await this.#options.onLeave({ train, session: lease.value })
      await train.end()
      lease.release()
    } catch (error) {
      lease.discard(error)
    } finally {
      stop()
    }
  }

  discard(reason: unknown): void {
    if (this.#held === undefined) return
    const { lease, stop } = this.#held
    this.#held = undefined
    stop()
    lease.discard(reason)
    this.#options.onLost?.(lease.value, reason)
  }

  async #open(): Promise<{ lease: Lease<Session>; train: Train; stop: Disposer }> {
    const { sessions, signal, retry, onRetry } = this.#options
    const { lease, value: train } = await withSession(sessions, { signal, retry, onRetry }, (session) =>
      Train.on(session),
    )
    // An abort cuts it: replies are outstanding.
    const stop = onAbort(signal, (reason) => lease.discard(reason))
    return { lease, train, stop }
  }
}
