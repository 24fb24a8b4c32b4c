/** Rings at a time of the wall clock, however far away that is. */
import type { StartTimer } from '../transport/bandwidth.ts'

/**
 * Timers stand still while a laptop sleeps, know nothing of a clock that is set, and hold no more than 25 days: the
 * clock is looked at this often.
 */
const LOOK_EVERY_MS = 60_000

export class Alarm {
  readonly #ring: () => void
  readonly #clock: () => number
  readonly #startTimer: StartTimer
  #stopTimer: () => void = () => {}

  /** @param clock in milliseconds since 1970; @param start its timers hold the process */
  constructor(ring: () => void, clock: () => number, start: StartTimer) {
    this.#ring = ring
    this.#clock = clock
    this.#startTimer = start
  }

  /** Rings once, at `time` and at no other; `undefined`: not at all. */
  set(time: number | undefined): void {
    this.#stopTimer()
    this.#stopTimer = () => {}
    if (time === undefined) return
    const left = Math.max(0, time - this.#clock())
    this.#stopTimer = this.#startTimer(Math.min(left, LOOK_EVERY_MS), () => {
      if (this.#clock() < time) this.set(time)
      else this.#ring()
    })
  }
}
