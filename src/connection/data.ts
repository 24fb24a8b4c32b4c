/**
 * A data connection (RFC 959 §3.2), over a socket of one of the kinds in `data-socket.ts`. It receives, or sends.
 *
 * Owns the data socket, the stall watchdog, and how the connection ended. Knows no reply: what an end means
 * is decided where the last reply is known too.
 *
 *   waiting ─► connecting ─► securing ─► flowing ⇄ paused ─► ended   orderly end of file; of what we send: the
 *      │           │            │           │         │              other side's, behind ours
 *      │           ├────────────┴───────────┴─────────┴────► lost    refused, reset, silent, TLS failed
 *      │           │            (both by way of draining where the receiver still holds what came)
 *      └───────────┴──────────────────────────────────────► cut      we reset it, on purpose
 */
import { FtpConnectionError, FtpError, FtpTimeoutError } from '../errors.ts'
import { closedInHandshake, handshakeError } from '../tls/handshake.ts'
import { Watchdog } from '../util/watchdog.ts'
import { deferred } from '../util/deferred.ts'
import type { DataReceiver } from './receiver.ts'

export type DataEnd =
  { readonly is: 'ended' } | { readonly is: 'cut' } | { readonly is: 'lost'; readonly error: unknown }

/** A socket seen from here: it delivers to the receiver by itself and tells how it went. */
export interface DataSocket {
  /** The TLS facts, once the handshake is done. */
  readonly tls: { readonly protocol: string; readonly resumed: boolean } | undefined
  pause(): void
  resume(): void
  /** Sends bytes; `done` is told when the system has taken them, or why it has not. */
  write(bytes: Uint8Array, done: (error?: Error | null) => void): void
  /** Sends the end of file. What the other side sends is still read. */
  end(): void
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
  /** Told of every one in the end. */
  closed(): void
}

/** Makes the socket and begins to connect. */
export type OpenDataSocket = (receiver: DataReceiver, events: DataSocketEvents) => DataSocket

export interface DataOptions {
  /** `host:port` of the data connection's other end, for errors. */
  readonly label: string
  readonly connectMs: number
  /** For the TLS handshake, once connected; `undefined` in clear. */
  readonly tlsMs: number | undefined
  /** Silence, while we are ready to read or have something to send, after which it counts as dead. Milliseconds. */
  readonly stallMs: number
  /** For one that sends: how long the other side may be busy with what it got before it closes. @default stallMs */
  readonly closeMs?: number
  /** Whether it sends; what comes back all the same is thrown away. */
  readonly isSending: boolean
}

export class DataConnection {
  /** Resolves once connected (TCP, before any TLS); rejects if that fails. */
  readonly connected: Promise<void>
  /** Resolves once bytes can flow, the TLS handshake included; rejects if that fails. */
  readonly ready: Promise<void>
  /** Resolves when it is over, however it ended; never rejects. */
  readonly end: Promise<DataEnd>
  readonly #options: DataOptions
  readonly #open: OpenDataSocket
  readonly #receiver: DataReceiver
  #socket: DataSocket | undefined
  readonly #connectDog: Watchdog
  readonly #tlsDog: Watchdog
  readonly #stallDog: Watchdog
  readonly #closeDog: Watchdog
  #state: 'waiting' | 'connecting' | 'securing' | 'flowing' | 'paused' | 'draining' | 'over' = 'waiting'
  #bytes = 0
  /** Writes that the system has not taken yet. */
  #writes = 0
  /** Whether our end of file was sent. */
  #isFinished = false
  readonly #connected = deferred<undefined>()
  readonly #ready = deferred<undefined>()
  #settleEnd!: (end: DataEnd) => void

