/** A question to a source, with the patience of its retry policy. */
import { FtpConnectionError, FtpTimeoutError } from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { delay } from '../util/timer.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { endLease } from './session-pool.ts'
import type { Source } from './source.ts'

/**
 * Runs `ask` on a session of `source`, and gives the session with the answer. Rejects with the first failure that
 * cannot be mended by trying again, or with the last one of as many as the policy has.
 */
export async function withSession<T>(
  source: Source,
  { signal, emit }: Pick<TransferContext, 'signal' | 'emit'>,
  ask: (session: Session) => Promise<T>,
  policy: RetryPolicy = source.place.retry,
): Promise<{ readonly lease: Lease<Session>; readonly value: T }> {
  const budget = new RetryBudget(policy, undefined, Math.random)
  for (;;) {
    let lease: Lease<Session> | undefined
    try {
      lease = await source.acquire(signal)
      const session = lease.value
      return { lease, value: await session.abortable(signal, () => ask(session)) }
    } catch (error) {
      if (lease !== undefined) endLease(lease, error)
      signal.throwIfAborted()
      // Where nothing has ever answered, the address is more likely wrong than the server down.
      if (!source.place.pool.isProven && isUnreachable(error)) throw error
      const delayMs = budget.delayAfter(error, 0)
      emit('retry', { attempt: budget.failures, delayMs, error })
      await delay(delayMs, signal)
    }
  }
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof FtpTimeoutError) return error.phase === 'connect'
  return error instanceof FtpConnectionError && error.attempts.length > 0
}
