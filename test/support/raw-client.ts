import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

/** A client with no manners, to try servers with: it sends what it is told and gives back what comes. */
export class RawClient {
  /** Chunks as they were read, so that segments can be counted. */
  readonly chunks: Buffer[] = []
  /** TLS sessions as they came; the newest last. */
  readonly sessions: Buffer[] = []
  socket: Socket
  error: NodeJS.ErrnoException | undefined
  ended = false
  #unread = ''

  private constructor(socket: Socket) {
    this.socket = socket
    this.#adopt(socket)
  }

  static async connect(port: number, host: string = '127.0.0.1'): Promise<RawClient> {
    const client = new RawClient(connect(port, host))
    await once(client.socket, 'connect')
    return client
  }

  /** TLS from the first byte, or over this connection. */
  async startTls(options: ConnectionOptions): Promise<TLSSocket> {
    const raw = this.socket
    raw.removeAllListeners('data')
    const secure = connectTls({ socket: raw, host: 'localhost', ...options })
    secure.on('session', (session: Buffer) => this.sessions.push(session))
    this.socket = secure
    this.#adopt(secure)
    await once(secure, 'secureConnect')
    return secure
  }

  send(...commands: string[]): void {
    this.socket.write(commands.map((command) => `${command}\r\n`).join(''))
  }

  /** The next line, without its CRLF; rejects if the connection ends before it. */
  async line(): Promise<string> {
    while (!this.#unread.includes('\r\n')) {
      if (this.ended) throw this.error ?? new Error('the server closed the connection')
      await this.change()
    }
    const [line = '', ...rest] = this.#unread.split('\r\n')
    this.#unread = rest.join('\r\n')
    return line
  }

  /** Sends a command and gives the next line. */
  async ask(command: string): Promise<string> {
    this.send(command)
    return this.line()
  }

  /** The next thing that happens: bytes, an end, an error. */
  async change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.once('octo-change', resolve)
    })
  }

  /** Everything up to the end of the connection, or to its reset (then see `error`). */
  async readToEnd(): Promise<Buffer> {
    while (!this.ended) await this.change()
    return Buffer.concat(this.chunks)
  }

  close(): void {
    this.socket.destroy()
  }

  #adopt(socket: Socket): void {
    const changed = (): unknown => socket.emit('octo-change')
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk)
      this.#unread += chunk.toString('latin1')
      changed()
    })
    socket.on('error', (error) => (this.error = error))
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.ended = true
        changed()
      })
    }
  }
}

/** The port in a 227 or 229. */
export function portIn(reply: string): number {
  const extended = /\|\|\|(\d+)\|/.exec(reply)
  if (extended) return Number(extended[1])
  const numbers = /(\d+),(\d+)\)?\s*$/.exec(reply)
  return Number(numbers?.[1]) * 256 + Number(numbers?.[2])
}
