/** Real sockets, and limits whose time passes only when a test says so. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listenForData } from '../../src/connection/active.ts'
import { passiveSocket } from '../../src/connection/data-socket.ts'
import { DataConnection, type DataEnd, type OpenDataSocket } from '../../src/connection/data.ts'
import { LimitedReceiver } from '../../src/connection/limited-receiver.ts'
import type { DataReceiver } from '../../src/connection/receiver.ts'
import { secureIdentity } from '../../src/tls/secure-options.ts'
import { Tickets } from '../../src/tls/tickets.ts'
import { BandwidthLimit } from '../../src/transport/bandwidth.ts'
import { certificate, shownBy } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { OpenSockets } from '../support/scripted/open-sockets.ts'
import { ScriptedData } from '../support/scripted/script-data.ts'
import { ServerTls } from '../support/scripted/server-tls.ts'
import { VirtualClock } from '../transport/virtual-clock.ts'

const SOURCE = randomBytes(300_000, 'limited')
const KINDS = [
  'passive, plain',
  'passive, TLS',
  'passive, TLS adopted',
  'active, plain',
  'active, TLS',
] as const
type Kind = (typeof KINDS)[number]

/** Notes what it gets and when; may pause, or stop, after so many bytes. */
class Taker implements DataReceiver {
  readonly chunks: Buffer[] = []
  readonly times: number[] = []
  readonly room: Buffer
  length = 0
  pauseAt = Infinity
  stopAt = Infinity
  goOn: () => void = () => undefined

