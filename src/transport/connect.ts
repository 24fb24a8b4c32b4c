/**
 * Connections that the caller's function makes, in place of TCP to the server: by way of a proxy, over another transport,
 * in a test. What it gives is the connection itself: control and data, in clear or under TLS, run on it.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { FtpConnectionError, FtpError, FtpTimeoutError } from '../errors.ts'
import { onAbort } from '../util/abort.ts'
import { startTimer } from '../util/timer.ts'
import { hostAndPort } from './address.ts'
import type { DialTarget } from './dial.ts'

/** What a {@link Connect} function is to connect to. */
export interface ConnectTarget {
  /** The server's name, as it was given, or its address; of data what option `passiveHost` makes of it. */
  readonly host: string
  /** Where to connect. */
  readonly port: number
  /** What the connection is for. */
  readonly purpose: 'control' | 'data'
  /** The option of that name: 4 or 6 for that IP family only, 0 for both. */
  readonly family: 0 | 4 | 6
  /** The option of that name. */
  readonly localAddress: string | undefined
  /** Aborts when the connection is no longer wanted, before it was given: the call has ended, or its time is up. */
  readonly signal: AbortSignal
}

/**
 * Gives a connection to the target; a `net.Socket` may still be connecting. One that is no TCP socket is destroyed
 * where a TCP connection is reset, which costs some servers the control connection as well.
 */
export type Connect = (target: ConnectTarget) => Duplex | Promise<Duplex>

/** What a connection runs on: a TCP socket, or a Duplex that may lack what only sockets have. */
export type Carrier = Duplex &
  Partial<Pick<Socket, 'setKeepAlive' | 'setNoDelay' | 'ref' | 'unref' | 'localAddress' | 'remoteAddress'>>

export interface ConnectRequest extends DialTarget {
  readonly purpose: ConnectTarget['purpose']
}

/**
 * Connects by the caller's function. Rejects with an `FtpError` of its own, `ERR_FTP_CONNECT` with what else it threw
 * as `cause`, `ERR_FTP_TIMEOUT`, a `TypeError` where it gives no Duplex, or the signal's reason. What it gives too late
 * is destroyed.
 */
export function connectBy(connect: Connect, request: ConnectRequest): Promise<Carrier> {
  const { host, port, purpose, family, localAddress } = request
  return new Promise((resolve, reject) => {
    const wanted = new AbortController()
    const stops: (() => void)[] = []
    const settle = (answer: () => void): void => {
      for (const stop of stops.splice(0)) stop()
      answer()
    }
    const giveUp = (reason: unknown): void => {
      settle(() => reject(reason))
      wanted.abort(reason)
    }
    stops.push(startTimer(request.timeoutMs, () => giveUp(timedOut(request))))
    stops.push(onAbort(request.signal, giveUp))
    if (wanted.signal.aborted) return settle(() => {})
    const target = { host, port, purpose, family, localAddress, signal: wanted.signal }
    made(connect, target).then(
      (carrier) => {
        if (wanted.signal.aborted) discard(carrier)
        else settle(() => resolve(carrier))
      },
      (error: unknown) => settle(() => reject(error)),
    )
  })
}

async function made(connect: Connect, target: ConnectTarget): Promise<Carrier> {
  const given: unknown = await Promise.resolve(target)
    .then(connect)
    .catch((cause: unknown) => {
      throw connectError(cause, target)
    })
  if (!isDuplex(given)) throw new TypeError('The function in option "connect" must give a Duplex')
  try {
    await connected(given, target.signal)
  } catch (cause) {
    throw connectError(cause, target)
  }
  return given
}

function isDuplex(value: unknown): value is Carrier {
  const { write, read, destroy } = (value ?? {}) as Partial<Carrier>
  return [write, read, destroy].every((method) => typeof method === 'function')
}

/** A socket may be given before it is connected; one that is closed already will never tell. */
function connected(carrier: Carrier & { readonly connecting?: boolean }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (carrier.destroyed) {
      discard(carrier)
      return reject(carrier.errored ?? new Error('the connection was closed at once'))
    }
    if (carrier.connecting !== true) return resolve()
    const stopListening = onAbort(signal, () => carrier.destroy())
    const finish = (answer: () => void): void => {
      stopListening()
      carrier.off('connect', onConnect)
      carrier.off('close', onClose)
      answer()
      // A failed one tells its error first and its close later.
      if (!carrier.destroyed) carrier.off('error', onError)
    }
    const onConnect = (): void => finish(resolve)
    const onError = (error: Error): void => finish(() => reject(error))
    const onClose = (): void => finish(() => reject(new Error('the connection was closed')))
    carrier.once('connect', onConnect)
    carrier.once('error', onError)
    carrier.once('close', onClose)
  })
}

/** What it still has to say nobody hears. */
function discard(carrier: Carrier): void {
  carrier.on('error', () => {})
  carrier.destroy()
}

function connectError(cause: unknown, target: ConnectTarget): FtpError {
  if (cause instanceof FtpError) return cause
  const host = hostAndPort(target)
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `Cannot connect to ${host} by option "connect": ${why}`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, { cause, host })
}

function timedOut(request: ConnectRequest): FtpTimeoutError {
  const host = hostAndPort(request)
  const message = `Option "connect" gave no connection to ${host} within ${request.timeoutMs} ms`
  return new FtpTimeoutError(message, { phase: 'connect', afterMs: request.timeoutMs, host })
}
