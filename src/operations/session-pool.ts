/** What this folder needs of the pool: sessions, one at a time, and word of the server's limit. */
import {
  FtpConnectionError,
  FtpProtocolError,
  FtpReplyError,
  FtpTimeoutError,
  FtpTlsError,
} from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import { NO_SESSION, type Session } from '../session/session.ts'
import type { Holder } from './holders.ts'

export interface SessionPool {
  acquire(signal: AbortSignal): Promise<Lease<Session>>
  /** Whether a session is due to be given up for a new one. */
  isAged(lease: Lease<Session>): boolean
  /** A new session to go on with; the old one is closed when it is released. */
  replace(lease: Lease<Session>, signal: AbortSignal): Promise<Lease<Session>>
  /** Whether a session has ever been logged in: the server's name and port are right. */
  readonly isProven: boolean
  /** Aborts when all of them are cut, with the reason. */
  readonly destroyed?: AbortSignal | undefined
  /** Makes known who holds a session while waiting for his own caller; the returned function takes it back. */
  hold(holder: Holder): () => void
  /** How many sessions there can be, as far as is known: the client's cap, or less where the server takes no more. */
  readonly ceiling: number
  /** Calls `listener` when the server lets no more connections in; the returned function takes it back. */
  onLimited(listener: (error: unknown) => void): () => void
}

/**
 * Ends a lease as its failure wants it. A session whose connections broke or fell silent is given up, so that the
 * next attempt has another one; after a refusal, an abort or a local failure it can go on.
 */
export function endLease(lease: Lease<Session>, failure: unknown): void {
  if (lease.value.control.isOpen && !isBroken(failure)) lease.release()
  else lease.discard(failure)
}

function isBroken(failure: unknown): boolean {
  // What is no refusal, and yet not what was asked for, may be the reply to something else, and all behind it, too.
  // By a 226 vsftpd says as well that a directory cannot be read.
  if (failure instanceof FtpReplyError) {
    const { code, reply } = failure
    return NO_SESSION.has(reply.code) || (reply.code < 400 && code !== 'ERR_FTP_NOT_PERMITTED')
  }
  if (failure instanceof FtpProtocolError) return failure.code === 'ERR_FTP_MALFORMED_REPLY'
  return (
    failure instanceof FtpConnectionError ||
    failure instanceof FtpTimeoutError ||
    failure instanceof FtpTlsError
  )
}
