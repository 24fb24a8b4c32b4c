/** When a failure is tried again: as long as there is progress, and a number of times without. Pure. */
import { FtpError } from '../errors.ts'
import { backoffDelay, type Backoff } from '../util/backoff.ts'

/** How often, and after what pauses, what failed is tried again. */
export interface RetryPolicy extends Backoff {
  /** Attempts without progress before the last error stands. */
  readonly attempts: number
}

/** This much more, or 1 % of the whole if that is less, counts as progress. */
const PROGRESS_BYTES = 1_048_576

export class RetryBudget {
  readonly #policy: RetryPolicy
  readonly #progressBytes: number
  readonly #random: () => number
  #failures = 0
  /** The most there ever was: where every attempt begins at 0, getting as far as before is no progress. */
  #best = 0

  constructor(policy: RetryPolicy, total: number | undefined, random: () => number) {
    this.#policy = policy
    this.#progressBytes = Math.max(1, Math.min(PROGRESS_BYTES, (total ?? Infinity) / 100))
    this.#random = random
  }

  /** How many attempts have failed since there was progress. */
  get failures(): number {
    return this.#failures
  }

  /**
   * Enters a failure after `bytes` in all, and gives the milliseconds to wait before the next attempt. Throws
   * `error` where it cannot be mended by trying again, or where the attempts are spent.
   */
  delayAfter(error: unknown, bytes: number): number {
    if (!(error instanceof FtpError) || !error.retryable) throw error
    if (bytes - this.#best >= this.#progressBytes) this.#failures = 0
    this.#best = Math.max(this.#best, bytes)
    this.#failures += 1
    if (this.#failures >= this.#policy.attempts) throw error
    return backoffDelay(this.#policy, this.#failures, this.#random)
  }
}
