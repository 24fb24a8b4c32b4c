/**
 * The connections of one worker: a client with one connection for each that it holds on lease.
 *
 * Owns when they are opened, lent, closed and cut. A lease that cannot be renewed in time ends with every connection
 * cut, `FENCE` of its length after it was asked for: whoever gets them next has them alone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Share } from './connection-lease.ts'

/** Of the length of a lease: the rest is for timers that are late. */
const FENCE = 0.75
const RENEWALS_PER_LEASE = 4

/** As an FtpClient has them. */
export interface Connection {
  close(): Promise<void>
  destroy(reason: Error): void
  setLimit(bytesPerSecond: number): void
}

export interface SlotsOptions<C extends Connection> {
  readonly lease: {
    renew(holding: number): Promise<Share | undefined>
    release(): Promise<void>
  }
  readonly open: () => C
  /** Told of how many there may be, whenever that was asked. */
  readonly onAllowed?: (allowed: number) => void
  readonly onError: (error: unknown) => void
}

export class ConnectionSlots<C extends Connection> {
  readonly #options: SlotsOptions<C>
  readonly #all = new Set<C>()
  readonly #idle = new Set<C>()
  /** They are held until they are closed. */
  readonly #closing = new Set<C>()
  #waiting: ((connection: C) => void)[] = []
  #allowed = 0
  #bytesPerSecond = Infinity
  #renewEveryMs = 1_000
  #fence: NodeJS.Timeout | undefined
  /** Others after each loss. */
  #era = {}
  #stop = new AbortController()
  #running: Promise<void>

  constructor(options: SlotsOptions<C>) {
    this.#options = options
    this.#running = this.#keepLease()
  }

  /** Waits for one. */
  async take(): Promise<C> {
    const [connection] = this.#idle
    if (connection === undefined) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#idle.delete(connection)
    return connection
  }

  giveBack(connection: C): void {
    if (!this.#all.has(connection)) return
    const next = this.#surplus > 0 ? undefined : this.#waiting.shift()
    if (next !== undefined) return next(connection)
    this.#idle.add(connection)
    this.#shrink()
  }

  /** Whether it was cut since it was lent. */
  isLost(connection: C): boolean {
    return !this.#all.has(connection)
  }

  /** When all are given back. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await Promise.all([...this.#all].map((connection) => connection.close()))
    clearTimeout(this.#fence)
    await this.#options.lease.release()
  }

  async #keepLease(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#renew().catch(this.#options.onError)
      await sleep(this.#renewEveryMs, undefined, { signal }).catch(() => {}) // It is to stop.
    }
  }

  async #renew(): Promise<void> {
    const era = this.#era
    const askedAtMs = performance.now()
    const share = await this.#options.lease.renew(this.#all.size)
    // The answer to a question from before it was lost: what it grants is not held.
    if (era !== this.#era) return this.#renew()
    if (share === undefined) {
      this.#lose()
      return this.#renew()
    }
    const { allowed, connections, bytesPerSecond, leaseMs } = share
    const leftMs = askedAtMs + leaseMs * FENCE - performance.now()
    if (leftMs <= 0) return this.#lose()
    clearTimeout(this.#fence)
    this.#fence = setTimeout(() => this.#lose(), leftMs)
    this.#renewEveryMs = leaseMs / RENEWALS_PER_LEASE
    this.#bytesPerSecond = bytesPerSecond / connections
    this.#allowed = allowed
    this.#shrink()
    this.#grow()
    for (const connection of this.#all) connection.setLimit(this.#bytesPerSecond)
    this.#options.onAllowed?.(allowed)
  }

  #grow(): void {
    while (this.#all.size < this.#allowed) {
      const connection = this.#options.open()
      this.#all.add(connection)
      this.giveBack(connection)
    }
  }

  /** How many are to be closed. */
  get #surplus(): number {
    return this.#all.size - this.#closing.size - this.#allowed
  }

  #shrink(): void {
    for (const connection of this.#idle) {
      if (this.#surplus <= 0) return
      this.#idle.delete(connection)
      this.#closing.add(connection)
      void connection.close().finally(() => {
        this.#closing.delete(connection)
        this.#all.delete(connection)
      })
    }
  }

  #lose(): void {
    clearTimeout(this.#fence)
    this.#era = {}
    const lost = [...this.#all]
    this.#all.clear()
    this.#idle.clear()
    this.#closing.clear()
    this.#allowed = 0
    for (const connection of lost) connection.destroy(new Error('The lease of the connection has ended'))
  }
}
