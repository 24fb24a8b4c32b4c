/** A promise together with the means to settle it: for an answer that another call will bring. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  /** Fulfils the promise. Without effect once it is settled. */
  readonly resolve: (value: T) => void
  /** Rejects the promise. Without effect once it is settled. */
  readonly reject: (reason: unknown) => void
  /** `true` as soon as `resolve` or `reject` has been called. */
  readonly settled: boolean
}

/** Makes a {@link Deferred}. `Promise.withResolvers` exists only from Node 22 on. */
export function deferred<T>(): Deferred<T> {
  return new Settler<T>()
}

/** A class, as an object with a getter takes ten times as long to make, and every transfer needs a dozen. */
class Settler<T> implements Deferred<T> {
  settled = false
  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void
  readonly promise = new Promise<T>((resolve, reject) => {
    this.#resolve = resolve
    this.#reject = reject
  })

  readonly resolve = (value: T): void => {
    this.settled = true
    this.#resolve(value)
  }

  readonly reject = (reason: unknown): void => {
    this.settled = true
    this.#reject(reason)
  }
}
