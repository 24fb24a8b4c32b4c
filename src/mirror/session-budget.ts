/**
 * As many sessions of a client's pool as one mirror may have, whatever it does with them: listings, small files, and
 * segments of large ones all come here. Whoever waits gets one in turn.
 */
import { Lease } from '../pool/lease.ts'
import type { SessionPool } from '../operations/session-pool.ts'
import type { Session } from '../session/session.ts'
import { onAbort, type Disposer } from '../util/abort.ts'

/** What comes sooner was there already. */
const LEAST_START_SECONDS = 0.02

interface Waiter {
  readonly grant: () => void
}

export class SessionBudget implements SessionPool {
  readonly #pool: SessionPool
  readonly #leases = new WeakMap<Lease<Session>, Lease<Session>>()
  readonly #waiters = new Set<Waiter>()
  #size: number
  #used = 0
  #startSeconds = LEAST_START_SECONDS

  constructor(pool: SessionPool, size: number) {
    this.#pool = pool
    this.#size = size
  }

  /** How many there may be from now on; those that are too many are not taken back. */
  set size(size: number) {
    this.#size = size
    this.#grant()
  }

  get size(): number {
    return this.#size
  }

  async acquire(signal: AbortSignal): Promise<Lease<Session>> {
    await this.#permit(signal)
    const since = performance.now()
    try {
      const lease = await this.#pool.acquire(signal)
      const seconds = (performance.now() - since) / 1_000
      if (seconds > LEAST_START_SECONDS) this.#startSeconds = seconds
      return this.#counted(lease)
    } catch (error) {
      this.#giveBack()
      throw error
    }
  }

  isAged(lease: Lease<Session>): boolean {
    return this.#pool.isAged(this.#leases.get(lease) ?? lease)
  }

  /** The new one is counted in place of the old one, which is about to go. */
  async replace(lease: Lease<Session>, signal: AbortSignal): Promise<Lease<Session>> {
    const fresh = await this.#pool.replace(this.#leases.get(lease) ?? lease, signal)
    this.#used += 1
    return this.#counted(fresh)
  }

  /** How many are taken. */
  get used(): number {
    return this.#used
  }

  /** How many there could be, whatever the size. */
  get poolCeiling(): number {
    return this.#pool.ceiling
  }

  /** How long the last one took that had to be made, in seconds. */
  get startSeconds(): number {
    return this.#startSeconds
  }

  get destroyed(): AbortSignal | undefined {
    return this.#pool.destroyed
  }

  get isProven(): boolean {
    return this.#pool.isProven
  }

  get ceiling(): number {
    return Math.min(this.#size, this.#pool.ceiling)
  }

  hold(...given: Parameters<SessionPool['hold']>): Disposer {
    return this.#pool.hold(...given)
  }

  onLimited(listener: (error: unknown) => void): Disposer {
    return this.#pool.onLimited(listener)
  }

  #counted(inner: Lease<Session>): Lease<Session> {
    const lease = new Lease(inner.value, (end) => {
      if (end.type === 'release') inner.release()
      else inner.discard(end.reason)
      this.#giveBack()
    })
    this.#leases.set(lease, inner)
    return lease
  }

  #permit(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#used < this.#size && this.#waiters.size === 0) {
      this.#used += 1
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const waiter = {
        grant: () => {
          stopListening()
          this.#waiters.delete(waiter)
          this.#used += 1
          resolve()
        },
      }
      this.#waiters.add(waiter)
      const stopListening = onAbort(signal, (reason) => {
        this.#waiters.delete(waiter)
        reject(reason)
      })
    })
  }

  #giveBack(): void {
    this.#used -= 1
    this.#grant()
  }

  #grant(): void {
    for (const { grant } of this.#waiters) {
      if (this.#used >= this.#size) return
      grant()
    }
  }
}
