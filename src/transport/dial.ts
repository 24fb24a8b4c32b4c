/**
 * A TCP connection to a host by name or address: every address that the name resolves to is tried,
 * staggered and overlapping (RFC 8305), and the first that answers wins.
 *
 * Node's own `autoSelectFamily` gives each address 250 ms and then drops it, so a distant server whose
 * first address is dead or slow is missed; here an attempt goes on while the next one starts.
 */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import { FtpConnectionError, FtpTimeoutError, type ConnectAttempt } from '../errors.ts'
import { onAbort } from '../util/abort.ts'
import { startTimer } from '../util/timer.ts'
import { hostAndPort } from './address.ts'

/** RFC 8305 §5: the pause before the next address is tried beside the ones under way. */
const ATTEMPT_DELAY_MS = 250

export interface DialTarget {
  readonly host: string
  readonly port: number
  /** 4 or 6 to use only that family; 0 for both. */
  readonly family: 0 | 4 | 6
  readonly localAddress: string | undefined
  /** For all of it: look-up and every attempt. Milliseconds. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** Makes a socket that connects to an address, as `net.connect` does. */
export type BeginConnecting = (options: TcpNetConnectOpts) => Socket

interface Address {
  readonly address: string
  readonly family: number
}

/**
 * Connects. Rejects with `ERR_FTP_CONNECT` (host not found, or each attempt and why it failed),
 * `ERR_FTP_TIMEOUT`, or the signal's reason.
 */
export function dial(target: DialTarget, begin: BeginConnecting = connect): Promise<Socket> {
  const { signal } = target
  return new Promise<Socket>((resolve, reject) => {
    const race = new AttemptRace(target, begin)
    const stops: (() => void)[] = [() => race.stop()]
    // The first answer counts: whatever comes later finds the promise settled and the race stopped.
    const settle = (answer: () => void): void => {
      for (const stop of stops.splice(0)) stop()
      answer()
    }
    stops.push(startTimer(target.timeoutMs, () => settle(() => reject(timedOut(target, race.failures)))))
    stops.push(onAbort(signal, (reason) => settle(() => reject(reason))))
    resolveAddresses(target)
      .then(
        (addresses) =>
          race.run(
            addresses,
            (socket) => settle(() => resolve(socket)),
            () => settle(() => reject(allFailed(target, race.failures))),
          ),
        (cause: unknown) => settle(() => reject(notFound(target, cause))),
      )
      .catch((error: unknown) => settle(() => reject(error)))
  })
}

async function resolveAddresses(target: DialTarget): Promise<readonly Address[]> {
  const literal = isIP(target.host)
  if (literal !== 0) return [{ address: target.host, family: literal }]
  // A local address can only reach its own family; connecting without it could show another address than meant.
  const family = target.family === 0 ? isIP(target.localAddress ?? '') : target.family
  const found = await lookup(target.host, { all: true, family, verbatim: true })
  return alternateFamilies(found.filter((item) => family === 0 || item.family === family))
}

/** RFC 8305 §4: the resolver's order, but families in turn, so that one broken family costs one delay. */
function alternateFamilies(addresses: readonly Address[]): readonly Address[] {
  const first = addresses.filter((item) => item.family === addresses[0]?.family)
  const second = addresses.filter((item) => item.family !== addresses[0]?.family)
  const alternated: Address[] = []
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    alternated.push(...first.slice(index, index + 1), ...second.slice(index, index + 1))
  }
  return alternated
}

/** The attempts under way to one target's addresses. */
class AttemptRace {
  readonly failures: ConnectAttempt[] = []
  readonly #target: DialTarget
  readonly #begin: BeginConnecting
  readonly #sockets = new Set<Socket>()
  #waiting: Address[] = []
  #cancelNext: () => void = () => {}
  #isStopped = false

  constructor(target: DialTarget, begin: BeginConnecting) {
    this.#target = target
    this.#begin = begin
  }

  run(addresses: readonly Address[], won: (socket: Socket) => void, lost: () => void): void {
    if (this.#isStopped) return
    this.#waiting = [...addresses]
    const startNext = (): void => {
      this.#cancelNext()
      const next = this.#waiting.shift()
      if (next === undefined) {
        if (this.#sockets.size === 0) lost()
        return
      }
      this.#attempt(next, won, startNext)
      if (this.#waiting.length > 0) this.#cancelNext = startTimer(ATTEMPT_DELAY_MS, startNext)
    }
    startNext()
  }

  /** Drops every attempt that has not won. */
  stop(): void {
    this.#isStopped = true
    this.#cancelNext()
    this.#waiting = []
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  #attempt(to: Address, won: (socket: Socket) => void, failed: () => void): void {
    const { port, localAddress } = this.#target
    const socket = this.#begin({
      host: to.address,
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
    })
    this.#sockets.add(socket)
    const onError = (error: Error): void => {
      this.#sockets.delete(socket)
      this.failures.push({ address: to.address, port, error })
      failed()
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      this.#sockets.delete(socket)
      socket.off('error', onError)
      won(socket)
    })
  }
}

function notFound(target: DialTarget, cause: unknown): FtpConnectionError {
  const code = (cause as NodeJS.ErrnoException).code
  // EAI_AGAIN: the resolver itself did not answer, so asking again may help; ENOTFOUND is final.
  const retryable = code === 'EAI_AGAIN'
  const message = retryable
    ? `Host "${target.host}" could not be looked up: the name server did not answer`
    : `Host "${target.host}" was not found: check the name`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, { cause, host: hostAndPort(target), retryable })
}

function describeFailure({ address, error }: ConnectAttempt): string {
  const { code, message } = error as NodeJS.ErrnoException
  return `${address}: ${code === 'ECONNREFUSED' ? 'connection refused' : message}`
}

function allFailed(target: DialTarget, attempts: readonly ConnectAttempt[]): FtpConnectionError {
  const message = `Cannot connect to ${hostAndPort(target)} (${attempts.map(describeFailure).join('; ')})`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, {
    cause: attempts.at(-1)?.error,
    host: hostAndPort(target),
    attempts,
  })
}

function timedOut(target: DialTarget, attempts: readonly ConnectAttempt[]): FtpTimeoutError {
  const tried = attempts.length > 0 ? ` (${attempts.map(describeFailure).join('; ')})` : ''
  return new FtpTimeoutError(
    `${hostAndPort(target)} did not accept a connection within ${target.timeoutMs} ms${tried}`,
    {
      phase: 'connect',
      afterMs: target.timeoutMs,
      host: hostAndPort(target),
    },
  )
}
