/**
 * A limit on bytes per second that many takers share: a token bucket whose credit is handed out in turns.
 *
 * Owns the credit, and who is next. Knows no socket, and no clock or timer but those it is given.
 *
 * - Credit grows with time up to what 1/50 s is worth and no further, so that neither idle nor paused time earns
 *   any: within `T` seconds at most `(T + 1/50) × limit` bytes are handed out, and one; whoever asks, and however.
 * - Whoever has to wait stands in line. A turn is a fraction of that credit, smaller the more takers there are.
 * - A taker under several limits stands in one line after the other. What one limit has promised stays in its
 *   bucket, and counts there, until all have; then it is spent from all of them at the same moment:
 *
 *       ask ─► line of the transfer ─► line of the client ─► granted
 *                 promised ──────────────── promised ──────► spent
 */
import { startTimer } from '../util/timer.ts'
import { number } from '../util/validate.ts'

/** The most credit there can be, and one byte: with it any one second stays within 1.05 × the limit. */
const BURST_SECONDS = 1 / 50
/** Below this many bytes per second that one byte would be too many. */
const BURST_FROM = 20
/** A limit is never in debt for longer: bytes that came too soon cannot be unmade by silence. */
const DEBT_SECONDS = 1
/** Timers come late by a millisecond or more; waiting for several turns at a time leaves room for that. */
const LEAST_WAIT_MS = 5
/** Far below one byte: what is lost in adding up fractions. */
const ROUNDING = 1e-6

/** Calls `expire` once after `ms` milliseconds; the returned function cancels it. */
export type StartTimer = (ms: number, expire: () => void) => () => void

export class BandwidthLimit {
  readonly #clock: () => number
  readonly #startTimer: StartTimer
  readonly #line: BandwidthTaker[] = []
  /** Whole bytes; `Infinity` for no limit. */
  #bytesPerSecond: number
  /** Bytes that may be handed out, those promised included; below zero it is debt. */
  #credit: number
  #creditedAt: number
  #promised = 0
  #takers = 0
  #isServing = false
  #stopTimer: () => void = () => {}

  /**
   * @param bytesPerSecond at least 1, a fraction of a byte is dropped; `undefined` or `Infinity` for no limit
   * @param clock in milliseconds, monotonic
   * @throws RangeError, TypeError
   */
  constructor(
    bytesPerSecond?: number,
    clock: () => number = () => performance.now(),
    start: StartTimer = startTimer,
  ) {
    this.#clock = clock
    this.#startTimer = start
    this.#bytesPerSecond = checkLimit(bytesPerSecond)
    this.#credit = this.isLimited ? this.#capacity : 0
    this.#creditedAt = clock()
  }

  /** `undefined`: no limit. */
  get bytesPerSecond(): number | undefined {
    return this.isLimited ? this.#bytesPerSecond : undefined
  }

  get isLimited(): boolean {
    return this.#bytesPerSecond !== Infinity
  }

  /**
   * Changes the limit, for those in line too.
   *
   * @throws RangeError, TypeError as the constructor does, and changes nothing then
   */
  set(bytesPerSecond: number | undefined): void {
    const checked = checkLimit(bytesPerSecond)
    this.#refill()
    const credit = this.isLimited ? this.#credit : 0
    this.#bytesPerSecond = checked
    this.#credit = this.isLimited ? Math.max(this.#deepestDebt, Math.min(this.#capacity, credit)) : 0
    this.#serve()
  }

  // What follows is for `BandwidthTaker`.

  join(): void {
    this.#takers += 1
  }

  leave(): void {
    this.#takers -= 1
  }

