/**
 * Notices silence: expires when nothing has touched it for `ms` while it was running. `touch` is called
 * for every read of a transfer, so it only notes the time; the timer re-arms itself for what is left.
 */
import { startTimer } from './timer.ts'

export class Watchdog {
  readonly #ms: number
  readonly #expire: () => void
  #touchedAt = 0
  #cancel: (() => void) | undefined

  constructor(ms: number, expire: () => void) {
    this.#ms = ms
    this.#expire = expire
  }

  /** Begins, or begins anew, to count the silence. */
  start(): void {
    this.touch()
    if (this.#cancel === undefined && this.#ms !== Infinity) this.#arm(this.#ms)
  }

  touch(): void {
    this.#touchedAt = performance.now()
  }

  /** Stops counting, as long as our own side is the slow one, or for good. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(ms: number): void {
    this.#cancel = startTimer(ms, () => {
      const left = this.#ms - (performance.now() - this.#touchedAt)
      // A timer may fire a fraction of a millisecond early.
      if (left > 1) this.#arm(left)
      else {
        this.#cancel = undefined
        this.#expire()
      }
    })
  }
}
