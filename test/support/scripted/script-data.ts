import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { delivered } from './delivered.ts'
import type { OpenSockets } from './open-sockets.ts'
import type { ServerTls } from './server-tls.ts'
import { isWholeClientHello, ticketIdentity } from './ticket-identity.ts'

/** How the client left: its FIN, its RST, or not at all before the server closed. */
export type Departure = 'end' | 'reset' | 'closed by the server'

export interface DataSettings {
  sockets: OpenSockets
  /** Absent on a data connection in clear. */
  tls: ServerTls | undefined
  host: string
}

/**
 * The server's end of one data connection. Nothing happens by itself but the TCP accept: a TLS handshake
 * begins with `secure()` or the first `write`, as on servers that handshake only after the 150.
 */
export class ScriptedData {
  /** Resolves when the TCP connection stands. */
  readonly accepted: Promise<void>
  /** Resolves when the client has left, or this end has closed; with how. */
  readonly departed: Promise<Departure>
  /** The port listened on; 0 in active mode. */
  port = 0
  bytesSent = 0

  readonly #settings: DataSettings
  readonly #received: Buffer[] = []
  #raw: Socket | undefined
  #stream: Duplex | undefined
  #secured: Promise<TLSSocket> | undefined
  #ticket: string | undefined
  #reused: boolean | undefined
  #accept!: () => void
  #depart!: (how: Departure) => void
  #stopListening: () => void = () => undefined

  constructor(settings: DataSettings) {
    this.#settings = settings
    this.accepted = new Promise((resolve) => (this.#accept = resolve))
    this.departed = new Promise((resolve) => (this.#depart = resolve))
  }

  /** Listens for one connection; a second one is closed at once. */
  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      if (this.#raw === undefined) this.#adopt(socket)
      else socket.destroy()
    })
    this.#stopListening = () => void server.close()
    this.port = await this.#settings.sockets.listen(server, this.#settings.host)
  }

  /** Active mode: connects to where PORT or EPRT said. */
  async connectTo(port: number, host: string): Promise<void> {
    const socket = connect({ port, host, allowHalfOpen: true })
    this.#settings.sockets.hold(socket)
    await once(socket, 'connect')
    this.#adopt(socket)
  }

  /** Closes the port, and the connection that came by it or is still to come: nobody will use it. */
  drop(): void {
    this.#stopListening()
    void this.accepted.then(() => this.#raw?.destroy())
  }

  /** Performs the TLS handshake, where this connection has one. Rejects when the handshake fails. */
  async secure(): Promise<void> {
    await this.accepted
    if (this.#settings.tls === undefined) return
    this.#secured ??= this.#handshake(this.#settings.tls)
    await this.#secured
  }

  /** Whether the TLS session was resumed; `undefined` in clear or before the handshake. */
  isSessionReused(): boolean | undefined {
    return this.#reused
  }

  /** A digest of the ticket that the client offered: the same ticket twice gives the same digest. */
  get ticket(): string | undefined {
    return this.#ticket
  }

  /** False once the client has gone or this end has closed. */
  get open(): boolean {
    return this.#raw !== undefined && !this.#raw.destroyed && this.#stream?.destroyed !== true
  }

  /** Writes, and waits until the socket wants more. False if the connection was lost before that. */
  async write(bytes: Uint8Array | string): Promise<boolean> {
    const stream = await this.#ready()
    if (stream === undefined || stream.destroyed) return false
    const failed = await new Promise((resolve) => stream.write(bytes, resolve))
    if (failed) return false
    this.bytesSent += Buffer.byteLength(bytes)
    return true
  }

  /** Each `size` bytes in a TCP segment (and TLS record) of their own. */
  async writeInPieces(bytes: Uint8Array | string, size: number): Promise<void> {
    const whole = Buffer.from(bytes)
    for (let at = 0; at < whole.length; at += size) {
      await this.write(whole.subarray(at, at + size))
      await turnOfTheLoop()
    }
  }

  /** Takes nothing more of what the client sends: what the system has room for is all that goes out. */
  async stopReading(): Promise<void> {
    const stream = await this.#ready()
    stream?.pause()
  }

  /** Goes on after {@link stopReading}. */
  readOn(): void {
    this.#stream?.resume()
  }

  /** Closes in order: under TLS a close_notify, then the FIN. Resolves when both are out. */
  async end(): Promise<void> {
    const stream = await this.#ready()
    if (stream === undefined || stream.destroyed) return
    await new Promise<void>((resolve) => stream.end(resolve))
  }

  /** A FIN with no close_notify before it, as a TLS connection cut by a middlebox. */
  async endWithoutNotice(): Promise<void> {
    await this.#ready()
    await this.delivered()
    this.#raw?.end()
  }

  /** Waits until the client's kernel has every byte written so far. */
  async delivered(): Promise<void> {
    await this.accepted
    if (this.#raw) await delivered(this.#raw)
  }

  /** RST, behind the last byte written. */
  async reset(): Promise<void> {
    await this.delivered()
    this.#raw?.resetAndDestroy()
  }

  /** Everything the client sends until its FIN: an upload. */
  async readToEnd(): Promise<Buffer> {
    await this.#ready()
    await this.departed
    return Buffer.concat(this.#received)
  }

  #adopt(socket: Socket): void {
    this.#raw = this.#settings.sockets.hold(socket)
    socket.setNoDelay(true)
    this.#stopListening()
    this.#watch(socket)
    if (this.#settings.tls === undefined) this.#readFrom(socket)
    this.#accept()
  }

  // A socket that nobody reads never tells that its peer has left: bytes are taken as they come.
  #readFrom(stream: Duplex): void {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#received.push(chunk))
  }

  #watch(stream: Duplex): void {
    stream.once('end', () => this.#depart('end'))
    stream.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#depart('reset')
    })
    stream.once('close', () => this.#depart('closed by the server'))
  }

  async #ready(): Promise<Duplex | undefined> {
    await this.secure().catch(() => undefined)
    return this.#stream
  }

  async #handshake(tls: ServerTls): Promise<TLSSocket> {
    const raw = this.#raw
    if (raw === undefined) throw new Error('no data connection')
    const hello = await readClientHello(raw)
    this.#ticket = ticketIdentity(hello)
    const hold = (socket: TLSSocket): void => {
      this.#settings.sockets.hold(socket)
      this.#watch(socket)
    }
    const secure = await tls.accept(raw, hello, hold, 'data')
    this.#reused = secure.isSessionReused()
    this.#readFrom(secure)
    return secure
  }
}

/** Gives the event loop time to deliver what was just written as a read of its own. */
export async function turnOfTheLoop(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function readClientHello(raw: Socket): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  while (!isWholeClientHello(bytes)) {
    const chunk = (raw.read() as Buffer | null) ?? (await nextChunk(raw))
    if (chunk === null) throw new Error('the client closed the data connection before its ClientHello')
    bytes = Buffer.concat([bytes, chunk])
  }
  return bytes
}

async function nextChunk(raw: Socket): Promise<Buffer | null> {
  const over = new AbortController()
  const signal = over.signal
  try {
    const gone = [once(raw, 'end', { signal }), once(raw, 'close', { signal })]
    await Promise.race([once(raw, 'readable', { signal }), ...gone].map(quiet))
    return raw.read() as Buffer | null
  } finally {
    over.abort()
  }
}

function quiet(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch(() => undefined)
}
