/** How many connections a transfer is to have, which its caller may change while it runs. */
import { inspect } from 'node:util'

export class AskedConnections {
  /** What can be asked for. */
  readonly most: number
  #count: number | 'auto'

  constructor(count: number | 'auto', most: number) {
    this.#count = count
    this.most = most
  }

  get count(): number | 'auto' {
    return this.#count
  }

  /** Throws a `TypeError` or `RangeError`. */
  set(count: number | 'auto'): void {
    if (count !== 'auto') expectCount(count, this.most)
    this.#count = count
  }
}

function expectCount(count: unknown, most: number): void {
  const wanted = `it must be 'auto', or a whole number from 1 to ${most}`
  if (typeof count !== 'number') throw new TypeError(`Connections are ${inspect(count)}; ${wanted}`)
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new RangeError(`Connections are ${inspect(count)}; ${wanted}`)
}
