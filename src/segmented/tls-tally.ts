/** How the data connections of one transfer were protected. */
export interface TransferTls {
  /** The protocol of the data connections, such as `TLSv1.3`. */
  readonly protocol: string
  /** Data connections whose handshake was done, also those that failed and were made again. */
  readonly dataSessions: number
  /** Those that resumed the session of their control connection. */
  readonly dataSessionsReused: number
}

export class TlsTally {
  #protocol: string | undefined
  #sessions = 0
  #reused = 0

  add(tls: { readonly protocol: string; readonly resumed: boolean }): void {
    this.#protocol = tls.protocol
    this.#sessions += 1
    if (tls.resumed) this.#reused += 1
  }

  /** `undefined` where nothing was protected. */
  result(): TransferTls | undefined {
    if (this.#protocol === undefined) return undefined
    return { protocol: this.#protocol, dataSessions: this.#sessions, dataSessionsReused: this.#reused }
  }
}
