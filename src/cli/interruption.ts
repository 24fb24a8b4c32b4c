/** Ctrl-C and its kin: the first one cancels what runs, which then ends in order; a second one ends it at once. */
import { constants } from 'node:os'
import { Interrupted } from './failures.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export class Interruption {
  #controller = new AbortController()
  readonly #stop: readonly (() => void)[]

  constructor() {
    this.#stop = SIGNALS.map((name) => {
      const exitCode = 128 + constants.signals[name]
      const onSignal = (): void => {
        if (this.signal.aborted) process.exit(exitCode)
        this.#controller.abort(new Interrupted(name, exitCode))
      }
      process.on(name, onSignal)
      return () => process.off(name, onSignal)
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** For what comes next. */
  renew(): void {
    if (this.signal.aborted) this.#controller = new AbortController()
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stop) stop()
  }
}
