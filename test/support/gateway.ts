/**
 * A relay between a client and a real server, in clear, on its control connections and on passive data connections. It
 * answers commands in the server's place, holds a data connection at a byte, and cuts everything there is.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { deferred } from '../../src/util/deferred.ts'
import type { RunningServer } from '../servers/types.ts'
import { OpenSockets } from './scripted/open-sockets.ts'

export interface GatewayOptions {
  /** Replies, by verb, to commands that the server never sees; lines are parted by CR LF. */
  readonly answers?: Readonly<Record<string, string>>
  /** The first data connection is held behind so many bytes of one direction, until {@link Gateway.cut}. */
  readonly holdAt?: number
}

/** Stands before `server` until it is closed. */
export async function gateway(server: RunningServer, options: GatewayOptions = {}): Promise<Gateway> {
  const relay = new Gateway(server, options)
  await relay.listen()
  return relay
}

export class Gateway implements AsyncDisposable {
  /** What clients have sent, on all control connections, oldest first. */
  readonly commands: string[] = []
  readonly host: string
  port = 0
  readonly #server: RunningServer
  readonly #answers: ReadonlyMap<string, string>
  readonly #listeners = new OpenSockets()
  readonly #sockets = new Set<Socket>()
  readonly #held = deferred<undefined>()
  #holdAt: number

  constructor(server: RunningServer, { answers = {}, holdAt = Infinity }: GatewayOptions) {
    this.#server = server
    this.host = server.host
    this.#answers = new Map(Object.entries(answers))
    this.#holdAt = holdAt
  }

  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#serve(client))
    this.port = await this.#listeners.listen(server, this.host)
  }

  /** Resolves when the data connection is held. */
  get held(): Promise<unknown> {
    return this.#held.promise
  }

  /** The verbs that clients have sent. */
  get verbs(): string[] {
    return this.commands.map((line) => line.replace(/ .*/s, ''))
  }

  /** Ends every connection, control and data, on both sides; what is on its way is lost. New ones are served as ever. */
  cut(): void {
    this.#holdAt = Infinity
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await this.#listeners.closeAll()
  }

  #serve(client: Socket): void {
    const server = this.#connect(this.#server.port)
    this.#tie(this.#hold(client), server)
    forEachLine(client, (line) => {
      this.commands.push(line)
      const answer = this.#answers.get(line.replace(/ .*/s, '').toUpperCase())
      if (answer === undefined) server.write(`${line}\r\n`, 'latin1')
      else client.write(`${answer}\r\n`)
    })
    let before = Promise.resolve()
    forEachLine(server, (line) => {
      before = before.then(async () => {
        client.write(`${await this.#withOurPort(line)}\r\n`, 'latin1')
      })
    })
  }

  /** A reply to EPSV or PASV leads to the server: now it leads to a listener of ours, and from there to the server. */
  async #withOurPort(line: string): Promise<string> {
    const extended = /^229 .*\(\|\|\|(\d+)\|\)/.exec(line)
    if (extended !== null)
      return `229 Extended passive mode (|||${await this.#relayTo(Number(extended[1]))}|)`
    const plain = /^227 .*?(\d+,\d+,\d+,\d+),(\d+),(\d+)/.exec(line)
    if (plain === null) return line
    const [, host = '', high, low] = plain
    const port = await this.#relayTo(Number(high) * 256 + Number(low))
    return `227 Passive mode (${host},${port >> 8},${port & 255})`
  }

  async #relayTo(port: number): Promise<number> {
    const listener: Server = createServer({ allowHalfOpen: true }, (client) => {
      listener.close()
      const server = this.#connect(port)
      this.#tie(this.#hold(client), server)
      this.#relay(client, server)
      this.#relay(server, client)
    })
    return this.#listeners.listen(listener, this.host)
  }

  #relay(from: Socket, to: Socket): void {
    let relayed = 0
    let isHeld = false
    from.on('data', (chunk: Buffer) => {
      isHeld = relayed + chunk.length >= this.#holdAt
      const part = isHeld ? chunk.subarray(0, this.#holdAt - relayed) : chunk
      relayed += part.length
      const hasRoom = to.write(part)
      if (isHeld) this.#held.resolve(undefined)
      if (isHeld || !hasRoom) from.pause()
    })
    to.on('drain', () => {
      if (!isHeld) from.resume()
    })
    from.on('end', () => to.end())
  }

  #connect(port: number): Socket {
    return this.#hold(connect({ port, host: this.#server.host, allowHalfOpen: true }))
  }

  /** What ends one side by force ends the other. */
  #tie(one: Socket, other: Socket): void {
    one.once('close', () => other.destroy())
    other.once('close', () => one.destroy())
  }

  #hold(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return this.#listeners.hold(socket)
  }
}

/** Lines as they come, without their CR LF, a byte a character; behind the last one the other side is ended. */
function forEachLine(socket: Socket, use: (line: string) => void): void {
  let unread = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    const lines = (unread + text).split('\r\n')
    unread = lines.pop() ?? ''
    for (const line of lines) use(line)
  })
  socket.on('end', () => socket.destroySoon())
}
