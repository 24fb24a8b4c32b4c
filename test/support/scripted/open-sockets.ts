import { once } from 'node:events'
import type { Server, Socket } from 'node:net'

/** Every socket and listener of one server under test, so that its end can be the end of all of them. */
export class OpenSockets {
  readonly #sockets = new Set<Socket>()
  readonly #listeners = new Set<Server>()
  readonly #others = new Set<() => Promise<void>>()

  /** Holds a socket until it closes. Its errors are the client's doing and end with it: never uncaught. */
  hold<T extends Socket>(socket: T): T {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }

  /** Listens on a free port of `host` and holds the listener. */
  async listen(server: Server, host: string): Promise<number> {
    this.#listeners.add(server)
    server.once('close', () => this.#listeners.delete(server))
    server.listen(0, host)
    await once(server, 'listening')
    return portOf(server)
  }

  /** Something else that must be gone at the end: a filtered port, for instance. */
  holdOther(release: () => Promise<void>): void {
    this.#others.add(release)
  }

  get size(): number {
    return this.#sockets.size + this.#listeners.size
  }

  async closeAll(): Promise<void> {
    const listeners = [...this.#listeners].map((server) => closed(server))
    const sockets = [...this.#sockets].map((socket) => destroyed(socket))
    const others = [...this.#others].map((release) => release())
    await Promise.all([...listeners, ...sockets, ...others])
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the listener has no port')
  return address.port
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function destroyed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.destroy()
  })
}
