/**
 * An FTP server for downloads whose connections have speeds that no real server gives: run by
 * shaped-server.ts as a process of its own.
 *
 *   control connection ── lane (a rate, a stall) ── its RETRs, one after the other
 */
import { createServer, type Socket } from 'node:net'
import { answerCalls } from '../harness/helper.ts'
import { Coverage } from './coverage.ts'
import type { ShapedCalls, ShapedReport, ShapedServerOptions, Stall } from './shaped-server.ts'
import { ShapedSession, type Retrieval } from './shaped-session.ts'
import { Lane, Shaper } from './shaper.ts'

/** 4 KiB at 1 MB/s: about what a slow link delivers at a time. */
const TICK_MS = 4

class ShapedFtp {
  readonly #root: string
  readonly #lanes: readonly Lane[]
  readonly #shaper: Shaper
  readonly #port: number
  readonly #sessions = new Map<Lane, ShapedSession>()
  readonly #coverage = new Map<string, Coverage>()
  #counts = { logins: 0, refused: 0, retrievals: 0, bytesSent: 0, newBytes: 0 }
  #stall: Stall | undefined
  #awaited: { bytes: number; resolve: (reached: boolean) => void } | undefined

  constructor({ root, rates, totalBytesPerSecond = Number.MAX_SAFE_INTEGER, port = 0 }: ShapedServerOptions) {
    this.#port = port
    this.#root = root
    this.#lanes = rates.map((rate, index) => new Lane(index, rate))
    this.#shaper = new Shaper(this.#lanes, totalBytesPerSecond)
  }

  listen(): Promise<number> {
    const server = createServer((socket) => this.#accept(socket))
    setInterval(() => this.#tick(performance.now()), TICK_MS)
    return new Promise((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  }

  begin(stall: Stall | undefined): void {
    this.#counts = { logins: 0, refused: 0, retrievals: 0, bytesSent: 0, newBytes: 0 }
    this.#coverage.clear()
    this.#stall = stall
    for (const lane of this.#lanes) lane.stalledUntil = 0
  }

  report(): ShapedReport {
    return { ...this.#counts }
  }

  sent(bytes: number): Promise<boolean> {
    this.#awaited?.resolve(false)
    return new Promise((resolve) => {
      this.#awaited = { bytes, resolve }
      this.#tellIfReached()
    })
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}) // a client that was killed: its 'close' follows
    const lane = this.#lanes.find((one) => !this.#sessions.has(one))
    if (lane === undefined) {
      this.#counts.refused++
      return void socket.end('421 There are too many connections from your internet address.\r\n')
    }
    // A stall is of the connection that it struck, not of the next one with its rate.
    lane.stalledUntil = 0
    const session = new ShapedSession(socket, this.#root, {
      onLogin: () => this.#counts.logins++,
      onRetrieval: () => this.#counts.retrievals++,
    })
    this.#sessions.set(lane, session)
    socket.once('close', () => this.#sessions.delete(lane))
  }

  #tick(now: number): void {
    const wanting = new Map<Lane, Retrieval>()
    for (const [lane, { retrieval }] of this.#sessions)
      if (retrieval?.wantsBytes === true) wanting.set(lane, retrieval)
    this.#beginStall(now, wanting)
    for (const { lane, bytes } of this.#shaper.tick(now, new Set(wanting.keys()))) {
      const retrieval = wanting.get(lane)
      if (retrieval !== undefined && bytes > 0) this.#send(retrieval, bytes)
    }
    this.#tellIfReached()
  }

  // It waits for its connection to be at work, so that it always strikes.
  #beginStall(now: number, wanting: ReadonlyMap<Lane, Retrieval>): void {
    const stall = this.#stall
    if (stall === undefined || this.#counts.bytesSent < stall.afterBytes) return
    const lane = this.#lanes[stall.lane]
    if (lane === undefined || !wanting.has(lane)) return
    lane.stalledUntil = now + stall.forMs
    this.#stall = undefined
  }

  #send(retrieval: Retrieval, bytes: number): void {
    const { start, end } = retrieval.send(bytes)
    this.#counts.bytesSent += end - start
    const coverage = this.#coverage.get(retrieval.file) ?? new Coverage()
    this.#coverage.set(retrieval.file, coverage)
    this.#counts.newBytes += coverage.add(start, end)
  }

  #tellIfReached(): void {
    if (this.#awaited === undefined || this.#counts.bytesSent < this.#awaited.bytes) return
    this.#awaited.resolve(true)
    this.#awaited = undefined
  }
}

let server: ShapedFtp | undefined

function running(): ShapedFtp {
  if (server === undefined) throw new Error('it does not listen yet')
  return server
}

answerCalls<ShapedCalls>({
  listen: (options) => {
    server = new ShapedFtp(options)
    return server.listen()
  },
  begin: ({ stall }) => running().begin(stall),
  report: () => running().report(),
  sent: (bytes) => running().sent(bytes),
})
