/** What a client tells of its connections and transfers: one readonly object per event. Secrets are in none. */
import type { Transfer } from '../transfer/transfer.ts'
import type { TransferState } from '../transfer/events.ts'

/** Which connection an event is of: they are numbered from 1 in the order in which they are opened. */
interface OfConnection {
  readonly connection: number
  /** `host:port` of the server. */
  readonly host: string
}

/** The events of a client, by name. */
export interface ClientEvents {
  /** A control connection is made, logged in, and made ready by `prepareSession`. */
  readonly connect: OfConnection & {
    /** The server's address that it goes to. */
    readonly address: string
    /** What the server said to greet, and to the login. */
    readonly welcome: readonly string[]
    /** The version of TLS; `undefined` in clear. */
    readonly tls: string | undefined
  }
  /**
   * It has ended; `reason` is an `ERR_FTP_CLOSED` where the client closed it, and that of the abort or of `destroy()`
   * where that cut it.
   */
  readonly disconnect: OfConnection & {
    /** Why it ended. */
    readonly reason: unknown
  }
  /** A command goes out: `RETR a.iso`, `PASS ****`. */
  readonly command: OfConnection & {
    /** As it went out, secrets removed. */
    readonly command: string
  }
  /** A reply has come, the secrets that the server echoes removed. */
  readonly reply: OfConnection & {
    /** Three digits. */
    readonly code: number
    /** The text of the reply. */
    readonly lines: readonly string[]
  }
  /** A download or upload has come to another state; the first is `'queued'`. One from mirrors is told on each of their clients. */
  readonly transfer: {
    /** In which direction. */
    readonly type: 'download' | 'upload'
    /** The remote path, for people. */
    readonly path: string
    /** The state that it has come to. */
    readonly state: TransferState
    /** The transfer itself. */
    readonly transfer: Transfer<unknown>
  }
  /** What failed is tried again after `delayMs`: a call, or a part of a transfer; not a stream or a listing. */
  readonly retry: {
    /** Counted from 1. */
    readonly attempt: number
    /** The pause before it, in milliseconds. */
    readonly delayMs: number
    /** What went wrong. */
    readonly error: unknown
  }
}
