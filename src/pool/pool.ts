/**
 * The pool: runs a {@link Ledger} over real resources. It enters what happens and does what comes
 * back, one event at a time; it decides nothing.
 *
 * Owns: the promises of the waiters, the values behind the ledger's ids, the probe timer. Must never
 * know: what a resource is. That is behind the hooks.
 */
import { FtpConnectionError } from '../errors.ts'
import { onAbort, throwIfAborted, type Disposer } from '../util/abort.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import { callListener } from '../util/listener.ts'
import { startIdleTimer } from '../util/timer.ts'
import { milliseconds, wholeNumber } from '../util/validate.ts'
import type { CloseManner, LedgerEffect, LedgerEvent, PoolStats, ResourceId, WaiterId } from './events.ts'
import { Lease } from './lease.ts'
import { Ledger } from './ledger.ts'
import { OwnFailure } from './own-failure.ts'

/** What a pool must be told about its resources. A hook may throw where it returns a promise. */
export interface PoolHooks<T extends object> {
  /**
   * Dials and logs in. The signal aborts when nobody is left who could use the result, or the pool is
   * closed; the promise must settle soon after. A value that comes too late is not lost. A failure beside a live
   * sibling is taken for a limit, but for an {@link OwnFailure}, whose reason everybody is told who waits.
   */
  open(signal: AbortSignal): Promise<T>
  /**
   * Whether the resource is fit to be handed out again. Must be bounded in time: somebody waits.
   * `false`, or a rejection, and it is cut.
   */
  check(value: T): Promise<boolean>
  /**
   * Ends the resource; resolves when it is gone, and must be bounded in time: `close()` waits for it,
   * and until then it counts against the cap. `'cut'` may follow a `'quit'` that has not ended.
   *
   * @param reason - what `discard` or `destroy` was given
   */
  close(value: T, how: CloseManner, reason?: unknown): Promise<void>
  /**
   * The resource has become idle, or is in use again: its owner lets go of the process and takes hold
   * of it again. A new resource counts as in use. Throwing, it is cut.
   */
  idle(value: T, isIdle: boolean): void
}

export interface PoolOptions<T extends object> {
  /** The most resources that exist at once, counting those being opened or closed. At least 1. */
  readonly max: number
  readonly hooks: PoolHooks<T>
  /** Milliseconds after a limit was met until one more is tried, and again until `max`. Default 120 000. */
  readonly probeAfterMs?: number | undefined
  /**
   * Milliseconds after which a resource is given up for a new one, which is opened before the old one goes; no
   * rotation by default. One that is not used is left alone until it is.
   */
  readonly rotateAfterMs?: number | undefined
  /** Monotonic, in milliseconds. @default performance.now */
  readonly clock?: (() => number) | undefined
  /** An opening was refused beside a live sibling, and work goes on with at most `ceiling`. */
  readonly onLimited?: ((ceiling: number, error: unknown) => void) | undefined
}

/** A server that is full is seldom free again within a minute; each probe costs it a refused login. */
const PROBE_AFTER_MS = 120_000

interface Waiter<T> {
  readonly answer: Deferred<Lease<T>>
  readonly stopListening: Disposer
}

/**
 * A pool of resources that are dear to open. Waiters are served first come, first served; the rules
 * for opening, limits and closing are those of the {@link Ledger}.
 */
export class Pool<T extends object> implements AsyncDisposable {
  readonly #ledger: Ledger
  readonly #hooks: PoolHooks<T>
  readonly #probeAfterMs: number
  #rotateAfterMs: number
  readonly #clock: () => number
  /** When a resource was opened, or last failed to be replaced. */
  readonly #since = new Map<ResourceId, number>()
  readonly #onLimited: (ceiling: number, error: unknown) => void
  #lastWaiter: WaiterId = 0
  readonly #waiters = new Map<WaiterId, Waiter<T>>()
  readonly #openings = new Map<ResourceId, AbortController>()
  readonly #values = new Map<ResourceId, T>()
  readonly #ids = new Map<T, ResourceId>()
  /** Reported lost before their opening came round to us, or long after they were gone. */
  readonly #dead = new WeakSet<T>()
  readonly #events: LedgerEvent[] = []
  #isRunning = false
  #stopProbe: Disposer | undefined
  #destroyReason: unknown
  readonly #drained = deferred<undefined>()

  /** @throws TypeError or RangeError for a `max` or `probeAfterMs` that makes no sense */
  constructor(options: PoolOptions<T>) {
    this.#ledger = new Ledger(atLeastOne(options.max))
    this.#hooks = options.hooks
    this.#probeAfterMs = milliseconds(options, 'probeAfterMs', PROBE_AFTER_MS)
    this.#rotateAfterMs = milliseconds(options, 'rotateAfterMs', Infinity)
    this.#clock = options.clock ?? (() => performance.now())
    this.#onLimited = options.onLimited ?? (() => undefined)
  }

