/** What a session needs to know: where to connect, who logs in, how it is protected, how long to wait. */
import type { PassiveHostRule } from '../protocol/endpoint.ts'
import type { TextCodec } from '../protocol/text-codec.ts'
import type { FtpSecurity } from '../protocol/url.ts'
import type { SecureIdentity } from '../tls/secure-options.ts'
import type { Connect } from '../transport/connect.ts'
import type { Multipath } from '../transport/mptcp/multipath.ts'
import type { FtpProxy } from '../transport/proxy/ftp-proxy.ts'

/** How connections are protected: not at all, after AUTH TLS, or from their first byte. */
export type Security = FtpSecurity

/** Deadlines in milliseconds; `Infinity` switches one off. */
export interface Timeouts {
  /** Host look-up and TCP connection, for control and for data. @default 15_000 */
  readonly connect: number
  /** From the connection to the server's greeting. @default 60_000 */
  readonly greeting: number
  /** Each reply. @default 60_000 */
  readonly reply: number
  /** Each TLS handshake. @default 15_000 */
  readonly tls: number
  /** Silence on a data connection while we are ready to read. @default 60_000 */
  readonly data: number
  /** From the end of the data to the last reply. @default 300_000 */
  readonly completion: number
  /** For the server to read a file and tell its checksum; 1 000 more for each 20 MB. @default 60_000 */
  readonly checksum: number
  /**
   * How long a call waits for a connection while all of them are held by streams that nobody reads or writes and by
   * leases that nobody uses. As long as anything else moves it waits on. @default 5_000
   */
  readonly acquire: number
  /** A session idle for longer is asked before it is used again. @default 30_000 */
  readonly idle: number
}

export const DEFAULT_TIMEOUTS: Timeouts = Object.freeze({
  connect: 15_000,
  greeting: 60_000,
  reply: 60_000,
  tls: 15_000,
  data: 60_000,
  completion: 300_000,
  checksum: 60_000,
  acquire: 5_000,
  idle: 30_000,
})

/** By TCP's probes, which no server hears; by NOOP as well, while nothing is asked; not at all. */
export type KeepAlive = 'tcp' | 'noop' | false

/** How data connections are made. */
export type DataMode =
  | { readonly is: 'passive' }
  | {
      readonly is: 'active'
      /** The address that is told to the server; ours on the control connection where `undefined`. */
      readonly address: string | undefined
      /** The first and the last port to listen on; any where `undefined`. */
      readonly ports: readonly [number, number] | undefined
    }

/** Complete and frozen: nothing below asks whether an option was given. */
export interface SessionOptions {
  readonly host: string
  readonly port: number
  /** `host:port`, for messages. */
  readonly label: string
  readonly user: string
  /** Asked for once per login; `undefined` where the caller gave none. */
  readonly password: () => Promise<string | undefined>
  readonly account: string | undefined
  readonly security: Security
  /** The TLS identity of every connection; `undefined` when `security` is `'none'`. */
  readonly identity: SecureIdentity | undefined
  /** Whether commands go in clear behind the login (CCC). */
  readonly clearCommandChannel: boolean
  readonly family: 0 | 4 | 6
  readonly localAddress: string | undefined
  /** What makes connections, if not we ourselves. */
  readonly connect: Connect | undefined
  /** What opens the sockets of our own connections, if not Node. */
  readonly multipath: Multipath | undefined
  /** The FTP proxy that all connections go to, if any. */
  readonly proxy: FtpProxy | undefined
  readonly timeouts: Timeouts
  readonly dataMode: DataMode
  readonly passiveHost: PassiveHostRule
  /** How connections that are silent for long are kept. */
  readonly keepAlive: KeepAlive
  /** Of names, in commands, replies and listings. */
  readonly codec: TextCodec
  /** The name for HOST (RFC 7151), where there is one. */
  readonly virtualHost: string | undefined
}
