/** What a client tells of its connections and transfers: one readonly object per event. Secrets are in none. */
import type { Transfer } from '../transfer/transfer.ts'
import type { TransferState } from '../transfer/events.ts'

/** Which connection an event is of: they are numbered from 1 in the order in which they are opened. */
interface OfConnection {
  readonly connection: number
  /** `host:port` of the server. */
  readonly host: string
}

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
  readonly disconnect: OfConnection & { readonly reason: unknown }
  /** A command goes out: `RETR a.iso`, `PASS ****`. */
  readonly command: OfConnection & { readonly command: string }
  /** A reply has come, the secrets that the server echoes removed. */
  readonly reply: OfConnection & { readonly code: number; readonly lines: readonly string[] }
  /** A download or upload has come to another state; the first is `'queued'`. One from mirrors is told on each of their clients. */
  readonly transfer: {
    readonly type: 'download' | 'upload'
    /** The remote path, for people. */
    readonly path: string
    readonly state: TransferState
    readonly transfer: Transfer<unknown>
  }
  /** What failed is tried again after `delayMs`: a call, or a part of a transfer; not a stream or a listing. */
  readonly retry: { readonly attempt: number; readonly delayMs: number; readonly error: unknown }
}