  constructor(open: OpenDataSocket, receiver: DataReceiver, options: DataOptions) {
    this.#open = open
    this.#options = options
    this.#receiver = receiver
    this.connected = this.#connected.promise
    this.ready = this.#ready.promise
    // Whoever does not wait for them learns the same from `end`.
    for (const promise of [this.connected, this.ready]) promise.catch(() => {})
    this.end = new Promise((resolve) => {
      this.#settleEnd = resolve
    })
    this.#connectDog = new Watchdog(options.connectMs, () => this.#lose(this.#unreachable()))
    this.#tlsDog = new Watchdog(options.tlsMs ?? Infinity, () => this.#lose(this.#unsecured()))
    this.#stallDog = new Watchdog(options.stallMs, () => this.#lose(this.#stalled()))
    this.#closeDog = new Watchdog(this.#closeMs, () => this.#lose(this.#unclosed()))
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
      closed: () => this.#onClosed(),
    }
  }

  /** Bytes received so far, or taken by the system to be sent. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bytes that came from the server. */
  get received(): number {
    return this.#options.isSending ? 0 : this.#bytes
  }

  get tls(): DataSocket['tls'] {
    return this.#socket?.tls
  }

  /** Sends bytes. Resolves when the system has taken them; rejects if the connection is over before. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket
      if (this.#state !== 'flowing' || socket === undefined) return reject(new Error('it is not open'))
      if (this.#writes === 0) this.#stallDog.start()
      this.#writes += 1
      socket.write(bytes, (error) => {
        this.#writes -= 1
        if (error) return reject(error)
        this.#bytes += bytes.length
        this.#stallDog.touch()
        // A slow source is not the server's silence.
        if (this.#writes === 0) this.#stallDog.stop()
        resolve()
      })
    })
  }

  /** Sends the end of file. It is over when the other side has closed as well. */
  finish(): void {
    if (this.#state !== 'flowing') return
    this.#isFinished = true
    this.#closeDog.start()
    this.#socket?.end()
  }

  /** Of one that receives: says at once that nothing will be sent. What comes, and its end, is received as ever. */
  endFirst(): void {
    if (this.#state === 'flowing' && !this.#options.isSending) this.#socket?.end()
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
      this.#flow()
      this.#ready.resolve(undefined)
    } else {
      this.#state = 'securing'
      this.#tlsDog.start()
    }
    this.#connected.resolve(undefined)
  }

  #onSecured(): void {
    if (this.#state !== 'securing') return
    this.#tlsDog.stop()
    this.#flow()
    // Our last word of the handshake may be unsent yet (Node 26): who cut the connection now would have the server's
    // end of it fail, whereupon vsftpd and Pure-FTPd close the control connection.
    setImmediate(() => this.#ready.resolve(undefined))
  }

  #flow(): void {
    this.#state = 'flowing'
    if (!this.#options.isSending) this.#stallDog.start()
  }

  #onEnded(): void {
    // An end before the handshake is not the end of a file: it was not the server who said it.
    if (this.#state === 'securing') this.#lose(handshakeError(closedInHandshake(), this.#options.label))
    else if (this.#options.isSending && !this.#isFinished) this.#lose(this.#dataError(closedTooSoon()))
    else this.#finishDrained({ is: 'ended' })
  }

  /** Every connection comes to this in the end: it is of interest where nothing else has been told before. */
  #onClosed(): void {
    if (this.#state !== 'over' && this.#state !== 'draining')
      this.#lose(this.#dataError(new Error('it was closed')))
  }

  #onReceived(bytes: number): boolean {
    if (this.#state === 'over') return false
    if (this.#options.isSending) return true
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
    this.#state = 'flowing'
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
    this.#closeDog.stop()
  }

  #finish(end: DataEnd): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#stopDogs()
    if (!this.#ready.settled) {
      const reason = end.is === 'lost' ? end.error : new Error('the data connection was given up')
      this.#connected.reject(reason)
      this.#ready.reject(reason)
    }
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

  get #closeMs(): number {
    return this.#options.closeMs ?? this.#options.stallMs
  }

  #unclosed(): Error {
    const { label } = this.#options
    const message = `${label} did not close the data connection within ${this.#closeMs} ms behind the last byte`
    return new FtpTimeoutError(message, { phase: 'completion', afterMs: this.#closeMs, host: label })
  }

  #stalled(): Error {
    const { label, stallMs } = this.#options
    const message = this.#options.isSending
      ? `${label} took no data for ${stallMs} ms`
      : `No data came from ${label} for ${stallMs} ms`
    return new FtpTimeoutError(message, { phase: 'data', afterMs: stallMs, host: label })
  }
}

function closedTooSoon(): Error {
  return new Error('the other side closed it before everything was sent')
}
