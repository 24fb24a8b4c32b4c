/** A limit that many share, in virtual time: how much it hands out depends on no machine. */
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { BandwidthLimit, BandwidthTaker } from '../../src/transport/bandwidth.ts'
import { VirtualClock } from './virtual-clock.ts'

interface Grant {
  readonly at: number
  readonly bytes: number
}

let clock: VirtualClock

beforeEach(() => {
  clock = new VirtualClock()
})

function limitOf(bytesPerSecond?: number): BandwidthLimit {
  return new BandwidthLimit(bytesPerSecond, clock.read, clock.startTimer)
}

/** Takes so many bytes at a time and then thinks for a while, for ever. */
class Greedy {
  readonly grants: Grant[] = []
  readonly taker: BandwidthTaker
  readonly #wants: () => number
  readonly #thinksMs: () => number
  #left = 0

  constructor(limits: readonly BandwidthLimit[], wants: () => number, thinksMs: () => number = () => 0) {
    this.#wants = wants
    this.#thinksMs = thinksMs
    this.taker = new BandwidthTaker(limits, (bytes) => {
      this.#got(bytes)
      this.go()
    })
  }

  get total(): number {
    return this.grants.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  go(): void {
    for (;;) {
      if (this.#left === 0) {
        this.#left = this.#wants()
        const thinksMs = this.#thinksMs()
        if (thinksMs > 0) return void clock.startTimer(thinksMs, () => this.go())
      }
      const bytes = this.taker.ask(this.#left)
      if (bytes === 0) return
      this.#got(bytes)
    }
  }

  #got(bytes: number): void {
    if (bytes < 1 || bytes > this.#left) throw new Error(`asked for ${this.#left}, got ${bytes}`)
    this.#left -= bytes
    this.grants.push({ at: clock.now, bytes })
  }
}

/** The most that was handed out in any window of a second, `[t, t + 1 s)`. */
function mostInASecond(takers: readonly Greedy[]): number {
  const grants = takers.flatMap((taker) => taker.grants).sort((a, b) => a.at - b.at)
  let most = 0
  let sum = 0
  let first = 0
  for (const { at, bytes } of grants) {
    sum += bytes
    for (let old = grants[first]; old !== undefined && old.at <= at - 999.999; old = grants[first]) {
      sum -= old.bytes
      first += 1
    }
    most = Math.max(most, sum)
  }
  return most
}

function sum(takers: readonly Greedy[]): number {
  return takers.reduce((all, taker) => all + taker.total, 0)
}

/** From 1 byte/s to 10 GB/s, evenly over the orders of magnitude. */
const limits = fc.oneof(
  fc.integer({ min: 1, max: 60 }),
  fc.integer({ min: 0, max: 10_000 }).map((thousandths) => Math.floor(10 ** (thousandths / 1_000))),
)

/** Numbers between, from a seed: the same in each run of a property's example. */
function randomFrom(seed: number): (min: number, max: number) => number {
  let state = seed >>> 0
  return (min, max) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return min + Math.floor((state / 2 ** 32) * (max - min + 1))
  }
}

/** So many takers, each of its own appetite and pace, under one limit or under one of two groups and all. */
const crowd = fc.record({
  limit: limits,
  own: fc.option(limits, { nil: undefined }),
  takers: fc.integer({ min: 1, max: 12 }),
  seed: fc.nat(),
  thinksMs: fc.constantFrom(0, 3, 200, 4_000),
  lateMs: fc.constantFrom(0, 2, 30),
  seconds: fc.constantFrom(2, 4),
})

interface Crowd {
  readonly all: readonly Greedy[]
  readonly group: readonly Greedy[]
}

function run(options: {
  limit: number
  own: number | undefined
  takers: number
  seed: number
  thinksMs: number
  lateMs: number
  seconds: number
}): Crowd {
  clock = new VirtualClock()
  const random = randomFrom(options.seed)
  clock.lateMs = () => random(0, options.lateMs)
  const shared = limitOf(options.limit)
  const own = limitOf(options.own)
  const appetite = Math.max(1, Math.ceil(Math.max(options.limit, options.own ?? 0) / 20))
  const make = (limits: readonly BandwidthLimit[]): Greedy =>
    new Greedy(
      limits,
      () => random(1, appetite),
      () => random(0, options.thinksMs),
    )
  const group = Array.from({ length: options.takers }, () => make([own, shared]))
  const others = Array.from({ length: options.takers % 4 }, () => make([shared]))
  const all = [...group, ...others]
  for (const taker of all) taker.go()
  clock.advance(options.seconds * 1_000)
  return { all, group }
}

describe('in any one second', () => {
  test('at most 1.05 × the limit is handed out, whoever asks; with two limits both hold', () => {
    fc.assert(
      fc.property(crowd, (options) => {
        const { all, group } = run(options)
        expect(mostInASecond(all)).toBeLessThanOrEqual(1.05 * options.limit)
        if (options.own !== undefined) {
          expect(mostInASecond(group)).toBeLessThanOrEqual(1.05 * options.own)
        }
      }),
      { numRuns: 150 },
    )
  }, 120_000)

  test.each([1, 2, 7, 19, 20, 49, 50, 51, 99, 1_000, 123_457, 5_000_000, 10_000_000_000])(
    '%i bytes/s: not more than 1.05 ×, after a long silence too, and not much less than asked for',
    (bytesPerSecond) => {
      const shared = limitOf(bytesPerSecond)
      const all = Array.from({ length: 8 }, () => new Greedy([shared], () => 50_000_000))
      clock.advance(3_600_000)
      for (const taker of all) taker.go()
      clock.advance(10_000)
      expect(mostInASecond(all)).toBeLessThanOrEqual(1.05 * bytesPerSecond)
      expect(sum(all)).toBeGreaterThanOrEqual(9.9 * bytesPerSecond - 1)
    },
  )
})

describe('the whole of the limit is used', () => {
  test('by greedy takers, although every timer is up to 10 ms late', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 1e9 }),
        fc.integer({ min: 1, max: 16 }),
        fc.nat(),
        (limit, count, seed) => {
          clock = new VirtualClock()
          const random = randomFrom(seed)
          clock.lateMs = () => random(0, 10)
          const shared = limitOf(limit)
          const takers = Array.from({ length: count }, () => new Greedy([shared], () => 65_536))
          for (const taker of takers) taker.go()
          clock.advance(4_000)
          expect(sum(takers)).toBeGreaterThanOrEqual(3.8 * limit)
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)

  test('by one where the other, with a limit of its own, cannot', () => {
    const shared = limitOf(1_000_000)
    const slow = new Greedy([limitOf(100_000), shared], () => 65_536)
    const fast = new Greedy([limitOf(), shared], () => 65_536)
    slow.go()
    fast.go()
    clock.advance(10_000)
    expect(slow.total).toBeGreaterThan(980_000)
    expect(slow.total).toBeLessThan(1_020_000)
    expect(fast.total).toBeGreaterThan(8_900_000)
  })
})

