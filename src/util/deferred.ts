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
  let settle!: { resolve: (value: T) => void; reject: (reason: unknown) => void }
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  let settled = false
  return {
    promise,
    resolve(value) {
      settled = true
      settle.resolve(value)
    },
    reject(reason) {
      settled = true
      settle.reject(reason)
    },
    get settled() {
      return settled
    },
  }
}
