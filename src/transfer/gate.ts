/** Whether a transfer may work: closed by pause, opened by resume. Its work is told, and says when it has come to rest. */
import type { Disposer } from '../util/abort.ts'
import { deferred, type Deferred } from '../util/deferred.ts'

export class Gate {
  readonly #listeners = new Set<() => void>()
  #rest: Deferred<undefined> | undefined

  get isClosed(): boolean {
    return this.#rest !== undefined
  }

  /** Resolves when the work has come to rest, or is over. */
  close(): Promise<undefined> {
    if (this.#rest === undefined) {
      this.#rest = deferred<undefined>()
      this.#tell()
    }
    return this.#rest.promise
  }

  open(): void {
    if (this.#rest === undefined) return
    this.#rest.resolve(undefined)
    this.#rest = undefined
    this.#tell()
  }

  /** The work has come to rest. */
  rested(): void {
    this.#rest?.resolve(undefined)
  }

  /** Calls `listener` whenever it is closed or opened; the returned function takes it back. */
  onChange(listener: () => void): Disposer {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
