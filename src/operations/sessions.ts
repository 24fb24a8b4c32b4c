/**
 * The sessions of one server: a pool of them, what all of them have learnt of the server, and word to whoever
 * watches.
 *
 * Owns: the pool, the numbers of the connections, and the rule that nobody waits for what only he himself could give
 * back. Must never know: what the sessions are used for.
 */
import { FtpConnectionError, FtpError, FtpTimeoutError } from '../errors.ts'
import type { Lease } from '../pool/lease.ts'
import { OwnFailure } from '../pool/own-failure.ts'
import { Pool } from '../pool/pool.ts'
import type { PoolStats } from '../pool/events.ts'
import type { Command } from '../protocol/command.ts'
import type { Reply } from '../protocol/reply.ts'
import type { SessionOptions } from '../session/options.ts'
import { openSession } from '../session/open-session.ts'
import { unknownServer, type ServerProfile } from '../session/server-profile.ts'
import type { Session } from '../session/session.ts'
import { onAbort, waitOrAbort, type Disposer } from '../util/abort.ts'
import { startIdleTimer } from '../util/timer.ts'
import { Holders, type Holder } from './holders.ts'
import type { SessionPool } from './session-pool.ts'
import type { OnRetry } from './with-session.ts'

/** What happens to sessions. The connections are numbered from 1. None of these may throw. */
export interface SessionWatch {
  connected(connection: number, session: Session): void
  /** Of one that had been connected. */
  disconnected(connection: number, reason: unknown): void
  sent(connection: number, command: Command): void
  received(connection: number, reply: Reply): void
  retried(retry: Parameters<OnRetry>[0]): void
}

export interface SessionsSettings {
  readonly session: SessionOptions
  readonly maxConnections: number
  /** Milliseconds; `Infinity` for never. */
  readonly rotateAfter: number
  /** Makes a new session ready, after its login; the last that it does is to ask whether it is still there. */
  readonly prepare: ((session: Session, signal: AbortSignal) => Promise<void>) | undefined
}

/** How often it is looked whether those who wait can still hope. */
const LOOK_EVERY_MS = 500

export class Sessions implements SessionPool {
  readonly profile: ServerProfile = unknownServer()
  readonly #options: SessionOptions
  readonly #prepare: SessionsSettings['prepare']
  readonly #watch: SessionWatch
  readonly #pool: Pool<Session>
  readonly #holders = new Holders()
  readonly #limitListeners = new Set<(error: unknown) => void>()
  readonly #destroying = new AbortController()
  #lastConnection = 0
  #stopLooking: Disposer | undefined

  constructor(settings: SessionsSettings, watch: SessionWatch) {
    this.#options = settings.session
    this.#prepare = settings.prepare
    this.#watch = watch
    this.#pool = new Pool<Session>({
      max: settings.maxConnections,
      rotateAfterMs: settings.rotateAfter,
      onLimited: (_ceiling, error) => this.#limitListeners.forEach((listener) => listener(error)),
      hooks: {
        open: (signal) => this.#open(signal),
        check: (session) => session.isReady(),
        close: async (session, how, reason) => {
          if (how === 'quit') await session.quit()
          else session.destroy(reason ?? closedError(this.#options.label))
        },
        idle: (session, isIdle) => session.setIdle(isIdle),
      },
    })
  }

  get isProven(): boolean {
    return this.profile.features !== undefined
  }

  get destroyed(): AbortSignal {
    return this.#destroying.signal
  }

  get ceiling(): number {
    return this.#pool.stats().ceiling
  }

  acquire(signal: AbortSignal): Promise<Lease<Session>> {
    // Of a call that runs: it hears why, as it would have if it had held a session.
    if (this.destroyed.aborted) return Promise.reject(this.destroyed.reason as Error)
    const answer = this.#pool.acquire(signal)
    if (this.#pool.stats().waiting > 0) {
      this.#lookAgain()
      const served = (): void => this.#stopUnlessWaiting()
      answer.then(served, served)
    }
    return answer
  }

  isAged(lease: Lease<Session>): boolean {
    return this.#pool.isAged(lease)
  }

  replace(lease: Lease<Session>, signal: AbortSignal): Promise<Lease<Session>> {
    return this.#pool.replace(lease, signal)
  }

  onLimited(listener: (error: unknown) => void): Disposer {
    this.#limitListeners.add(listener)
    return () => this.#limitListeners.delete(listener)
  }

  hold(holder: Holder): Disposer {
    return this.#holders.add(holder)
  }

  stats(): PoolStats {
    return this.#pool.stats()
  }

  readonly onRetry: OnRetry = (retry) => this.#watch.retried(retry)

  setMax(max: number): void {
    this.#pool.setMax(max)
  }

  setRotateAfter(ms: number): void {
    this.#pool.setRotateAfter(ms)
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  destroy(reason: unknown): void {
    this.#destroying.abort(reason ?? closedError(this.#options.label))
    this.#pool.destroy(reason)
  }

  async #open(signal: AbortSignal): Promise<Session> {
    this.#lastConnection += 1
    const connection = this.#lastConnection
    const session = await this.#login(connection, signal)
    await this.#makeReady(session, signal)
    this.#watch.connected(connection, session)
    session.control.onClose((reason) => {
      this.#pool.lost(session)
      this.#watch.disconnected(connection, reason)
    })
    return session
  }

  async #login(connection: number, signal: AbortSignal): Promise<Session> {
    try {
      return await openSession(this.#options, this.profile, signal, {
        sent: (sent) => this.#watch.sent(connection, sent),
        received: (reply) => this.#watch.received(connection, reply),
      })
    } catch (error) {
      // Such as a password that the caller's function does not get.
      throw error instanceof FtpError ? error : new OwnFailure(error)
    }
  }

  async #makeReady(session: Session, signal: AbortSignal): Promise<void> {
    if (this.#prepare === undefined) return
    const stopListening = onAbort(signal, (reason) => session.destroy(reason))
    try {
      await waitOrAbort(this.#prepare(session, signal), signal)
      session.settleHere()
    } catch (error) {
      session.destroy(error)
      // It is no limit of the server.
      throw new OwnFailure(error)
    } finally {
      stopListening()
    }
  }

  #lookAgain(): void {
    if (this.#stopLooking !== undefined || this.#pool.stats().waiting === 0) return
    this.#stopLooking = startIdleTimer(LOOK_EVERY_MS, () => {
      this.#stopLooking = undefined
      this.#turnAwayTheHopeless()
      this.#lookAgain()
    })
  }

  #stopUnlessWaiting(): void {
    if (this.#pool.stats().waiting > 0) return
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }

  #turnAwayTheHopeless(): void {
    const { acquire: afterMs } = this.#options.timeouts
    const { open, leased, opening, closing } = this.#pool.stats()
    const idle = this.#holders.idleFor(afterMs)
    const isAllHeld = open > 0 && open === leased && opening + closing === 0
    if (!isAllHeld || idle.length < leased) return
    const { label: host } = this.#options
    const names = idle.map(({ what }) => what).join(', ')
    const message =
      `Every connection to ${host} is held by what waits for its own caller: ${names}. ` +
      'Read, end or release it before the next call, or raise "maxConnections"'
    this.#pool.turnAway(
      () => new FtpTimeoutError(message, { phase: 'acquire', afterMs, host, retryable: false }),
    )
  }
}

export function closedError(label: string): FtpConnectionError {
  return new FtpConnectionError('ERR_FTP_CLOSED', `The client for ${label} was closed`, { host: label })
}
