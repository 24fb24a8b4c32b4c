/** What this folder needs of the pool: sessions, one at a time, and word of the server's limit. */
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'

export interface SessionPool {
  acquire(signal: AbortSignal): Promise<Lease<Session>>
  /** Whether a session has ever been logged in: the server's name and port are right. */
  readonly isProven: boolean
  /** Calls `listener` when the server lets no more connections in; the returned function takes it back. */
  onLimited(listener: (error: unknown) => void): () => void
}

/** Ends a lease as the failure wants it: what refused cleanly can go on, what broke cannot. */
export function endLease(lease: Lease<Session>, isClean: boolean, reason: unknown): void {
  if (isClean && lease.value.control.isOpen) lease.release()
  else lease.discard(reason)
}
