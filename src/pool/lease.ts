/** What the holder of a {@link Lease} did with it in the end. */
export type LeaseEnd = { readonly type: 'release' } | { readonly type: 'discard'; readonly reason: unknown }

/**
 * One resource of a pool, borrowed. Give it back by {@link Lease.release}, or by leaving the scope of
 * an `await using` or `using`; whatever comes first counts, and only that.
 */
export class Lease<T> implements AsyncDisposable, Disposable {
  /** The resource itself; not to be touched after `release` or `discard`. */
  readonly value: T
  #end: ((how: LeaseEnd) => void) | undefined

  /** @param end - called once, with what became of the lease */
  constructor(value: T, end: (how: LeaseEnd) => void) {
    this.value = value
    this.#end = end
  }

  /** Gives the resource back for others to use. Idempotent. */
  release(): void {
    this.#finish({ type: 'release' })
  }

  /**
   * Gives the resource up: it is cut, and never handed out again. Without effect after `release`.
   *
   * @param reason - handed to the hook that closes it
   */
  discard(reason?: unknown): void {
    this.#finish({ type: 'discard', reason })
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }

  #finish(how: LeaseEnd): void {
    const end = this.#end
    this.#end = undefined
    end?.(how)
  }
}
