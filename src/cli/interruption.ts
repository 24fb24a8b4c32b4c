/**
 * Ctrl-C and its kin, and output that nobody takes any more: the first one cancels what runs, which then ends in order; a
 * second Ctrl-C ends it at once.
 */
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { EXIT } from './exit.ts'
import { Interrupted } from './failures.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export class Interruption {
  #controller = new AbortController()
  #isForGood = false
  readonly #stop: readonly (() => void)[]

  /** @param stdout by whose errors it ends, too */
  constructor(stdout: Writable) {
    const onError = (error: Error): void => this.#end(outputFailure(error))
    stdout.on('error', onError)
    const stopSignals = SIGNALS.map((name) => {
      const exitCode = 128 + constants.signals[name]
      const onSignal = (): void => {
        if (this.signal.aborted) process.exit(exitCode)
        const isCtrlC = name === 'SIGINT'
        const reason = new Interrupted(isCtrlC ? 'Cancelled' : `Ended by ${name}`, exitCode)
        if (isCtrlC) this.#controller.abort(reason)
        else this.#end(reason)
      }
      process.on(name, onSignal)
      return () => void process.off(name, onSignal)
    })
    this.#stop = [...stopSignals, () => void stdout.off('error', onError)]
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** For what comes next behind a Ctrl-C: the others mean the whole. */
  renew(): void {
    if (this.signal.aborted && !this.#isForGood) this.#controller = new AbortController()
  }

  #end(reason: Error): void {
    this.#isForGood = true
    this.#controller.abort(reason)
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stop) stop()
  }
}

/** Whoever reads has had enough, as in `octoftp ls … | head`: nothing to tell. The rest is told by main.ts. */
function outputFailure(error: NodeJS.ErrnoException): Interrupted {
  return new Interrupted('', error.code === 'EPIPE' ? 128 + constants.signals.SIGPIPE : EXIT.other)
}