describe('turns', () => {
  test('greedy takers get the same, whatever the size of their bites', () => {
    const shared = limitOf(1_000_000)
    const takers = [1_000_000, 65_536, 65_536, 20_000, 20_000].map((bite) => new Greedy([shared], () => bite))
    for (const taker of takers) taker.go()
    clock.advance(20_000)
    for (const taker of takers) expect(taker.total / 4_000_000).toBeCloseTo(1, 1)
  })

  test('with a limit of one’s own as well, the share of the common one is the same', () => {
    const shared = limitOf(1_000_000)
    const own = limitOf(900_000)
    const takers = [own, own, own, own, limitOf(), limitOf(), limitOf(), limitOf()].map(
      (limit) => new Greedy([limit, shared], () => 65_536),
    )
    for (const taker of takers) taker.go()
    clock.advance(20_000)
    for (const taker of takers) expect(taker.total / 2_500_000).toBeCloseTo(1, 1)
  })

  test('one byte a second goes round', () => {
    const shared = limitOf(1)
    const takers = Array.from({ length: 3 }, () => new Greedy([shared], () => 100))
    for (const taker of takers) taker.go()
    clock.advance(8_500)
    expect(takers.map(({ grants }) => grants.map(({ at }) => Math.round(at)))).toEqual([
      [0, 1_000, 4_000, 7_000],
      [2_000, 5_000, 8_000],
      [3_000, 6_000],
    ])
  })

  test('one who leaves while waiting holds nobody up, keeps nothing and leaves no timer', () => {
    const shared = limitOf(1_000)
    const own = limitOf(1_000_000)
    // The first has its own limit's promise and waits for the shared one; the second stands behind it.
    const first = new Greedy([own, shared], () => 65_536)
    const second = new Greedy([own, shared], () => 65_536)
    first.go()
    second.go()
    clock.advance(1_000)
    first.taker.leave()
    first.taker.leave()
    const before = second.total
    clock.advance(10_000)
    expect(second.total - before).toBeGreaterThan(9_800)
    second.taker.leave()
    expect(clock.timers).toBe(0)
    const total = second.total
    clock.advance(10_000)
    expect(second.total).toBe(total)
  })

  test('promises of the own limit, all of them under way, hold up nobody for good', () => {
    const shared = limitOf(20)
    const own = limitOf(30)
    const takers = Array.from({ length: 5 }, () => new Greedy([own, shared], () => 10))
    for (const taker of takers) taker.go()
    clock.advance(20_000)
    expect(sum(takers)).toBeGreaterThan(350)
    for (const taker of takers) expect(taker.total).toBeGreaterThan(60)
  })
})

