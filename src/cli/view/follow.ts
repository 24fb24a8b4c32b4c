/** Shows a transfer for as long as it runs: by bars, by events for programs, or by nothing but what goes wrong. */
import type { Transfer, TransferEvents } from '../../index.ts'
import { reasonOf } from '../explain.ts'
import type { Output } from '../output.ts'
import { Bars } from './bars.ts'

const EVENTS = Object.keys({
  ...{
    state: true,
    progress: true,
    segment: true,
    connection: true,
    source: true,
    restart: true,
    retry: true,
  },
  ...{ entry: true, verify: true },
} satisfies Readonly<Record<keyof TransferEvents, true>>) as readonly (keyof TransferEvents)[]

/** All transfers of one command, which share the foot of the terminal. */
export class TransferView {
  readonly #output: Output
  #bars: Bars | undefined

  constructor(output: Output) {
    this.#output = output
    if (!output.hasBars) return
    this.#bars = new Bars(output.stderr)
    output.setFooter(this.#bars)
  }

  /** Follows a transfer to its end. It rejects as the transfer does. */
  async follow<Result>(name: string, transfer: Transfer<Result>): Promise<Result> {
    const output = this.#output
    if (output.options.json) tellAll(output, name, transfer)
    else tellTroubles(output, name, transfer)
    const takeAway = this.#bars?.follow(name, transfer)
    try {
      return await transfer
    } finally {
      takeAway?.()
    }
  }

  [Symbol.dispose](): void {
    this.#output.setFooter(undefined)
    this.#bars?.stop()
  }
}

function tellAll(output: Output, name: string, transfer: Transfer<unknown>): void {
  for (const event of EVENTS) {
    transfer.on(event, (facts: object) => output.event(event, { name, ...facts }))
  }
}

/** What somebody who waits may want to know. */
function tellTroubles(output: Output, name: string, transfer: Transfer<unknown>): void {
  transfer.on('source', ({ url, reason, error }) =>
    output.say(`${url} is not used any more (${reason}): ${reasonOf(error)}`, 'yellow'),
  )
  transfer.on('restart', ({ reason }) => output.say(`${name}: begins anew: ${reason}`, 'yellow'))
  transfer.on('retry', ({ attempt, delayMs, error }) => {
    const seconds = (delayMs / 1_000).toFixed(1)
    output.say(`${name}: ${reasonOf(error)}; attempt ${attempt + 1} in ${seconds} s`, 'yellow')
  })
}
