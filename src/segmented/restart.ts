/** Signs that bytes are not those that were asked for: nothing that they touch is kept without a further look. */
import { FtpReplyError } from '../errors.ts'

/**
 * The server does not begin where REST tells it to, though it says 350: the counts may be right and the file
 * wrong. What several connections have fetched from it is given up, and one begins at 0.
 */
export class RestartDistrusted extends Error {
  static {
    this.prototype.name = 'RestartDistrusted'
  }
}

/** Two connections have brought the same bytes differently: a restart gone wrong, or two mirrors at odds. */
export class SeamDisagreement extends RestartDistrusted {
  /** Where the bytes begin. */
  readonly offset: number
  /** Those that came first, from {@link SeamDisagreement.first}. */
  readonly bytes: Uint8Array
  readonly first: object | undefined
  /** Who brought the others; where that is not said, it is whoever brought what is on disk there. */
  readonly second: object | undefined

  constructor(offset: number, bytes: Uint8Array, first: object | undefined, second?: object) {
    super(`the bytes from ${offset} on differ between two connections`)
    this.offset = offset
    this.bytes = bytes
    this.first = first
    this.second = second
  }
}

/** The bytes that an earlier run had left are not those that the server sends now: nothing of them is kept. */
export class ResumeDistrusted extends Error {
  static {
    this.prototype.name = 'ResumeDistrusted'
  }

  constructor(offset: number) {
    super(`the bytes before ${offset} are not those that an earlier run had left`)
  }
}

/** RFC 1123 §4.1.2.12: what a server may say to RETR when it does not like the REST before it. */
const INVALID_RESTART = 554

/** REST was refused, or taken and not followed: several connections are of no use, one from 0 is. */
export function isRestartTrouble(error: unknown): boolean {
  if (error instanceof RestartDistrusted) return true
  if (!(error instanceof FtpReplyError)) return false
  return error.command?.startsWith('REST') === true || error.reply.code === INVALID_RESTART
}
