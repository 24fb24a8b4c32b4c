/**
 * The error family. Every failure that is not the caller's bad argument (a `TypeError` or
 * `RangeError`) or the caller's abort (`signal.reason`, untouched) is an {@link FtpError}.
 *
 * Owns: classes, codes, and which fields each carries. Knows no protocol and no I/O.
 * No message, field or `cause` put into these may hold a password: commands arrive here redacted.
 */

/** A reply as the server sent it: its three-digit code and its lines, secrets removed (RFC 959 §4.2). */
export interface ReplyFacts {
  /** Three digits, the first of them 1 to 5. */
  readonly code: number
  /** Without line ends; the first and the last without the code. */
  readonly lines: readonly string[]
}

/** One attempt to connect: the address tried and what became of it. */
export interface ConnectAttempt {
  /** An IP address. */
  readonly address: string
  /** The port that was tried. */
  readonly port: number
  /** Why it failed, as Node tells it. */
  readonly error: unknown
}

/** The codes of a {@link FtpReplyError}. */
export type FtpReplyErrorCode =
  | 'ERR_FTP_REPLY'
  | 'ERR_FTP_LOGIN'
  | 'ERR_FTP_NOT_FOUND'
  | 'ERR_FTP_NOT_PERMITTED'
  | 'ERR_FTP_IS_DIRECTORY'
  | 'ERR_FTP_EXISTS'
  | 'ERR_FTP_UNSUPPORTED'
  | 'ERR_FTP_TOO_MANY_CONNECTIONS'

/** The codes of a {@link FtpConnectionError}. */
export type FtpConnectionErrorCode =
  'ERR_FTP_CONNECT' | 'ERR_FTP_CONTROL_CLOSED' | 'ERR_FTP_DATA' | 'ERR_FTP_CLOSED'

/** The codes of a {@link FtpTimeoutError}. */
export type FtpTimeoutErrorCode = 'ERR_FTP_TIMEOUT'

/** The codes of a {@link FtpTlsError}. */
export type FtpTlsErrorCode =
  'ERR_FTP_TLS_REFUSED' | 'ERR_FTP_TLS_HANDSHAKE' | 'ERR_FTP_TLS_INJECTED' | 'ERR_FTP_TLS_NOT_RESUMED'

/** The codes of a {@link FtpProtocolError}. */
export type FtpProtocolErrorCode =
  'ERR_FTP_MALFORMED_REPLY' | 'ERR_FTP_REPLY_TOO_LONG' | 'ERR_FTP_UNSAFE_HOST' | 'ERR_FTP_LISTING_TOO_LARGE'

/** The codes of a {@link FtpTransferError}. */
export type FtpTransferErrorCode =
  | 'ERR_FTP_TRUNCATED'
  | 'ERR_FTP_SIZE_MISMATCH'
  | 'ERR_FTP_SOURCE_CHANGED'
  | 'ERR_FTP_CHECKSUM_MISMATCH'
  | 'ERR_FTP_RESUME_REFUSED'
  | 'ERR_FTP_UNSAFE_PATH'
  | 'ERR_FTP_LOCAL_FILE'
  // What a listing shows to be there, with no reply that says so.
  | 'ERR_FTP_EXISTS'
  | 'ERR_FTP_DELETE_REFUSED'

/** All codes. What each means, and what to do, is in docs/errors.md. */
export type FtpErrorCode =
  | FtpReplyErrorCode
  | FtpConnectionErrorCode
  | FtpTimeoutErrorCode
  | FtpTlsErrorCode
  | FtpProtocolErrorCode
  | FtpTransferErrorCode

/** What every {@link FtpError} may be given beside its code and message. */
export interface FtpErrorDetails {
  /** The error behind it. */
  readonly cause?: unknown
  /** Whether the same call may succeed later without anything being changed. Default `false`. */
  readonly retryable?: boolean
  /** `host:port` of the server concerned. */
  readonly host?: string | undefined
  /** The command that failed, with secrets removed: `PASS ****`. */
  readonly command?: string | undefined
}

/** The base of all errors that octoftp makes. Branch on {@link FtpError.code}; it is stable, the message is not. */
export class FtpError extends Error {
  static {
    this.prototype.name = 'FtpError'
  }
  /** What to branch on: stable. */
  readonly code: FtpErrorCode
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean
  /** `host:port` of the server concerned; `undefined` where there is none. */
  readonly host: string | undefined
  /** The command that failed, with secrets removed: `PASS ****`. */
  readonly command: string | undefined

  constructor(code: FtpErrorCode, message: string, details: FtpErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? false
    this.host = details.host
    this.command = details.command
  }
}