  /**
   * How many of `bytes` one turn may have. The turns of all takers are half of the burst at the most, so that late
   * timers lose nothing; promises may be all of it, since each has to last for a round of the next limit's line.
   */
  turn(bytes: number, isPromise: boolean): number {
    if (!this.isLimited) return bytes
    const turns = Math.max(2, this.#takers) * (isPromise ? 1 : 2)
    return Math.min(bytes, Math.max(1, Math.floor(this.#capacity / turns)))
  }

  /** Whether `bytes` can be spent at once, without passing anybody in line. */
  canSpare(bytes: number): boolean {
    return this.#line.length === 0 && this.#lacking(bytes) === 0
  }

  /** Whether the credit is there, promised or not. */
  has(bytes: number): boolean {
    this.#refill()
    return !this.isLimited || this.#credit >= bytes - ROUNDING
  }

  /** What was handed out; more than the credit leaves a debt of at most a second's worth. */
  spend(bytes: number): void {
    if (!this.isLimited) return
    this.#refill()
    this.#credit = Math.max(this.#deepestDebt, this.#credit - bytes)
  }

  giveBack(bytes: number): void {
    if (!this.isLimited) return
    this.#refill()
    this.#credit = Math.min(this.#capacity, this.#credit + bytes)
    this.#serve()
  }

  /** Tells the taker when its turn has come, which may be at once. */
  stand(taker: BandwidthTaker, where: 'first' | 'last'): void {
    if (where === 'first') this.#line.unshift(taker)
    else this.#line.push(taker)
    if (this.#line[0] === taker) this.#serve()
  }

  /** The taker no longer waits: neither in this line nor, with what it was promised here, in another. */
  withdraw(taker: BandwidthTaker, promised: number): void {
    const at = this.#line.indexOf(taker)
    if (at >= 0) this.#line.splice(at, 1)
    this.#promised -= promised
    this.#serve()
  }

  get #capacity(): number {
    return this.#bytesPerSecond < BURST_FROM ? 1 : 1 + this.#bytesPerSecond * BURST_SECONDS
  }

  get #deepestDebt(): number {
    return -this.#bytesPerSecond * DEBT_SECONDS
  }

  #refill(): void {
    const now = this.#clock()
    const elapsedMs = Math.max(0, now - this.#creditedAt)
    this.#creditedAt = now
    if (!this.isLimited) return
    this.#credit = Math.min(this.#capacity, this.#credit + (elapsedMs * this.#bytesPerSecond) / 1_000)
  }

  /** How many bytes have to be earned before `bytes` can be promised. */
  #lacking(bytes: number): number {
    if (!this.isLimited) return 0
    this.#refill()
    const lacking = bytes - (this.#credit - this.#promised)
    return lacking > ROUNDING ? lacking : 0
  }

  /** Whoever is served may ask again, and stands last then: this loop, not another one, comes to it. */
  #serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    this.#stopTimer()
    try {
      for (let head = this.#line[0]; head !== undefined; head = this.#line[0]) {
        const bytes = this.turn(head.bytes, !head.isAtLast)
        const lacking = this.#lacking(bytes)
        if (lacking > 0) return this.#wait(lacking, bytes)
        this.#line.shift()
        const promised = this.isLimited ? bytes : 0
        this.#promised += promised
        head.advance(bytes, promised)
      }
    } finally {
      this.#isServing = false
    }
  }

  #wait(lacking: number, bytes: number): void {
    const spare = this.#capacity - this.#promised - bytes
    // Time does not bring what is promised to others; they come back here when they are through.
    if (spare < 0) return
    const toMs = 1_000 / this.#bytesPerSecond
    const longest = (lacking + spare) * toMs // What is earned after that is lost.
    const ms = Math.max(lacking * toMs, Math.min(LEAST_WAIT_MS, longest))
    this.#stopTimer = this.#startTimer(Math.ceil(ms), () => this.#serve())
  }
}

/** One who takes bytes under any number of limits, a turn at a time. */
export class BandwidthTaker {
  readonly #limits: readonly BandwidthLimit[]
  readonly #granted: (bytes: number) => void
  /** What each limit that it has passed holds for it. */
  readonly #promises: number[] = []
  #state: 'idle' | 'waiting' | 'gone' = 'idle'
  #asked = 0
  #bytes = 0

  /**
   * @param limits everywhere in the same order: first those that the fewest share
   * @param granted told how many bytes, after an {@link ask} that gave none
   */
  constructor(limits: readonly BandwidthLimit[], granted: (bytes: number) => void) {
    this.#limits = limits
    this.#granted = granted
    for (const limit of limits) limit.join()
  }

  get isLimited(): boolean {
    for (const limit of this.#limits) if (limit.isLimited) return true
    return false
  }

  /** The lowest of the limits; `Infinity` without any. */
  get bytesPerSecond(): number {
    return this.#limits.reduce((least, limit) => Math.min(least, limit.bytesPerSecond ?? Infinity), Infinity)
  }

  /** How many bytes it waits for; what it gets may be less. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether it stands in the last line, or in none. */
  get isAtLast(): boolean {
    return this.#promises.length >= this.#limits.length - 1
  }

  /**
   * Asks for a turn of up to `bytes`, at least 1. Gives how many it has at once; 0 means that `granted` tells it,
   * which may have happened already. Not to be called while it waits.
   */
  ask(bytes: number): number {
    if (this.#state !== 'idle') return 0
    const turn = this.#limits.reduce((least, limit) => limit.turn(least, false), bytes)
    if (this.#limits.every((limit) => limit.canSpare(turn))) {
      this.charge(turn)
      return turn
    }
    this.#state = 'waiting'
    this.#asked = bytes
    this.#enter('last')
    return 0
  }

  /** Bytes that were taken without asking: they are paid back before the next turn of anybody. */
  charge(bytes: number): void {
    for (const limit of this.#limits) limit.spend(bytes)
  }

  /** Part of what was granted is not needed. */
  giveBack(bytes: number): void {
    for (const limit of this.#limits) limit.giveBack(bytes)
  }

  /** Takes no more: gives up its place in line and its share. Idempotent. */
  leave(): void {
    if (this.#state === 'gone') return
    const wasWaiting = this.#state === 'waiting'
    this.#state = 'gone'
    for (const limit of this.#limits) limit.leave()
    if (wasWaiting) this.#withdraw()
  }

  /** For `BandwidthLimit`: the limit in whose line it stood lets it have `bytes`. */
  advance(bytes: number, promised: number): void {
    this.#bytes = bytes
    this.#promises.push(promised)
    const next = this.#limits[this.#promises.length]
    if (next === undefined) this.#settle()
    else next.stand(this, 'last')
  }

  #enter(where: 'first' | 'last'): void {
    this.#bytes = this.#asked
    this.#limits[0]?.stand(this, where)
  }

  #settle(): void {
    const bytes = this.#bytes
    // A limit that was lowered meanwhile, or run into debt, may not have what it promised.
    const isThere = this.#limits.every((limit) => limit.has(bytes))
    if (isThere) {
      this.#state = 'idle'
      this.charge(bytes)
    }
    this.#withdraw()
    if (isThere) this.#granted(bytes)
    else this.#enter('first')
  }

  #withdraw(): void {
    const promises = this.#promises.splice(0)
    this.#limits.forEach((limit, at) => limit.withdraw(this, promises[at] ?? 0))
  }
}

function checkLimit(bytesPerSecond: number | undefined): number {
  return Math.floor(number({ bytesPerSecond }, 'bytesPerSecond', Infinity, 1, Infinity))
}
