/** The process of unsteady-link.ts: carries bytes both ways, and what a server sends as data at changing speeds. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { answerCalls } from '../harness/helper.ts'
import { randomNumbers } from '../harness/random.ts'
import type { UnsteadyCalls, UnsteadyLinkOptions, UnsteadyReport } from './unsteady-link.ts'

const TICK_MS = 5
const MOST_WAITING = 64 * 1024
const MOST_CREDIT_SECONDS = 0.05

/** What comes from the server, let through at `bytesPerSecond`. */
class Throttle {
  bytesPerSecond: number
  readonly #from: Socket
  readonly #to: Socket
  #credit = 0

  constructor(from: Socket, to: Socket, bytesPerSecond: number) {
    this.#from = from
    this.#to = to
    this.bytesPerSecond = bytesPerSecond
    from.pause()
    from.once('end', () => to.end())
  }

  tick(seconds: number): void {
    this.#credit = Math.min(
      this.#credit + this.bytesPerSecond * seconds,
      this.bytesPerSecond * MOST_CREDIT_SECONDS,
    )
    if (!this.#to.writable || this.#to.writableLength > MOST_WAITING) return
    // The read with nothing there starts the next one, and finds the end.
    const length = Math.min(this.#from.readableLength, Math.floor(this.#credit))
    const chunk = this.#from.read(length > 0 ? length : 0) as Buffer | null
    if (chunk === null || chunk.length === 0) return
    this.#credit -= chunk.length
    this.#to.write(chunk)
  }
}

class UnsteadyProxy {
  readonly #options: UnsteadyLinkOptions & { readonly host: string }
  readonly #random: () => number
  readonly #throttles = new Set<Throttle>()
  readonly #counts = { controlConnections: 0, controlConnectionsLost: 0, dataConnections: 0, resets: 0 }
  #last = performance.now()

  constructor(options: UnsteadyLinkOptions & { readonly host: string }) {
    this.#options = options
    this.#random = randomNumbers(options.seed)
  }

  get report(): UnsteadyReport {
    return { ...this.#counts }
  }

  async listen(): Promise<number> {
    const { host, controlPort, changeEveryMs, passivePorts } = this.#options
    const [first, last] = passivePorts
    for (let port = first; port <= last; port++)
      await this.#listen({ host, port }, port, (client, server) => this.#carryData(client, server))
    setInterval(() => this.#tick(), TICK_MS)
    setInterval(() => this.#change(), changeEveryMs)
    const anyPort = { host, port: 0 }
    return this.#listen(anyPort, controlPort, (client, server) => this.#carryControl(client, server))
  }

  async #listen(
    where: { host: string; port: number },
    serverPort: number,
    carry: (client: Socket, server: Socket) => void,
  ): Promise<number> {
    const { serverHost } = this.#options
    const listener = createServer({ allowHalfOpen: true }, (client) => {
      const server = connect({ host: serverHost, port: serverPort, allowHalfOpen: true })
      for (const socket of [client, server]) socket.setNoDelay(true)
      passOnResets(client, server)
      carry(client, server)
    })
    listener.listen(where)
    await once(listener, 'listening')
    return (listener.address() as AddressInfo).port
  }

  #carryControl(client: Socket, server: Socket): void {
    this.#counts.controlConnections++
    let isOver = false
    const lost = (): void => {
      if (!isOver) this.#counts.controlConnectionsLost++
      isOver = true
    }
    for (const end of ['end', 'close'] as const) client.once(end, () => (isOver = true))
    for (const end of ['end', 'error'] as const) server.once(end, lost)
    client.pipe(server)
    server.pipe(client)
  }

  #carryData(client: Socket, server: Socket): void {
    this.#counts.dataConnections++
    const throttle = new Throttle(server, client, this.#drawRate())
    this.#throttles.add(throttle)
    client.once('error', () => this.#counts.resets++)
    client.once('close', () => this.#throttles.delete(throttle))
    client.pipe(server)
  }

  #tick(): void {
    const now = performance.now()
    for (const throttle of this.#throttles) throttle.tick((now - this.#last) / 1000)
    this.#last = now
  }

  #change(): void {
    for (const throttle of this.#throttles) throttle.bytesPerSecond = this.#drawRate()
  }

  #drawRate(): number {
    const { slowest, fastest } = this.#options
    return slowest * (fastest / slowest) ** this.#random()
  }
}

function passOnResets(one: Socket, other: Socket): void {
  const pass = (from: Socket, to: Socket): void => {
    from.once('error', () => to.resetAndDestroy())
    from.on('error', () => {})
    from.once('close', () => to.destroySoon())
  }
  pass(one, other)
  pass(other, one)
}

let proxy: UnsteadyProxy | undefined

answerCalls<UnsteadyCalls>({
  listen: (options) => {
    proxy = new UnsteadyProxy(options)
    return proxy.listen()
  },
  report: () => {
    if (proxy === undefined) throw new Error('it does not listen yet')
    return proxy.report
  },
})
