/** Bytes per second over a sliding window. Pure: the clock is an argument, in milliseconds. */

/** Long enough to be steady, short enough to show what happens now. */
const WINDOW_MS = 3_000
const SLOT_MS = 250
const SLOTS = WINDOW_MS / SLOT_MS

export class RateMeter {
  /** Bytes per slot of time; slot `n` is kept at `n % SLOTS`. */
  readonly #slots = new Float64Array(SLOTS)
  readonly #startedAt: number
  #current: number

  constructor(nowMs: number) {
    this.#startedAt = nowMs
    this.#current = Math.floor(nowMs / SLOT_MS)
  }

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#slots[this.#current % SLOTS] = (this.#slots[this.#current % SLOTS] ?? 0) + bytes
  }

  /** The average over the window, or over the time since the start where that is shorter. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs)
    const windowStart = (this.#current - SLOTS + 1) * SLOT_MS
    const elapsedMs = nowMs - Math.max(this.#startedAt, windowStart)
    if (elapsedMs <= 0) return 0
    return (this.#slots.reduce((sum, bytes) => sum + bytes, 0) * 1_000) / elapsedMs
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS)
    const passed = Math.min(SLOTS, slot - this.#current)
    for (let step = 1; step <= passed; step++) this.#slots[(slot - passed + step) % SLOTS] = 0
    this.#current = Math.max(this.#current, slot)
  }
}
