/** Real transfers whose work is done when a test says so. */
import { Transfer, type TransferContext } from '../../src/transfer/transfer.ts'
import { onAbort } from '../../src/util/abort.ts'
import { deferred } from '../../src/util/deferred.ts'

export class DeferredTransfer<Result = string> {
  readonly transfer: Transfer<Result>
  readonly #outcome = deferred<Result>()
  /** Whether a pause is not answered before {@link rest}, as where bytes are still to be written. */
  readonly #isSlow: boolean
  #context: TransferContext | undefined

  constructor({ isSlow = false } = {}) {
    this.#isSlow = isSlow
    this.transfer = new Transfer<Result>((context) => this.#work(context), {
      signal: undefined,
      on: {},
      bytesPerSecond: Infinity,
    })
  }

  finish(result: Result): void {
    this.#outcome.resolve(result)
  }

  fail(error: unknown): void {
    this.#outcome.reject(error)
  }

  /** Comes to rest, if it is to. */
  rest(): void {
    if (this.#context?.gate.isClosed !== true) return
    this.#context.enter('paused')
    this.#context.gate.rested()
  }

  async #work(context: TransferContext): Promise<Result> {
    this.#context = context
    context.enter('transferring')
    const changed = (): void => {
      if (!this.#isSlow) this.rest()
    }
    const stops = [
      context.gate.onChange(changed),
      onAbort(context.signal, (reason) => this.#outcome.reject(reason)),
    ]
    changed()
    try {
      return await this.#outcome.promise
    } finally {
      for (const stop of stops) stop()
    }
  }
}
