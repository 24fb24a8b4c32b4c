/**
 * Who holds a session and waits for his own caller: a stream that nobody reads, a lease that nobody uses. If all
 * sessions are held like that, whoever waits for one would wait for ever.
 */
import type { Disposer } from '../util/abort.ts'

export interface Holder {
  /** For people: `a stream of "/a.iso"`. */
  readonly what: string
  /** Since when it is the caller's turn, by `performance.now()`; `undefined` while it is the server's. */
  readonly idleSince: number | undefined
}

export class Holders {
  readonly #holders = new Set<Holder>()

  /** @returns a function that takes it back, when the session is given back */
  add(holder: Holder): Disposer {
    this.#holders.add(holder)
    return () => this.#holders.delete(holder)
  }

  /** Those who have waited for their callers for `ms` milliseconds. */
  idleFor(ms: number): readonly Holder[] {
    const since = performance.now() - ms
    return [...this.#holders].filter(({ idleSince }) => idleSince !== undefined && idleSince <= since)
  }
}
