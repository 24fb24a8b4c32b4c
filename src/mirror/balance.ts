/**
 * How the sessions of a mirror are divided between small files, which wait for round trips, and large ones, which fill
 * the line: so that both end at the same time. What ends sooner has left room that the other could have used. Pure: the
 * clock is an argument.
 */

/** What there is to be seen. */
export interface BalanceView {
  /** Monotonic, in milliseconds. */
  readonly now: number
  /** Of small files. */
  readonly small: Work
  /** Of bytes of large ones. */
  readonly large: Work
}

/** So far, and still to come as far as is known. */
export interface Work {
  readonly done: number
  readonly left: number
}

/** Over so long it is measured. Longer than a connection that was moved takes to find its speed. */
const WINDOW_MS = 2_000
/** Ends that differ by less are the same. */
const TOLERANCE = 1.15

export class Balance {
  /** The part that large files have. */
  #part = 0.5
  #mark: BalanceView | undefined

  /** How many of so many sessions are for large files, while there are both. */
  largeOf(sessions: number): number {
    return Math.max(1, Math.min(sessions - 1, Math.round(sessions * this.#part)))
  }

  /** Moves one of `sessions` at most. To be called while there are both; {@link interrupted} otherwise. */
  look(view: BalanceView, sessions: number): void {
    const mark = (this.#mark ??= view)
    const ms = view.now - mark.now
    if (ms < WINDOW_MS) return
    this.#mark = view
    const smallMs = msLeft(mark.small, view.small, ms)
    const largeMs = msLeft(mark.large, view.large, ms)
    const large = this.largeOf(sessions)
    if (smallMs > largeMs * TOLERANCE) this.#part = Math.max(1, large - 1) / sessions
    else if (largeMs > smallMs * TOLERANCE) this.#part = Math.min(sessions - 1, large + 1) / sessions
  }

  interrupted(): void {
    this.#mark = undefined
  }
}

/** As fast as in the last `ms`. */
function msLeft(before: Work, now: Work, ms: number): number {
  return now.left === 0 ? 0 : (now.left / Math.max(0, now.done - before.done)) * ms
}
