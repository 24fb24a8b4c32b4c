/**
 * Lists directories for a walk on sessions that are held, one behind the other. More have to be asked for at once than
 * there are sessions: each session then knows what comes next.
 */
import type { Entry } from '../listing/entry.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import type { RetryPolicy } from '../operations/retry.ts'
import type { SessionPool } from '../operations/session-pool.ts'
import { Lanes } from './lanes.ts'
import type { RemoteTree } from './remote-tree.ts'
import { SessionBudget } from './session-budget.ts'

export interface TreeListerOptions {
  readonly tree: RemoteTree
  readonly pool: SessionPool
  readonly retry: RetryPolicy
  readonly connections: number
  readonly onRetry: (retry: { attempt: number; delayMs: number; error: unknown }) => void
  /** Lists one by itself. */
  readonly list: (path: string, signal: AbortSignal) => AsyncIterable<Entry>
}

export class TreeLister {
  readonly #options: TreeListerOptions
  readonly #lanes: Lanes
  readonly #asked = new Set<Deferred<AsyncIterable<Entry> | Entry[]>>()
  readonly #over = new AbortController()
  #isSettled = false

  constructor(options: TreeListerOptions) {
    this.#options = options
    const { pool, retry, connections, onRetry } = options
    const { signal } = this.#over
    const lanes = {
      ...{ sessions: new SessionBudget(pool, connections), retry, signal, onRetry },
      onLeave: () => Promise.resolve(),
      onProgress: () => {},
      onFailure: (error: unknown) => this.#fail(error),
    }
    this.#lanes = new Lanes(lanes, connections)
  }

  /** The entries of a directory, all of them; or, where it has to be listed by itself, as they come. */
  async list(path: string): Promise<AsyncIterable<Entry> | Entry[]> {
    const { tree, list } = this.#options
    this.#over.signal.throwIfAborted()
    const answer = deferred<AsyncIterable<Entry> | Entry[]>()
    this.#asked.add(answer)
    this.#lanes.add(
      {
        ride: async ({ train, session }) => {
          // How the server lists is found out by the first, which is listed by itself.
          if (!this.#isSettled && session.profile.listing !== undefined) {
            await tree.settle(session)
            this.#isSettled = true
          }
          if (!this.#isSettled || !tree.canRide(session, path)) return undefined
          const listed = await tree.list(train, session, path)
          if (listed === undefined) return undefined
          return { rest: listed().then((entries) => answer.resolve(entries)) }
        },
        alone: () => {
          answer.resolve(list(path, this.#over.signal))
          return Promise.resolve()
        },
      },
      false,
    )
    try {
      return await answer.promise
    } finally {
      this.#asked.delete(answer)
    }
  }

  /** Ends all that is under way, which rejects with `reason`. Resolves when the sessions are given back. */
  async end(reason: unknown): Promise<void> {
    this.#over.abort(reason)
    this.#fail(reason)
    this.#lanes.isClosed = true
    await this.#lanes.idle()
  }

  #fail(error: unknown): void {
    for (const answer of this.#asked) answer.reject(error)
  }
}
