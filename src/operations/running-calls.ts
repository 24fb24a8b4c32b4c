/**
 * The calls of a client that have had a session: behind `close()` they still get what they need, since half a removal
 * is worse than none. One that only waits for its first session has not begun.
 */
import { deferred } from '../util/deferred.ts'

export class RunningCalls {
  readonly #running = new Set<Promise<undefined>>()

  get areAny(): boolean {
    return this.#running.size > 0
  }

  /** Runs a call, which tells by `begun` that it has a session; as often as it likes. */
  async run<T>(call: (begun: () => void) => Promise<T>): Promise<T> {
    const ended = deferred<undefined>()
    try {
      return await call(() => this.#running.add(ended.promise))
    } finally {
      this.#running.delete(ended.promise)
      ended.resolve(undefined)
    }
  }

  /** When those have ended that run now, however they end. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }
}
