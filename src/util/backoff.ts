/** How long to wait before an attempt is repeated: exponential, bounded, with jitter. Pure. */
export interface Backoff {
  /** Milliseconds before the second attempt. */
  readonly minDelay: number
  /** No delay is longer, in milliseconds. */
  readonly maxDelay: number
  /** Each delay is this many times the one before. */
  readonly factor: number
  /** The share of a delay that is random, from 0 (none) to 1 (all of it). */
  readonly jitter: number
}

/** The delay in milliseconds after failure number `failures` (from 1); `random` gives numbers in [0, 1). */
export function backoffDelay(backoff: Backoff, failures: number, random: () => number): number {
  // Bounded, since no delay times infinitely often is not a number.
  const growth = Math.min(Number.MAX_VALUE, backoff.factor ** (failures - 1))
  const full = Math.min(backoff.maxDelay, backoff.minDelay * growth)
  return full * (1 - backoff.jitter * random())
}
