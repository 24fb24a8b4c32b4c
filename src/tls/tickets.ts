/**
 * The TLS sessions that may resume on the data connections of one control connection. Pure.
 *
 * Servers give two tickets at login under TLS 1.3 and a fresh one on most resumed data connections; vsftpd
 * and ProFTPD refuse a data connection whose session they do not know, and tie sessions to their control
 * connection, so a store is never shared between control connections. A ticket is used once.
 *
 * Order of preference, newest first in each class:
 *   fresh     never used, from a connection that stands or ended in order
 *   doubtful  never used, from a data connection that was cut: a server with a session cache forgets
 *             the session of a connection that ends without close_notify
 *   used      the last resort, and the usual case of TLS 1.2, where one session serves any number of times
 */
const KEPT_PER_CLASS = 16

interface Ticket {
  readonly session: Uint8Array
  readonly origin: number
}

/** The origin of a ticket that came by the control connection. */
export const CONTROL_ORIGIN = 0

export class Tickets {
  #fresh: Ticket[] = []
  #doubtful: Ticket[] = []
  #used: Ticket | undefined
  #lastOrigin = CONTROL_ORIGIN
  #lastOffered: 'unused' | 'used' | 'nothing' = 'nothing'

  /** A name for a new data connection, so that its tickets can be told apart. */
  nextOrigin(): number {
    this.#lastOrigin += 1
    return this.#lastOrigin
  }

  add(session: Uint8Array, origin: number): void {
    this.#fresh = [...this.#fresh.slice(1 - KEPT_PER_CLASS), { session, origin }]
  }

  /** The session to offer next, or `undefined` where none has ever come. */
  take(): Uint8Array | undefined {
    const ticket = this.#fresh.pop() ?? this.#doubtful.pop()
    if (ticket !== undefined) this.#used = ticket
    this.#lastOffered = ticket !== undefined ? 'unused' : this.#used === undefined ? 'nothing' : 'used'
    return this.#used?.session
  }

  /** What the last {@link take} gave: a session never used before, one that was, or none. */
  get lastOffered(): 'unused' | 'used' | 'nothing' {
    return this.#lastOffered
  }

  /** The data connection `origin` was cut: what it brought goes behind everything else. */
  doubt(origin: number): void {
    const doubted = this.#fresh.filter((ticket) => ticket.origin === origin)
    this.#fresh = this.#fresh.filter((ticket) => ticket.origin !== origin)
    this.#doubtful = [...this.#doubtful, ...doubted].slice(-KEPT_PER_CLASS)
  }

  /** How many tickets were never used. */
  get unused(): number {
    return this.#fresh.length + this.#doubtful.length
  }
}
