/**
 * A relay before a real server, on another loopback address: a control port, and the passive ports by the same numbers as
 * the server's. It reads nothing of what goes by, so that TLS goes through it as it is; and it does to every connection what
 * networks do, at random.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Random } from '../fuzz/random.ts'

export const FAULTS = ['none', 'refused', 'fin', 'rst', 'pause', 'silence', 'slow', 'late'] as const
export type Fault = (typeof FAULTS)[number]

/** Of a hundred connections, so many have each; the others are left alone. */
const SHARES: readonly (readonly [Fault, number])[] = [
  ['refused', 1],
  ['fin', 3],
  ['rst', 3],
  ['pause', 3],
  ['silence', 1],
  ['slow', 4],
  ['late', 4],
]
const MOST_BYTES_BEFORE = 1_500_000
const LONGEST_PAUSE_MS = 1_500
/** What one end has closed, and the other has not, is forgotten then, as by routers on the way. */
const LONGEST_HALF_OPEN_MS = 10_000
const LONGEST_DELAY_MS = 40
/** Of a connection that is slow, in each direction. */
const SLOW_BYTES_PER_SECOND = 400_000

export interface RelayOptions {
  readonly from: string
  readonly to: string
  readonly controlPort: number
  readonly passivePorts: readonly number[]
  /**
   * Whether TLS goes through. In clear an end of file with something left out before it is an end of file like any other,
   * which only a size can tell, where the server has one: there connections are cut by resets alone.
   */
  readonly isProtected: boolean
  readonly random: Random
}

export class FaultyRelay {
  /** Connections by what befell them. */
  readonly counts: Record<Fault, number> = { ...NONE_YET }
  /** Off: everything goes through as it is. */
  isFaulty = true
  /** Of control connections. */
  port = 0
  readonly #options: RelayOptions
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(options: RelayOptions) {
    this.#options = options
  }

  async listen(): Promise<void> {
    const { controlPort, passivePorts } = this.#options
    this.port = await this.#listen(0, controlPort)
    for (const port of passivePorts) await this.#listen(port, port)
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  async #listen(port: number, to: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#serve(socket, to),
    )
    this.#servers.push(server)
    server.listen(port, this.#options.from)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  #serve(client: Socket, port: number): void {
    const fault = this.#fault()
    this.counts[fault] += 1
    this.#hold(client)
    if (fault === 'refused') {
      client.resetAndDestroy()
      return
    }
    const server = this.#hold(connect({ port, host: this.#options.to, allowHalfOpen: true }))
    const way = this.#options.random.below(2)
    const isSilentCut = fault === 'fin' && !this.#options.isProtected
    const befall = new Befalling(
      isSilentCut ? 'rst' : fault,
      this.#options.random,
      [client, server],
      (ms, run) => this.#later(ms, run),
    )
    this.#relay(client, server, way === 0 ? befall : undefined)
    this.#relay(server, client, way === 1 ? befall : undefined)
    for (const socket of [client, server]) {
      socket.once('end', () => this.#forget([client, server]))
      socket.once('close', () => this.#forget([client, server]))
    }
  }

  #forget(sockets: readonly Socket[]): void {
    if (sockets.every(({ destroyed }) => destroyed)) return
    this.#later(LONGEST_HALF_OPEN_MS, () => {
      for (const socket of sockets) socket.destroy()
    })
  }

  #relay(from: Socket, to: Socket, befall: Befalling | undefined): void {
    let isHeldBack = false
    let hasEnded = false
    let left: 'not yet' | 'in order' | 'by force' = 'not yet'
    // Node tells the end of a socket that is paused, too; what is held back comes first.
    const passOn = (): void => {
      if (isHeldBack) return
      // Behind what was left out there is no end in order.
      if (hasEnded && befall?.hasStruck !== true) to.end()
      if (left === 'in order') to.end(() => to.destroy())
      if (left === 'by force') to.destroy()
    }
    from.on('data', (chunk: Buffer) => {
      const waitMs = befall === undefined ? 0 : befall.takes(chunk.length)
      if (waitMs === undefined) return
      if (waitMs > 0) {
        isHeldBack = true
        from.pause()
        this.#later(waitMs, () => {
          isHeldBack = false
          to.write(chunk)
          from.resume()
          passOn()
        })
      } else if (!to.write(chunk)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => {
      hasEnded = true
      passOn()
    })
    from.once('close', (hadError) => {
      left = hadError ? 'by force' : 'in order'
      passOn()
    })
    from.resume()
  }

  #fault(): Fault {
    if (!this.isFaulty) return 'none'
    let left = this.#options.random.below(100)
    for (const [fault, share] of SHARES) {
      if (left < share) return fault
      left -= share
    }
    return 'none'
  }

  #hold(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }
}

const NONE_YET = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>

/** What befalls one direction of one connection. */
class Befalling {
  readonly #fault: Fault
  readonly #random: Random
  readonly #sockets: readonly Socket[]
  readonly #later: (ms: number, run: () => void) => void
  #left: number
  #isOver = false

  constructor(
    fault: Fault,
    random: Random,
    sockets: readonly Socket[],
    later: (ms: number, run: () => void) => void,
  ) {
    this.#fault = fault
    this.#random = random
    this.#sockets = sockets
    this.#later = later
    // As often within the first words as within the bytes of a file.
    this.#left = random.below(2) === 0 ? random.below(400) : random.below(MOST_BYTES_BEFORE)
  }

  /** Whether something has been left out. */
  get hasStruck(): boolean {
    return this.#isOver && this.#fault !== 'pause'
  }

  /** How long these bytes are held back, in milliseconds; `undefined`: they never arrive. */
  takes(bytes: number): number | undefined {
    this.#left -= bytes
    switch (this.#fault) {
      case 'slow':
        return (bytes / SLOW_BYTES_PER_SECOND) * 1_000
      case 'late':
        return 1 + this.#random.below(LONGEST_DELAY_MS)
      case 'fin':
      case 'rst':
      case 'silence':
      case 'pause':
        return this.#left > 0 ? 0 : this.#strike()
      case 'none':
      case 'refused':
        return 0
    }
  }

  #strike(): number | undefined {
    if (this.#fault === 'pause') {
      if (this.#isOver) return 0
      this.#isOver = true
      return 1 + this.#random.below(LONGEST_PAUSE_MS)
    }
    if (!this.#isOver && this.#fault !== 'silence') this.#later(0, () => this.#cut())
    this.#isOver = true
    return undefined
  }

  #cut(): void {
    for (const socket of this.#sockets) {
      // Node refuses the reset behind an end of file, and leaves the handle open for good.
      const mayReset = socket === this.#sockets[0] && !socket.writableEnded
      if (this.#fault === 'rst' && mayReset) socket.resetAndDestroy()
      // Not by a reset: one of the servers (ftp-srv) ends as a whole by it.
      else if (this.#fault === 'rst') socket.destroy()
      else socket.end(() => socket.destroy())
    }
  }
}
