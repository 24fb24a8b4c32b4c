/**
 * The session of the last segment, kept for the questions at the end: a file that is whole should not wait for
 * them behind everybody else who waits for a session.
 */
import { FtpConnectionError } from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'

export class KeptLease {
  #lease: Lease<Session> | undefined

  keep(lease: Lease<Session>): void {
    this.release()
    this.#lease = lease
  }

  /** The lease, if its session can be used again; it is the caller's from here on. */
  async take(): Promise<Lease<Session> | undefined> {
    const lease = this.#lease
    this.#lease = undefined
    if (lease === undefined || (await lease.value.isReady())) return lease
    lease.discard(
      new FtpConnectionError('ERR_FTP_CONTROL_CLOSED', 'The session did not come back from its transfer'),
    )
    return undefined
  }

  /** Gives it back, if nobody has taken it. */
  release(): void {
    this.#lease?.release()
    this.#lease = undefined
  }
}