  /**
   * Borrows a resource, waiting for one if need be; there is no deadline but the caller's signal.
   *
   * @throws `signal.reason`; the error of an opening that failed for all; `ERR_FTP_CLOSED`
   */
  async acquire(signal?: AbortSignal): Promise<Lease<T>> {
    throwIfAborted(signal)
    return this.#waitFor(signal, (waiter) => ({ type: 'acquire', waiter }))
  }

  /** Whether a lease's resource is due to be replaced, and is not being replaced yet. */
  isAged(lease: Lease<T>): boolean {
    const resource = this.#ids.get(lease.value)
    return resource !== undefined && this.#isDue(resource)
  }

  /**
   * Opens one more resource, beyond `max` if need be, to go on with in the place of `lease`. That stays valid; its
   * resource is closed when it is released. Fails like an opening, with nothing changed: the next attempt is due
   * after as long again.
   *
   * @throws `signal.reason`; the error of the opening; `ERR_FTP_CLOSED`, also where nothing is to be replaced
   */
  async replace(lease: Lease<T>, signal?: AbortSignal): Promise<Lease<T>> {
    throwIfAborted(signal)
    const resource = this.#ids.get(lease.value)
    if (resource === undefined) throw this.#closedError()
    return this.#waitFor(signal, (waiter) => ({ type: 'replace', resource, waiter }))
  }

  stats(): PoolStats {
    return this.#ledger.stats()
  }

