/**
 * A data connection that receives (RFC 959 §3.2), over a socket of one of the kinds in `data-socket.ts`.
 *
 * Owns the data socket, the stall watchdog, and how the connection ended. Knows no reply: what an end means
 * is decided where the last reply is known too.
 *
 *   waiting ─► connecting ─► securing ─► receiving ⇄ paused ─► ended   orderly end of file
 *      │           ├────────────┴─────────────┴─────────┴────► lost    refused, reset, silent, TLS failed
 *      │           │            (both by way of draining where the receiver still holds what came)
 *      └───────────┴────────────────────────────────────────► cut     we reset it, on purpose
 */
import { FtpConnectionError, FtpError, FtpTimeoutError } from '../errors.ts'
import { closedInHandshake, handshakeError } from '../tls/handshake.ts'
import { Watchdog } from '../util/watchdog.ts'
import type { DataReceiver } from './receiver.ts'

export type DataEnd =
  { readonly is: 'ended' } | { readonly is: 'cut' } | { readonly is: 'lost'; readonly error: unknown }

/** A socket seen from here: it delivers to the receiver by itself and tells how it went. */
export interface DataSocket {
  /** The TLS facts, once the handshake is done. */
  readonly tls: { readonly protocol: string; readonly resumed: boolean } | undefined
  pause(): void
  resume(): void
  /** Resets the connection, so that the server notices at once and nothing more arrives. */
  reset(): void
}

/** What a {@link DataSocket} tells its owner. */
export interface DataSocketEvents {
  connected(): void
  /** The TLS handshake is done. */
  secured(): void
  /** Bytes were put into the receiver's space. Returns whether to go on reading. */
  received(bytes: number): boolean
  ended(): void
  failed(error: Error): void
}

/** Makes the socket and begins to connect. */
export type OpenDataSocket = (receiver: DataReceiver, events: DataSocketEvents) => DataSocket

export interface DataOptions {
  /** `host:port` of the data connection's other end, for errors. */
  readonly label: string
  readonly connectMs: number
  /** For the TLS handshake, once connected; `undefined` in clear. */
  readonly tlsMs: number | undefined
  /** Silence, while we are ready to read, after which the connection counts as dead. Milliseconds. */
  readonly stallMs: number
}

export class DataConnection {
  /** Resolves once connected (TCP, before any TLS); rejects if that fails. */
  readonly connected: Promise<void>
  /** Resolves when it is over, however it ended; never rejects. */
  readonly end: Promise<DataEnd>
  readonly #options: DataOptions
  readonly #open: OpenDataSocket
  readonly #receiver: DataReceiver
  #socket: DataSocket | undefined
  readonly #connectDog: Watchdog
  readonly #tlsDog: Watchdog
  readonly #stallDog: Watchdog
  #state: 'waiting' | 'connecting' | 'securing' | 'receiving' | 'paused' | 'draining' | 'over' = 'waiting'
  #bytes = 0
  #settleConnected!: { resolve: () => void; reject: (error: unknown) => void }
  #settleEnd!: (end: DataEnd) => void

