/** The connections that the workers of examples/fleet have at a server, all together, by a real Redis. */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConnectionLease, heldConnections, setLimits } from '../../examples/fleet/connection-lease.ts'
import { ConnectionSlots } from '../../examples/fleet/connection-slots.ts'
import { whyUnavailable } from '../servers/index.ts'
import { RedisServer } from '../servers/redis.ts'
import { untilPasses, untilTrue } from '../support/eventually.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { randomNumbers } from '../../bench/harness/random.ts'

const HOST = 'ftp.example.org:21'
const LIMIT = 7
const LEASE_MS = 2_000
const BYTES_PER_SECOND = 1_000
const unavailable = whyUnavailable('redis-server')

let folder: TemporaryDirectory
let server: RedisServer
let redis: Redis

describe.skipIf(unavailable !== undefined)(`connections on lease${unavailable ?? ''}`, () => {
  beforeEach(async () => {
    folder = await temporaryDirectory()
    server = await RedisServer.start(folder.path)
    redis = new Redis(server.url, { maxRetriesPerRequest: null })
    redis.on('error', () => {}) // It is killed in some of the tests, and comes back.
    await setLimits(redis, HOST, { connections: LIMIT, bytesPerSecond: BYTES_PER_SECOND, leaseMs: LEASE_MS })
  })
  afterEach(async () => {
    redis.disconnect()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const lease = (most = 64): ConnectionLease => new ConnectionLease(redis, HOST, most)
  const allowed = async (one: ConnectionLease, holding: number): Promise<number | undefined> =>
    (await one.renew(holding))?.allowed
  /** A Redis that was just started grants nothing. */
  const untilGranted = async (one: ConnectionLease): Promise<void> =>
    untilTrue(async () => (await allowed(one, 0)) === LIMIT)

  test('one has all of them, those who come get theirs when he has closed them', async () => {
    const [first, second] = [lease(), lease()]
    await untilGranted(first)
    expect(await allowed(second, 0)).toBe(0)
    const share = (await allowed(first, LIMIT)) ?? 0
    expect([3, 4]).toContain(share)
    expect(await allowed(second, 0)).toBe(0)
    await first.renew(share)
    expect(await allowed(second, 0)).toBe(LIMIT - share)
    await second.release()
    expect(await allowed(first, share)).toBe(LIMIT)
  })

  test('one who has a use for one gets no more', async () => {
    const [first, second] = [lease(1), lease()]
    await untilTrue(async () => (await allowed(first, 0)) === 1)
    expect(await first.renew(1)).toEqual({
      ...{ allowed: 1, connections: LIMIT, bytesPerSecond: BYTES_PER_SECOND, leaseMs: LEASE_MS },
    })
    expect(await allowed(second, 0)).toBeGreaterThan(1)
  })

  test('a lease that has ended is no longer renewed: what it held may be another’s', async () => {
    const [first, second] = [lease(), lease()]
    await untilGranted(first)
    await untilTrue(async () => (await allowed(second, 0)) === LIMIT)
    expect(await allowed(first, LIMIT)).toBeUndefined()
    expect(await allowed(first, 0)).toBe(0)
    expect([...(await heldConnections(redis, HOST)).values()].sort()).toEqual([0, LIMIT])
  })

  /** How many connections of all workers are open now, and were at most; and what they may bring together. */
  class Tally {
    open = 0
    most = 0
    bytesPerSecond = 0
    mostBytesPerSecond = 0
    add(count: number): void {
      this.open += count
      this.most = Math.max(this.most, this.open)
    }
    addLimit(bytesPerSecond: number): void {
      this.bytesPerSecond += bytesPerSecond
      this.mostBytesPerSecond = Math.max(this.mostBytesPerSecond, this.bytesPerSecond)
    }
  }

  /** A worker with connections that are counted. */
  class Holder {
    readonly slots: ConnectionSlots<Counted>
    /** Nothing that it asks comes to Redis. */
    isCutOff = false
    readonly tally: Tally
    readonly #lease = lease()

    constructor(tally: Tally) {
      this.tally = tally
      this.slots = new ConnectionSlots({
        lease: {
          renew: (holding) => (this.isCutOff ? new Promise(() => {}) : this.#lease.renew(holding)),
          release: () => this.#lease.release(),
        },
        open: () => new Counted(this),
        onError: (error) => {
          throw error
        },
      })
    }

    /** Works with one connection for as long as it has one. */
    async work(pauseMs: () => number): Promise<void> {
      while (!this.isCutOff) {
        const connection = await this.slots.take()
        await sleep(pauseMs())
        this.slots.giveBack(connection)
        await sleep(1)
      }
    }
  }

  class Counted {
    readonly #holder: Holder
    #isOpen = true
    #limit = 0

    constructor(holder: Holder) {
      this.#holder = holder
      holder.tally.add(1)
    }

    async close(): Promise<void> {
      await sleep(5)
      this.destroy()
    }

    destroy(): void {
      if (!this.#isOpen) return
      this.#isOpen = false
      this.#holder.tally.add(-1)
      this.#holder.tally.addLimit(-this.#limit)
    }

    setLimit(bytesPerSecond: number): void {
      this.#holder.tally.addLimit(bytesPerSecond - this.#limit)
      this.#limit = bytesPerSecond
    }
  }

  test('workers come, end and are cut off, in any order: never more than the limit', async () => {
    const seed = Date.now() % 1_000_000
    const random = randomNumbers(seed)
    const upTo = (count: number): number => Math.floor(random() * count)
    const tally = new Tally()
    const holders: Holder[] = []
    const begin = (): void => {
      const holder = new Holder(tally)
      holders.push(holder)
      for (let count = 0; count < LIMIT; count += 1) void holder.work(() => upTo(30))
    }
    begin()
    await untilTrue(() => tally.open === LIMIT)
    for (let step = 0; step < 60; step += 1) {
      await sleep(upTo(200))
      const [holder] = holders.length > 0 ? holders.splice(upTo(holders.length), 1) : []
      if (holder === undefined || holders.length < 4) begin()
      if (holder === undefined) continue
      const fate = upTo(4)
      if (fate === 0) void holder.slots.close()
      else if (fate === 1) holder.isCutOff = true
      else holders.push(holder)
    }
    expect(tally.most, `seed ${seed}`).toBe(LIMIT)
    expect(tally.mostBytesPerSecond, `seed ${seed}`).toBeCloseTo(BYTES_PER_SECOND)
    // Nothing is lost of those who are gone.
    await untilPasses(() => expect(tally.open, `seed ${seed}`).toBe(LIMIT))
    await Promise.all(holders.map(({ slots }) => slots.close()))
    await untilTrue(() => tally.open === 0)
  })

  test('a Redis that was killed and has forgotten everything grants nothing while a lease may still run', async () => {
    const tally = new Tally()
    const first = new Holder(tally)
    await untilTrue(() => tally.open === LIMIT)
    await server.kill()
    first.isCutOff = true
    await rm(folder.at('appendonlydir'), { recursive: true })
    await server.start()
    await setLimits(redis, HOST, { connections: LIMIT, bytesPerSecond: BYTES_PER_SECOND, leaseMs: LEASE_MS })
    const second = new Holder(tally)
    await untilTrue(() => tally.open === 0)
    await untilTrue(() => tally.open === LIMIT)
    expect(tally.most).toBe(LIMIT)
    await second.slots.close()
  })
})