  /** Rejects everybody who waits now, each with a reason of his own. */
  turnAway(makeReason: () => unknown): void {
    for (const waiter of [...this.#waiters.keys()]) {
      this.#happened({ type: 'cancel', waiter, reason: makeReason() })
    }
  }

  /**
   * Changes the cap. Above a lowered one openings are aborted, idle resources closed at once and
   * leased ones when they are released.
   */
  setMax(max: number): void {
    this.#happened({ type: 'setMax', max: atLeastOne(max) })
  }

  /** Changes the age at which resources are given up, of those that are there too. `Infinity`: they are not. */
  setRotateAfter(rotateAfterMs: number): void {
    this.#rotateAfterMs = milliseconds({ rotateAfterMs }, 'rotateAfterMs', Infinity)
  }

  /** Tells the pool that a resource has died by itself. It is not closed, and never handed out again. */
  lost(value: T): void {
    const resource = this.#ids.get(value)
    if (resource === undefined) this.#dead.add(value)
    else this.#happened({ type: 'lost', resource })
  }

  /**
   * Takes no new calls, turns away those that wait with `ERR_FTP_CLOSED`, lets leases finish, and
   * closes everything politely. Resolves when all is gone; idempotent, never rejects.
   */
  close(): Promise<void> {
    this.#happened({ type: 'close' })
    return this.#drained.promise
  }

  /**
   * Cuts everything at once, leased or not. Waiters reject with `reason`, or with `ERR_FTP_CLOSED`.
   * Idempotent; also ends a `close()` that waits.
   */
  destroy(reason?: unknown): void {
    this.#destroyReason ??= reason
    this.#happened({ type: 'destroy', reason })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #waitFor(signal: AbortSignal | undefined, event: (waiter: WaiterId) => LedgerEvent): Promise<Lease<T>> {
    this.#lastWaiter += 1
    const waiter = this.#lastWaiter
    const answer = deferred<Lease<T>>()
    const stopListening = onAbort(signal, (reason) => this.#happened({ type: 'cancel', waiter, reason }))
    this.#waiters.set(waiter, { answer, stopListening })
    this.#happened(event(waiter))
    return answer.promise
  }

  #isDue(resource: ResourceId): boolean {
    const since = this.#since.get(resource) ?? Infinity
    return this.#clock() - since >= this.#rotateAfterMs && this.#ledger.mayReplace(resource)
  }

  /**
   * Hooks and listeners may call back into the pool at any moment: what they report waits its turn, so
   * that the effects of one event are complete before the next is entered.
   */
  #happened(event: LedgerEvent): void {
    this.#events.push(event)
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.#ledger.apply(next)) this.#perform(effect)
      }
    } finally {
      this.#isRunning = false
    }
    this.#scheduleProbe()
  }

  #perform(effect: LedgerEffect): void {
    switch (effect.type) {
      case 'open':
        void this.#open(effect.resource)
        break
      case 'abort':
        this.#openings.get(effect.resource)?.abort()
        break
      case 'check':
        void this.#check(effect.resource)
        break
      case 'idle':
        this.#setIdle(effect.resource, effect.isIdle)
        break
      case 'close':
        void this.#closeResource(effect.resource, effect.how, effect.reason)
        break
      case 'forget':
        this.#forget(effect.resource)
        break
      case 'grant':
        this.#take(effect.waiter).resolve(this.#lend(effect.resource))
        // Behind the back of its holder, who has waited long enough.
        if (this.#isDue(effect.resource)) {
          this.#happened({ type: 'replace', resource: effect.resource, waiter: undefined })
        }
        break
      case 'reject':
        this.#take(effect.waiter).reject(effect.error)
        break
      case 'refuse':
        this.#take(effect.waiter).reject(this.#closedError())
        break
      case 'limited':
        this.#limited(effect.ceiling, effect.error)
        break
      case 'drained':
        this.#drained.resolve(undefined)
        break
      default:
        effect satisfies never
    }
  }

  async #open(resource: ResourceId): Promise<void> {
    const controller = new AbortController()
    this.#openings.set(resource, controller)
    try {
      const value = await this.#hooks.open(controller.signal)
      if (this.#dead.has(value)) throw diedAtOnce()
      this.#values.set(resource, value)
      this.#ids.set(value, resource)
      this.#since.set(resource, this.#clock())
    } catch (error) {
      const old = this.#ledger.isReplacedBy(resource)
      if (old !== undefined) this.#since.set(old, this.#clock())
      const isRefusal = !(error instanceof OwnFailure)
      const reason = isRefusal ? error : error.reason
      this.#happened({ type: 'openFailed', resource, error: reason, isRefusal })
      return
    }
    this.#openings.delete(resource)
    this.#happened({ type: 'opened', resource })
  }

  async #check(resource: ResourceId): Promise<void> {
    const value = this.#value(resource)
    let ok = false
    try {
      ok = await this.#hooks.check(value)
    } catch {
      // A check that cannot even be made is an answer.
    }
    this.#happened({ type: 'checked', resource, ok })
  }

  async #closeResource(resource: ResourceId, how: CloseManner, reason: unknown): Promise<void> {
    const value = this.#value(resource)
    try {
      await this.#hooks.close(value, how, reason)
    } catch {
      // Nobody could do more about it: it counts as gone.
    }
    this.#happened({ type: 'closed', resource })
  }

  #setIdle(resource: ResourceId, isIdle: boolean): void {
    const value = this.#value(resource)
    try {
      this.#hooks.idle(value, isIdle)
    } catch (reason) {
      this.#happened({ type: 'discard', resource, reason })
    }
  }

  /** A limit met again puts the probe off. */
  #limited(ceiling: number, error: unknown): void {
    this.#stopProbe?.()
    this.#stopProbe = undefined
    callListener(() => this.#onLimited(ceiling, error))
  }

  #scheduleProbe(): void {
    if (!this.#ledger.isLimited) {
      this.#stopProbe?.()
      this.#stopProbe = undefined
      return
    }
    this.#stopProbe ??= startIdleTimer(this.#probeAfterMs, () => {
      this.#stopProbe = undefined
      this.#happened({ type: 'probe' })
    })
  }

  #lend(resource: ResourceId): Lease<T> {
    return new Lease(this.#value(resource), (end) => this.#happened({ ...end, resource }))
  }

  #take(id: WaiterId): Deferred<Lease<T>> {
    const waiter = known(this.#waiters, id)
    this.#waiters.delete(id)
    waiter.stopListening()
    return waiter.answer
  }

  #value(resource: ResourceId): T {
    return known(this.#values, resource)
  }

  #forget(resource: ResourceId): void {
    const value = this.#values.get(resource)
    if (value !== undefined) this.#ids.delete(value)
    this.#values.delete(resource)
    this.#since.delete(resource)
    this.#openings.delete(resource)
  }

  /** Made anew for each caller, so that its stack tells who called. */
  #closedError(): FtpConnectionError {
    const cause = this.#destroyReason
    return new FtpConnectionError('ERR_FTP_CLOSED', 'The client has been closed: make a new one to go on', {
      cause,
    })
  }
}

function atLeastOne(max: number): number {
  return wholeNumber({ max }, 'max', 1, 1, Number.MAX_SAFE_INTEGER)
}

function diedAtOnce(): FtpConnectionError {
  return new FtpConnectionError(
    'ERR_FTP_CONTROL_CLOSED',
    'The connection was lost as soon as it was logged in',
  )
}

/** What the ledger names exists; anything else is a mistake in this folder, and must not pass in silence. */
function known<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key)
  if (value === undefined) throw new Error(`The pool has lost track of ${String(key)}`)
  return value
}
