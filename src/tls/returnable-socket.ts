/**
 * Carries TLS over a TCP connection that is wanted back when TLS has ended (CCC, RFC 4217 §5). Node's own TLS socket
 * keeps the TCP socket for good and ends it with itself. Slower than that; nothing but a control connection uses it.
 *
 *   server ─► records ──────────────────────────────► TLS
 *          └► what stands behind the last of them ──► kept for whoever takes the TCP connection back
 *
 * Where records end shows by itself: none begins with a byte that a reply could begin with.
 */
import { Duplex } from 'node:stream'
import { RecordTap } from './record-tap.ts'

/** Types of records (RFC 8446 §5.1): change_cipher_spec, alert, handshake, application_data. */
const FIRST_TYPE = 20
const LAST_TYPE = 23

export class ReturnableSocket extends Duplex {
  readonly #socket: Duplex
  readonly #records = new RecordTap()
  readonly #clear: Uint8Array[] = []
  #state: 'carrying' | 'ending' | 'returned' = 'carrying'

  constructor(socket: Duplex) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  /** From now on the server may end TLS and go on in clear: the end of TLS is not the end of the TCP connection. */
  expectEnd(): void {
    this.#state = 'ending'
  }

  /** Gives the TCP connection back, paused; with what has come on it in clear, and whether TLS was ended in order. */
  takeBack(): { readonly clear: Uint8Array; readonly isEndedInOrder: boolean } {
    this.#state = 'returned'
    const socket = this.#socket
    socket.pause()
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    return { clear: Buffer.concat(this.#clear), isEndedInOrder: this.#records.isClosedInOrder }
  }

  readonly #onData = (chunk: Uint8Array): void => {
    const bytes = this.#clear.length > 0 ? 0 : this.#bytesOfRecords(chunk)
    if (bytes < chunk.length) this.#clear.push(chunk.subarray(bytes))
    if (bytes > 0 && !this.push(chunk.subarray(0, bytes))) this.#socket.pause()
  }

  readonly #onEnd = (): void => {
    this.push(null)
  }

  readonly #onError = (error: Error): void => {
    this.destroy(error)
  }

  readonly #onClose = (): void => {
    this.destroy()
  }

  /** How many bytes at the start of `chunk` TLS is to read. Before its end is expected, that is all of them. */
  #bytesOfRecords(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length;) {
      const type = chunk[at] ?? 0
      const begins = type >= FIRST_TYPE && type <= LAST_TYPE
      if (this.#state === 'ending' && this.#records.isBetweenRecords && !begins) return at
      const next = chunk.subarray(at, at + this.#records.wanted)
      this.#records.push(next)
      at += next.length
    }
    return chunk.length
  }

  override _read(): void {
    if (this.#state !== 'returned') this.#socket.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    if (this.#state === 'carrying') this.#socket.end(done)
    else done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#state === 'carrying') this.#socket.destroy()
    done(error)
  }
}