describe('a change while it runs', () => {
  test('raised: those in line need not wait any more', () => {
    const shared = limitOf(1)
    const taker = new Greedy([shared], () => 100_000)
    taker.go()
    clock.advance(2_500)
    expect(taker.total).toBe(3)
    shared.set(1_000_000)
    clock.advance(100)
    expect(taker.total).toBeGreaterThan(95_000)
    expect(shared.bytesPerSecond).toBe(1_000_000)
  })

  test('taken away: those in line have all they asked for at once, and no timer is left', () => {
    const shared = limitOf(1)
    const granted: number[] = []
    const takers = [1, 2, 3].map(() => new BandwidthTaker([shared], (bytes) => granted.push(bytes)))
    expect(takers.map((taker) => taker.ask(5_000_000))).toEqual([1, 0, 0])
    shared.set(undefined)
    expect(granted).toEqual([5_000_000, 5_000_000])
    expect(clock.timers).toBe(0)
    expect(shared.bytesPerSecond).toBeUndefined()
    expect(takers[0]?.ask(1e12)).toBe(1e12)
  })

  test('lowered: at once, with those who were promised more; no silence of more than a second', () => {
    const shared = limitOf(5_000_000) // They stand in its line, with promises of their own limit.
    const own = limitOf(10_000_000)
    const takers = Array.from({ length: 8 }, () => new Greedy([own, shared], () => 65_536))
    for (const taker of takers) taker.go()
    clock.advance(1_000)
    const before = sum(takers)
    own.set(1_000)
    clock.advance(1_000)
    expect(sum(takers) - before).toBeLessThanOrEqual(1_050)
    clock.advance(9_000)
    expect(sum(takers) - before).toBeGreaterThan(8_900)
    expect(sum(takers) - before).toBeLessThanOrEqual(10_050)
  })

  test('at random: never more than the rates allow, plus the burst of the highest', () => {
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 1_500 }), limits), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(changes, fc.integer({ min: 1, max: 10 }), (steps, count) => {
        clock = new VirtualClock()
        const shared = limitOf(1_000)
        const takers = Array.from({ length: count }, () => new Greedy([limitOf(), shared], () => 1_000_000))
        for (const taker of takers) taker.go()
        let allowed = 0
        let highest = 1_000
        for (const [ms, limit] of steps) {
          shared.set(limit)
          highest = Math.max(highest, limit)
          clock.advance(ms)
          allowed += (limit * ms) / 1_000
          expect(sum(takers)).toBeLessThanOrEqual(allowed + highest / 50 + 1 + 1e-3)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a limit set on a fast transfer starts without credit', () => {
    const shared = limitOf()
    const taker = new Greedy([shared], () => 1_000_000)
    expect(taker.taker.ask(1_000_000)).toBe(1_000_000)
    clock.advance(60_000)
    shared.set(1_000)
    taker.go()
    expect(taker.total).toBe(0)
    clock.advance(100)
    expect(taker.total).toBeGreaterThan(90)
    expect(taker.total).toBeLessThanOrEqual(100)
  })
})

describe('bytes that came without asking', () => {
  test('are paid back by everybody before the next turn', () => {
    const shared = limitOf(1_000)
    const taker = new Greedy([shared], () => 10)
    new BandwidthTaker([shared], () => undefined).charge(500)
    taker.go()
    clock.advance(470)
    expect(taker.total).toBe(0)
    clock.advance(1_030)
    expect(taker.total).toBeGreaterThan(980)
    expect(taker.total).toBeLessThanOrEqual(1_020)
  })

  test('are a debt of a second at the most', () => {
    const shared = limitOf(1_000)
    const taker = new Greedy([shared], () => 10)
    taker.taker.charge(1_000_000)
    taker.go()
    clock.advance(995)
    expect(taker.total).toBe(0)
    clock.advance(1_005)
    expect(taker.total).toBeGreaterThan(980)
  })

  test('what is given back can be had by others at once, but is never more than the burst', () => {
    const shared = limitOf(1_000)
    const first = new BandwidthTaker([shared], () => undefined)
    const second = new Greedy([shared], () => 1_000)
    expect(first.ask(5)).toBe(5)
    second.go()
    const before = second.total
    first.giveBack(5)
    expect(second.total).toBe(before + 5)
    first.giveBack(1_000_000)
    expect(second.total).toBeLessThanOrEqual(before + 5 + 21)
  })
})

describe('no limit', () => {
  test('gives all at once, keeps nobody in line, starts no timer', () => {
    const taker = new BandwidthTaker([limitOf(), limitOf(Infinity)], () => expect.unreachable())
    expect(taker.isLimited).toBe(false)
    expect(taker.bytesPerSecond).toBe(Infinity)
    expect(taker.ask(1e15)).toBe(1e15)
    expect(new BandwidthTaker([], () => expect.unreachable()).ask(7)).toBe(7)
    expect(clock.timers).toBe(0)
  })
})

test.each([0, -1, 0.5, NaN, -Infinity])('%d bytes/s is refused, and changes nothing', (bytesPerSecond) => {
  const shared = limitOf(5)
  expect(() => shared.set(bytesPerSecond)).toThrow(RangeError)
  expect(() => shared.set(bytesPerSecond)).toThrow(
    /"bytesPerSecond" is .* must be a number from 1 to Infinity/,
  )
  expect(() => limitOf(bytesPerSecond)).toThrow(RangeError)
  expect(shared.bytesPerSecond).toBe(5)
})

test('what is no number is refused; a fraction of a byte is dropped', () => {
  expect(() => limitOf('5' as unknown as number)).toThrow(TypeError)
  expect(limitOf(1.99).bytesPerSecond).toBe(1)
})