/** The server answered, and the answer was no (RFC 959 §4.2: 4yz or 5yz). */
export class FtpReplyError extends FtpError {
  static {
    this.prototype.name = 'FtpReplyError'
  }
  /** What to branch on: stable. */
  declare readonly code: FtpReplyErrorCode
  /** The reply as it came, secrets removed. */
  readonly reply: ReplyFacts
  /** `true` for a 4yz reply: the server says that the same command may succeed later. */
  readonly transient: boolean

  constructor(
    code: FtpReplyErrorCode,
    message: string,
    details: FtpErrorDetails & { readonly reply: ReplyFacts },
  ) {
    const transient = details.reply.code >= 400 && details.reply.code < 500
    super(code, message, { retryable: transient, ...details })
    this.reply = details.reply
    this.transient = transient
  }
}

/** A connection could not be made, or was lost. */
export class FtpConnectionError extends FtpError {
  static {
    this.prototype.name = 'FtpConnectionError'
  }
  /** What to branch on: stable. */
  declare readonly code: FtpConnectionErrorCode
  /** `address:port` of the peer, where one was reached or tried. */
  readonly address: string | undefined
  /** Every address tried, in order. Empty where the connection had stood already. */
  readonly attempts: readonly ConnectAttempt[]

  constructor(
    code: FtpConnectionErrorCode,
    message: string,
    details: FtpErrorDetails & {
      readonly address?: string | undefined
      readonly attempts?: readonly ConnectAttempt[]
    } = {},
  ) {
    super(code, message, { retryable: code !== 'ERR_FTP_CLOSED', ...details })
    this.address = details.address
    this.attempts = details.attempts ?? []
  }
}

/** What was being waited for when the time was up. `'acquire'`: a connection that this program itself held. */
export type TimeoutPhase =
  'connect' | 'greeting' | 'reply' | 'tls' | 'data-connect' | 'data' | 'completion' | 'checksum' | 'acquire'

/** The other side was silent for longer than a deadline allows; or, of phase `'acquire'`, we ourselves were. */
export class FtpTimeoutError extends FtpError {
  static {
    this.prototype.name = 'FtpTimeoutError'
  }
  /** Always the same; `phase` tells more. */
  declare readonly code: FtpTimeoutErrorCode
  /** What was being waited for. */
  readonly phase: TimeoutPhase
  /** How long, in milliseconds. */
  readonly afterMs: number

  constructor(
    message: string,
    details: FtpErrorDetails & { readonly phase: TimeoutPhase; readonly afterMs: number },
  ) {
    super('ERR_FTP_TIMEOUT', message, { retryable: true, ...details })
    this.phase = details.phase
    this.afterMs = details.afterMs
  }
}

/** TLS was refused, failed, or is not what it claims to be. Nothing was sent in clear. */
export class FtpTlsError extends FtpError {
  static {
    this.prototype.name = 'FtpTlsError'
  }
  /** What to branch on: stable. */
  declare readonly code: FtpTlsErrorCode

  // A constructor of its own narrows `code`, here and in the classes below.
  constructor(code: FtpTlsErrorCode, message: string, details: FtpErrorDetails = {}) {
    super(code, message, details)
  }
}

/** The server broke the protocol, or asked for something unsafe. */
export class FtpProtocolError extends FtpError {
  static {
    this.prototype.name = 'FtpProtocolError'
  }
  /** What to branch on: stable. */
  declare readonly code: FtpProtocolErrorCode
  /** The beginning of what was received, secrets removed. */
  readonly received: string | undefined

  constructor(
    code: FtpProtocolErrorCode,
    message: string,
    details: FtpErrorDetails & { readonly received?: string | undefined } = {},
  ) {
    super(code, message, details)
    this.received = details.received
  }
}

/** A transfer did not give the right file, or could not be written or read locally. */
export class FtpTransferError extends FtpError {
  static {
    this.prototype.name = 'FtpTransferError'
  }
  /** What to branch on: stable. */
  declare readonly code: FtpTransferErrorCode
  /** The remote path, or for `ERR_FTP_LOCAL_FILE` the local one. */
  readonly path: string | undefined
  /** The byte offset concerned. */
  readonly offset: number | undefined
  /** What should have been there: a size, a checksum, a time, a number of entries. */
  readonly expected: string | number | undefined
  /** What was there. */
  readonly actual: string | number | undefined

  constructor(
    code: FtpTransferErrorCode,
    message: string,
    details: FtpErrorDetails & {
      readonly path?: string | undefined
      readonly offset?: number | undefined
      readonly expected?: string | number | undefined
      readonly actual?: string | number | undefined
    } = {},
  ) {
    super(code, message, details)
    this.path = details.path
    this.offset = details.offset
    this.expected = details.expected
    this.actual = details.actual
  }
}
