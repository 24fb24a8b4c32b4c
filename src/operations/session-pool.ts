/** What this folder needs of the pool: sessions, one at a time, and word of the server's limit. */
import { FtpConnectionError, FtpReplyError, FtpTimeoutError, FtpTlsError } from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import type { Holder } from './holders.ts'

export interface SessionPool {
  acquire(signal: AbortSignal): Promise<Lease<Session>>
  /** Whether a session is due to be given up for a new one. */
  isAged(lease: Lease<Session>): boolean
  /** A new session to go on with; the old one is closed when it is released. */
  replace(lease: Lease<Session>, signal: AbortSignal): Promise<Lease<Session>>
  /** Whether a session has ever been logged in: the server's name and port are right. */
  readonly isProven: boolean
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
  // RFC 959 §4.2.2: with 421 the server is closing the control connection.
  if (failure instanceof FtpReplyError) return failure.reply.code === 421
  return (
    failure instanceof FtpConnectionError ||
    failure instanceof FtpTimeoutError ||
    failure instanceof FtpTlsError
  )
}