  constructor(open: OpenDataSocket, receiver: DataReceiver, options: DataOptions) {
    this.#open = open
    this.#options = options
    this.#receiver = receiver
    this.connected = new Promise((resolve, reject) => {
      this.#settleConnected = { resolve, reject }
    })
    this.connected.catch(() => {}) // Whoever does not wait for it learns the same from `end`.
    this.end = new Promise((resolve) => {
      this.#settleEnd = resolve
    })
    this.#connectDog = new Watchdog(options.connectMs, () => this.#lose(this.#unreachable()))
    this.#tlsDog = new Watchdog(options.tlsMs ?? Infinity, () => this.#lose(this.#unsecured()))
    this.#stallDog = new Watchdog(options.stallMs, () => this.#lose(this.#stalled()))
    receiver.onResume((verdict) => (verdict === 'stop' ? this.cut() : this.#resume()))
  }

  /** Begins to connect. Idempotent. */
  start(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'connecting'
    this.#connectDog.start()
    try {
      this.#socket = this.#open(this.#receiver, this.#events())
    } catch (error) {
      this.#lose(this.#dataError(error as Error))
    }
  }

  #events(): DataSocketEvents {
    return {
      connected: () => this.#onConnected(),
      secured: () => this.#onSecured(),
      received: (bytes) => this.#onReceived(bytes),
      ended: () => this.#onEnded(),
      failed: (error) => this.#lose(this.#dataError(error)),
    }
  }

  /** Bytes received so far. */
  get bytes(): number {
    return this.#bytes
  }

  get tls(): DataSocket['tls'] {
    return this.#socket?.tls
  }

  /** Resets the connection on purpose. Nothing is delivered afterwards. */
  cut(): void {
    if (this.#state === 'over') return
    this.#finish({ is: 'cut' })
    this.#socket?.reset()
  }

  #onConnected(): void {
    if (this.#state !== 'connecting') return
    this.#connectDog.stop()
    if (this.#options.tlsMs === undefined) {
      this.#state = 'receiving'
      this.#stallDog.start()
    } else {
      this.#state = 'securing'
      this.#tlsDog.start()
    }
    this.#settleConnected.resolve()
  }

  #onSecured(): void {
    if (this.#state !== 'securing') return
    this.#state = 'receiving'
    this.#tlsDog.stop()
    this.#stallDog.start()
  }

  #onEnded(): void {
    // An end before the handshake is not the end of a file: it was not the server who said it.
    if (this.#state === 'securing') this.#lose(handshakeError(closedInHandshake(), this.#options.label))
    else this.#finishDrained({ is: 'ended' })
  }

  #onReceived(bytes: number): boolean {
    if (this.#state === 'over') return false
    this.#bytes += bytes
    this.#stallDog.touch()
    switch (this.#receiver.received(bytes)) {
      case 'more':
        return true
      case 'pause':
        this.#state = 'paused'
        this.#stallDog.stop()
        this.#socket?.pause()
        return false
      case 'stop':
        this.cut()
        return false
    }
  }

  #resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'receiving'
    this.#stallDog.start()
    this.#socket?.resume()
  }

  #lose(error: Error): void {
    if (this.#state === 'over' || this.#state === 'draining') return
    this.#finishDrained({ is: 'lost', error })
    this.#socket?.reset()
  }

  /** What has come is handed on before the end of it is told. */
  #finishDrained(end: DataEnd): void {
    if (this.#state === 'over' || this.#state === 'draining') return
    if (this.#receiver.drained === undefined) return this.#finish(end)
    this.#state = 'draining'
    this.#stopDogs()
    void this.#receiver.drained().then(() => this.#finish(end))
  }

  #stopDogs(): void {
    this.#connectDog.stop()
    this.#tlsDog.stop()
    this.#stallDog.stop()
  }

  #finish(end: DataEnd): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#stopDogs()
    this.#settleConnected.reject(
      end.is === 'lost' ? end.error : new Error('the data connection was given up'),
    )
    this.#settleEnd(end)
  }

  #dataError(cause: Error): Error {
    if (cause instanceof FtpError) return cause
    const { label } = this.#options
    const what = this.#state === 'connecting' ? 'could not be made' : 'was lost'
    return new FtpConnectionError(
      'ERR_FTP_DATA',
      `The data connection to ${label} ${what}: ${cause.message}`,
      {
        cause,
        address: label,
        host: label,
      },
    )
  }

  #unreachable(): Error {
    const { label, connectMs } = this.#options
    const message = `The data connection to ${label} was not accepted within ${connectMs} ms: a firewall may be in the way`
    return new FtpTimeoutError(message, { phase: 'data-connect', afterMs: connectMs, host: label })
  }

  #unsecured(): Error {
    const { label, tlsMs = Infinity } = this.#options
    const message = `The data connection to ${label} did not finish the TLS handshake within ${tlsMs} ms`
    return new FtpTimeoutError(message, { phase: 'tls', afterMs: tlsMs, host: label })
  }

  #stalled(): Error {
    const { label, stallMs } = this.#options
    const message = `No data came from ${label} for ${stallMs} ms`
    return new FtpTimeoutError(message, { phase: 'data', afterMs: stallMs, host: label })
  }
}
