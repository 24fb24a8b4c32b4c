/** A TCP socket, or what stands for one, with a tap on what it receives, for TLS to run over. Slower than the socket itself. */
import { Duplex } from 'node:stream'

export class TappedSocket extends Duplex {
  readonly #socket: Duplex

  /** @param tap is shown every chunk before TLS reads it */
  constructor(socket: Duplex, tap: (chunk: Uint8Array) => void) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.on('data', (chunk: Uint8Array) => {
      tap(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.once('end', () => this.push(null))
    socket.once('error', (error) => this.destroy(error))
    socket.once('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
