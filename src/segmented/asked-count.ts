/** As many connections as were asked for last: a number, or what the controller finds best. */
import type { AskedConnections } from '../transfer/asked-connections.ts'
import {
  ConnectionController,
  FIRST_CONNECTIONS,
  type ConnectionCount,
  type ConnectionView,
} from './controller.ts'

export interface AskedCountOptions {
  /** Never more than this. @default what can be asked for */
  readonly most?: number
  /** With so many `'auto'` begins. @default 4 */
  readonly first?: number
}

export class AskedCount implements ConnectionCount {
  readonly #asked: AskedConnections
  readonly #most: number
  #followed: number | 'auto'
  #count: ConnectionController | number

  constructor(
    asked: AskedConnections,
    { most = asked.most, first = FIRST_CONNECTIONS }: AskedCountOptions = {},
  ) {
    this.#asked = asked
    this.#most = most
    this.#followed = asked.count
    this.#count = this.#countFrom(first)
  }

  get wanted(): number {
    return typeof this.#count === 'number' ? this.#count : this.#count.wanted
  }

  look(view: ConnectionView): number {
    this.#follow()
    return typeof this.#count === 'number' ? this.#count : this.#count.look(view)
  }

  limit(count: number): void {
    // Of a number that was asked for, those that the server does not let in are wanting.
    if (typeof this.#count !== 'number') this.#count.limit(count)
  }

  interrupted(): void {
    if (typeof this.#count !== 'number') this.#count.interrupted()
  }

  #follow(): void {
    const { count } = this.#asked
    if (count === this.#followed) return
    this.#followed = count
    this.#count = this.#countFrom(this.wanted)
  }

  /** @param first with so many `'auto'` begins */
  #countFrom(first: number): ConnectionController | number {
    if (this.#followed === 'auto') return new ConnectionController(this.#most, first)
    return Math.min(this.#followed, this.#most)
  }
}
