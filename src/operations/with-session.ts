/** A question to a server, with the patience of a retry policy. */
import { FtpConnectionError, FtpTimeoutError } from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import { onAbort } from '../util/abort.ts'
import { delay } from '../util/timer.ts'
import type { Holder } from './holders.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { endLease } from './session-pool.ts'

/** Where sessions of one server come from. */
export interface SessionSource {
  acquire(signal: AbortSignal): Promise<Lease<Session>>
  /** Whether one has ever been logged in: the server's name and port are right. */
  readonly isProven: boolean
  /** Makes known who holds a session while waiting for his own caller; the returned function takes it back. */
  readonly hold?: (holder: Holder) => () => void
  /** Aborts when all of them are cut, with the reason: nothing is waited for any more. */
  readonly destroyed?: AbortSignal | undefined
  /** Told of what is tried again, unless a question has somebody of its own for that. */
  readonly onRetry?: OnRetry
}

export type OnRetry = (retry: { attempt: number; delayMs: number; error: unknown }) => void

export interface Question {
  readonly signal: AbortSignal
  readonly retry: RetryPolicy
  /** Whether the question may be put a second time when its answer was lost. @default true */
  readonly isRepeatable?: boolean
  readonly onRetry?: OnRetry
}

/**
 * Runs `ask` on a session of `sessions`, and gives the session with the answer. Rejects with the first failure that
 * cannot be mended by trying again, or with the last one of as many as the policy has.
 */
export async function withSession<T>(
  sessions: SessionSource,
  { signal, retry, isRepeatable = true, onRetry = sessions.onRetry }: Question,
  ask: (session: Session) => Promise<T>,
): Promise<{ readonly lease: Lease<Session>; readonly value: T }> {
  const budget = new RetryBudget(retry, undefined, Math.random)
  for (;;) {
    let lease: Lease<Session> | undefined
    try {
      lease = await sessions.acquire(signal)
      const session = lease.value
      return { lease, value: await session.abortable(signal, () => ask(session)) }
    } catch (error) {
      if (lease !== undefined) endLease(lease, error)
      signal.throwIfAborted()
      if (lease !== undefined && !isRepeatable) throw error
      // Where nothing has ever answered, the address is more likely wrong than the server down.
      if (!sessions.isProven && isUnreachable(error)) throw error
      const delayMs = budget.delayAfter(error, 0)
      onRetry?.({ attempt: budget.failures, delayMs, error })
      await waitToRetry(sessions, delayMs, signal)
    }
  }
}

/** Waits before another attempt. Rejects with the reason of `signal`, or with that by which the sessions are cut. */
export async function waitToRetry(
  { destroyed }: Pick<SessionSource, 'destroyed'>,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  const waiting = new AbortController()
  const stops = [signal, destroyed].map((one) => onAbort(one, (reason) => waiting.abort(reason)))
  try {
    await delay(delayMs, waiting.signal)
  } finally {
    for (const stop of stops) stop()
  }
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof FtpTimeoutError) return error.phase === 'connect'
  return error instanceof FtpConnectionError && error.attempts.length > 0
}
