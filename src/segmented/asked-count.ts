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
  #followed: number | 'auto' | undefined
  #controller: ConnectionController | undefined
  #wanted: number

  constructor(
    asked: AskedConnections,
    { most = asked.most, first = FIRST_CONNECTIONS }: AskedCountOptions = {},
  ) {
    this.#asked = asked
    this.#most = most
    this.#wanted = Math.min(first, most)
    this.#follow()
  }

  get wanted(): number {
    return this.#wanted
  }

  look(view: ConnectionView): number {
    this.#follow()
    if (this.#controller !== undefined) this.#wanted = this.#controller.look(view)
    return this.#wanted
  }

  limit(count: number): void {
    // Of a number that was asked for, those that the server does not let in are wanting.
    this.#controller?.limit(count)
  }

  interrupted(): void {
    this.#controller?.interrupted()
  }

  #follow(): void {
    const { count } = this.#asked
    if (count === this.#followed) return
    this.#followed = count
    this.#controller = count === 'auto' ? new ConnectionController(this.#most, this.#wanted) : undefined
    this.#wanted = count === 'auto' ? this.#wanted : Math.min(count, this.#most)
  }
}