  constructor(roomSize: number = 100_000) {
    this.room = Buffer.alloc(roomSize)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  /** The most that came in any second of the limits' time. */
  get mostInASecond(): number {
    return this.times.reduce((most, start) => {
      const within = this.chunks.filter((_, at) => {
        const time = this.times[at] ?? 0
        return time >= start && time < start + 999.999
      })
      return Math.max(most, Buffer.concat(within).length)
    }, 0)
  }

  space(): Uint8Array {
    return this.room
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    this.chunks.push(Buffer.from(this.room.subarray(0, bytes)))
    this.times.push(clock.now)
    this.length += bytes
    if (this.length >= this.stopAt) return 'stop'
    if (this.length < this.pauseAt) return 'more'
    this.pauseAt = Infinity
    return 'pause'
  }

  onResume(resume: () => void): void {
    this.goOn = resume
  }
}

let clock: VirtualClock
let sockets: OpenSockets

beforeEach(() => {
  clock = new VirtualClock()
  sockets = new OpenSockets()
})

afterEach(() => sockets.closeAll())

function limitOf(bytesPerSecond?: number): BandwidthLimit {
  return new BandwidthLimit(bytesPerSecond, clock.read, clock.startTimer)
}

interface Peer {
  readonly data: ScriptedData
  readonly connect: (receiver: DataReceiver, stallMs?: number) => DataConnection
}

async function peer(kind: Kind): Promise<Peer> {
  const isTls = kind.includes('TLS')
  const data = new ScriptedData({ sockets, host: '127.0.0.1', tls: isTls ? new ServerTls() : undefined })
  const open = await opener(kind, data)
  return {
    data,
    connect: (receiver, stallMs = 20_000) => {
      const tlsMs = isTls ? 10_000 : undefined
      const connection = new DataConnection(open, receiver, {
        label: 'ftp.test:1',
        connectMs: 10_000,
        tlsMs,
        stallMs,
        isSending: false,
      })
      connection.start()
      return connection
    },
  }
}

async function opener(kind: Kind, data: ScriptedData): Promise<OpenDataSocket> {
  const host = kind === 'passive, TLS adopted' ? '::1' : 'localhost'
  const identity = secureIdentity({ ca: (await certificate()).ca, servername: 'localhost' }, host)
  const shown = shownBy(await certificate())
  const security = kind.includes('TLS')
    ? { identity, tickets: new Tickets(), certificate: shown, watchesEnd: false }
    : undefined
  if (kind.startsWith('active')) {
    const options = { listenAddress: '127.0.0.1', ports: undefined, peerAddress: '127.0.0.1' }
    const { port, open } = await listenForData(options, security)
    await data.connectTo(port, '127.0.0.1')
    return open
  }
  await data.listen()
  return passiveSocket(
    {
      address: '127.0.0.1',
      port: data.port,
      localAddress: undefined,
      family: 0,
      connect: undefined,
      multipath: undefined,
    },
    security,
  )
}

/** Lets sockets deliver what they have. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets the limits' time pass until something holds. */
async function passTime(until: () => boolean): Promise<void> {
  while (!until()) {
    await settle()
    clock.advance(5)
  }
}

/** Waits for the end, and for what is held then, while the limits' time passes. */
async function finish(connection: DataConnection, limited: LimitedReceiver): Promise<DataEnd> {
  let isOver = false
  const over = connection.end.then(async (end) => {
    await limited.drained()
    isOver = true
    return end
  })
  await passTime(() => isOver)
  limited.dispose()
  return over
}

describe.each(KINDS)('%s', (kind) => {
  test.each([100_000, 1_000_000, 50_000_000])(
    'at %i bytes/s every byte comes, in order, at most 1.05 × as many in a second, and nothing is left',
    async (bytesPerSecond) => {
      await expectNoLeaks(async () => {
        const { data, connect } = await peer(kind)
        const taker = new Taker()
        const limited = new LimitedReceiver(taker, [limitOf(), limitOf(bytesPerSecond)])
        const connection = connect(limited)
        void data.write(SOURCE).then(() => data.end())
        expect(await finish(connection, limited)).toEqual({ is: 'ended' })
        expect(taker.bytes.equals(SOURCE)).toBe(true)
        expect(taker.mostInASecond).toBeLessThanOrEqual(1.05 * bytesPerSecond)
        expect(clock.timers).toBe(0)
      })
    },
  )

  test('into rooms of an odd size, by a receiver that pauses, nothing is lost', async () => {
    const { data, connect } = await peer(kind)
    const taker = new Taker(777)
    const limited = new LimitedReceiver(taker, [limitOf(1_000_000)])
    const connection = connect(limited)
    void data.write(SOURCE).then(() => data.end())
    for (const pauseAt of [1, 50_000, 299_999]) {
      taker.pauseAt = pauseAt
      await passTime(() => taker.length >= pauseAt)
      const { length } = taker
      for (let step = 0; step < 20; step++) {
        await settle()
        clock.advance(100)
      }
      expect(taker.length).toBe(length)
      taker.goOn()
    }
    expect(await finish(connection, limited)).toEqual({ is: 'ended' })
    expect(taker.bytes.equals(SOURCE)).toBe(true)
    expect(taker.mostInASecond).toBeLessThanOrEqual(1_050_000)
  })

  test('without a limit nothing waits; with one set on the way it does; without it again it does not', async () => {
    const { data, connect } = await peer(kind)
    const limit = limitOf()
    const taker = new Taker(10_000)
    const limited = new LimitedReceiver(taker, [limit])
    const connection = connect(limited)
    await data.write(SOURCE.subarray(0, 100_000))
    while (taker.length < 100_000) await settle()
    expect(clock.now).toBe(0)

    limit.set(1_000)
    clock.advance(1_000)
    void data.write(SOURCE.subarray(100_000))
    await settle()
    const before = taker.length
    // What goes into room that was given before the limit came is not more than that room.
    expect(before).toBeLessThanOrEqual(110_000)
    await passTime(() => clock.now >= 5_000)
    expect(taker.length - before).toBeGreaterThan(2_900)
    expect(taker.length - before).toBeLessThanOrEqual(4_020)

    limit.set(undefined)
    const { now } = clock
    while (taker.length < SOURCE.length) await settle()
    expect(clock.now).toBe(now)
    await data.end()
    expect(await finish(connection, limited)).toEqual({ is: 'ended' })
    expect(taker.bytes.equals(SOURCE)).toBe(true)
  })

  test('an end that comes while bytes are held is no end to them', async () => {
    const { data, connect } = await peer(kind)
    const taker = new Taker()
    const limited = new LimitedReceiver(taker, [limitOf(10_000)])
    const connection = connect(limited)
    await data.write(SOURCE.subarray(0, 20_000))
    await data.end()
    await settle()
    expect(taker.length).toBeLessThan(1_000)
    expect(await finish(connection, limited)).toEqual({ is: 'ended' })
    expect(taker.bytes.equals(SOURCE.subarray(0, 20_000))).toBe(true)
  })

  test("the receiver's 'stop' resets the connection, though it comes while we wait for the limit", async () => {
    await expectNoLeaks(async () => {
      const { data, connect } = await peer(kind)
      const taker = new Taker()
      taker.stopAt = 50_000
      const limited = new LimitedReceiver(taker, [limitOf(100_000)])
      const connection = connect(limited)
      void data.write(SOURCE)
      expect(await finish(connection, limited)).toEqual({ is: 'cut' })
      expect(await data.departed).toBe('reset')
      expect(taker.length).toBeGreaterThanOrEqual(50_000)
      expect(taker.length).toBeLessThan(52_000)
      expect(clock.timers).toBe(0)
    })
  })

  test('waiting for the limit is not the silence of the server; silence after it is', async () => {
    const { data, connect } = await peer(kind)
    const taker = new Taker()
    const limited = new LimitedReceiver(taker, [limitOf(1_000)])
    const connection = connect(limited, 400)
    await data.write(SOURCE.subarray(0, 1_000))
    while (taker.length === 0) await settle()
    let isOver = false
    void connection.end.then(() => (isOver = true))
    await new Promise((resolve) => setTimeout(resolve, 900))
    expect(isOver).toBe(false)
    await passTime(() => taker.length === 1_000)
    expect(await connection.end).toMatchObject({
      is: 'lost',
      error: { code: 'ERR_FTP_TIMEOUT', phase: 'data' },
    })
    limited.dispose()
  })

  test('cut and disposed of while waiting: nothing is handed on any more, no timer is left', async () => {
    const { data, connect } = await peer(kind)
    const limit = limitOf(1_000)
    const taker = new Taker()
    const limited = new LimitedReceiver(taker, [limit])
    const connection = connect(limited)
    void data.write(SOURCE)
    while (taker.length === 0) await settle()
    connection.cut()
    limited.dispose()
    limited.dispose()
    const { length } = taker
    expect(clock.timers).toBe(0)
    limit.set(undefined)
    await settle()
    expect(taker.length).toBe(length)
    await limited.drained()
  })
})

test('several connections under one limit: together within it, and each gets its share', async () => {
  const limit = limitOf(400_000)
  const all = await Promise.all(
    KINDS.map(async (kind) => {
      const { data, connect } = await peer(kind)
      const taker = new Taker()
      const limited = new LimitedReceiver(taker, [limitOf(), limit])
      return { connection: connect(limited), limited, taker, written: data.write(SOURCE) }
    }),
  )
  await passTime(() => clock.now >= 3_000)
  const sums = all.map(({ taker }) => taker.length)
  expect(sums.reduce((a, b) => a + b)).toBeLessThanOrEqual(400_000 * 3.02 + 1)
  for (const sum of sums) expect(sum).toBeGreaterThan(150_000)
  for (const { connection, limited } of all) {
    connection.cut()
    limited.dispose()
  }
  expect(clock.timers).toBe(0)
  await Promise.all(all.map(({ written }) => written))
})

describe('room', () => {
  test('is the receiver’s own while there is no limit: nothing is copied', () => {
    const taker = new Taker()
    expect(new LimitedReceiver(taker, []).space()).toBe(taker.room)
    expect(new LimitedReceiver(taker, [limitOf(), limitOf()]).space()).toBe(taker.room)
  })

  test.each([
    [1, 512],
    [100_000, 6_250],
    [10_000_000_000, 65_536],
  ])('at %i bytes/s is %i bytes', (bytesPerSecond, room) => {
    const limits = [limitOf(bytesPerSecond), limitOf(1e11), limitOf()]
    expect(new LimitedReceiver(new Taker(), limits).space()).toHaveLength(room)
  })

  test('that was given before a limit came is charged: those who ask wait for it', () => {
    const limit = limitOf()
    const [first, second] = [new Taker(), new Taker()]
    const early = new LimitedReceiver(first, [limit])
    const late = new LimitedReceiver(second, [limit])
    early.space()
    limit.set(10_000)
    expect(early.received(5_000)).toBe('more')
    expect(first.length).toBe(5_000)
    late.space()
    expect(late.received(100)).toBe('pause')
    clock.advance(490)
    expect(second.length).toBe(0)
    clock.advance(30)
    expect(second.length).toBe(100)
  })

  test('stays ours while bytes are held, though the limit is gone: no byte passes another', () => {
    const limit = limitOf(100_000)
    const taker = new Taker(10)
    taker.pauseAt = 1
    const limited = new LimitedReceiver(taker, [limit])
    limited.space().set(SOURCE.subarray(0, 1_000))
    expect(limited.received(1_000)).toBe('pause')
    limit.set(undefined)
    limited.space().set(SOURCE.subarray(1_000, 1_100))
    expect(limited.received(100)).toBe('pause')
    taker.goOn()
    expect(taker.bytes.equals(SOURCE.subarray(0, 1_100))).toBe(true)
  })

  test('that the receiver does not have costs nothing: what it leaves of a turn is there for others', () => {
    const limit = limitOf(100_000)
    const [first, second] = [new Taker(10), new Taker()]
    first.pauseAt = 1
    const busy = new LimitedReceiver(first, [limit])
    const free = new LimitedReceiver(second, [limit])
    busy.space()
    expect(busy.received(1_000)).toBe('pause')
    expect(first.length).toBe(10)
    free.space()
    expect(free.received(1_900)).toBe('more') // Of a burst of 2,001.
  })

  test('that is given during a pause is not what is held', () => {
    const taker = new Taker()
    const limited = new LimitedReceiver(taker, [limitOf(1_000)])
    const sent = SOURCE.subarray(0, 200_000)
    for (let at = 0; at < sent.length;) {
      const space = limited.space()
      expect(space.length).toBeGreaterThan(0)
      const piece = sent.subarray(at, at + space.length)
      space.set(piece)
      limited.received(piece.length)
      at += piece.length
    }
    clock.advance(1_000_000)
    expect(taker.bytes.equals(sent)).toBe(true)
  })
})

test('with the real clock and timers: every byte comes, nothing is left', async () => {
  await expectNoLeaks(async () => {
    const { data, connect } = await peer('passive, plain')
    const taker = new Taker()
    const limited = new LimitedReceiver(taker, [new BandwidthLimit(), new BandwidthLimit(2_000_000)])
    const connection = connect(limited)
    void data.write(SOURCE).then(() => data.end())
    expect(await connection.end).toEqual({ is: 'ended' })
    await limited.drained()
    limited.dispose()
    expect(taker.bytes.equals(SOURCE)).toBe(true)
  })
})
