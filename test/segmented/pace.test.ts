import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SegmentJob } from '../../src/segmented/job.ts'
import { Paces } from '../../src/segmented/pace.ts'
import { RetryBudget } from '../../src/operations/retry.ts'

const POLICY = { attempts: 1, minDelay: 0, maxDelay: 0, factor: 1, jitter: 0 }
const LOOK_MS = 100

/** A virtual clock, and segments that move at rates. */
class World {
  now = 0
  readonly paces = new Paces(() => this.now)
  readonly #rates = new Map<SegmentJob, number>()

  begin(session: object, afterMs = 50): SegmentJob {
    const retries = new RetryBudget(POLICY, undefined, Math.random)
    const job = new SegmentJob({ start: 0, end: 1e12, size: 1e12, retries })
    this.paces.began(job, session)
    this.run(afterMs)
    this.paces.firstByte(job)
    return job
  }

  rate(job: SegmentJob, bytesPerSecond: number): void {
    this.#rates.set(job, bytesPerSecond)
  }

  /** Looks as often as the crew does. */
  run(ms: number): void {
    for (let left = ms; left > 0; left -= LOOK_MS) {
      this.pass(Math.min(left, LOOK_MS))
      this.paces.look()
    }
  }

  /** Time in which nobody looks. */
  pass(ms: number, doesFlow = true): void {
    this.now += ms
    if (!doesFlow) return
    for (const [job, rate] of this.#rates) job.position += Math.round((rate * ms) / 1_000)
  }
}

describe('Paces', () => {
  test('a steady rate is measured as it is, and the start with it', () => {
    const rate = fc.integer({ min: 1_000, max: 1_000_000_000 })
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 2, max: 80 }),
        (speed, start, looks) => {
          const world = new World()
          const session = {}
          const job = world.begin(session, start)
          world.rate(job, speed)
          world.run(looks * LOOK_MS)
          expect((world.paces.speedOf(job) ?? 0) / speed).toBeCloseTo(1, 2)
          expect(world.paces.typical.bytesPerSecond / speed).toBeCloseTo(1, 2)
          world.paces.ended(job, session)
          expect(world.paces.of(session).bytesPerSecond / speed).toBeCloseTo(1, 2)
          // The ramp is none.
          expect(Math.abs(world.paces.of(session).startSeconds - start / 1_000)).toBeLessThan(0.05)
          expect(world.paces.speedOf(job)).toBeUndefined()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('follows a change within two seconds', () => {
    const world = new World()
    const job = world.begin({})
    world.rate(job, 8e6)
    world.run(10_000)
    world.rate(job, 1e6)
    world.run(2_000)
    expect(world.paces.speedOf(job)).toBeCloseTo(1e6, -4)
    world.rate(job, 0)
    world.run(2_000)
    expect(world.paces.speedOf(job)).toBe(0)
  })

  test('what a slow beginning costs is a part of the start, and no part of the speed', () => {
    const world = new World()
    const session = {}
    const job = world.begin(session, 100)
    world.rate(job, 1e6)
    world.run(500)
    world.rate(job, 10e6)
    world.run(1_000)
    world.paces.ended(job, session)
    const pace = world.paces.of(session)
    expect(pace.bytesPerSecond).toBeCloseTo(10e6, -5)
    // Half a second at a tenth of the speed is 0.45 seconds lost.
    expect(pace.startSeconds).toBeCloseTo(0.55, 1)
  })

  test('while it is young it is taken for as fast as its session was before', () => {
    const world = new World()
    const session = {}
    const first = world.begin(session)
    world.rate(first, 10e6)
    world.run(3_000)
    world.paces.ended(first, session)
    world.rate(first, 0)
    const second = world.begin(session)
    expect(world.paces.speedOf(second)).toBeUndefined()
    world.rate(second, 1e6)
    world.run(500)
    expect(world.paces.speedOf(second)).toBeCloseTo(10e6, -5)
    world.run(1_000)
    expect(world.paces.speedOf(second)).toBeCloseTo(1e6, -4)
  })

  test('bursts at the beginning, a round trip apart, are no standstill', () => {
    const world = new World()
    const fast = world.begin({})
    world.rate(fast, 20e6)
    world.run(3_000)
    const young = world.begin({})
    for (const burst of [14_600, 29_200, 58_400]) {
      young.position += burst
      for (let at = 0; at < 3; at++) {
        world.run(LOOK_MS)
        expect(world.paces.speedOf(young)).toBeUndefined()
      }
    }
    world.run(1_200)
    expect(world.paces.speedOf(young)).toBeLessThan(200_000)
    world.run(2_000)
    expect(world.paces.speedOf(young)).toBe(0)
  })

  test('one whose first byte does not come stands still after a while, and is not judged before', () => {
    const world = new World()
    const retries = new RetryBudget(POLICY, undefined, Math.random)
    const job = new SegmentJob({ start: 0, end: 1e6, size: 1e6, retries })
    world.paces.began(job)
    world.run(1_900)
    expect(world.paces.speedOf(job)).toBeUndefined()
    world.run(200)
    expect(world.paces.speedOf(job)).toBe(0)
  })

  test('nobody has stood still because nobody has looked', () => {
    const world = new World()
    const job = world.begin({})
    world.rate(job, 5e6)
    world.run(5_000)
    // The program was busy, or the machine asleep: nothing was read meanwhile, and what waits is read afterwards.
    world.pass(60_000, false)
    world.paces.look()
    expect(world.paces.speedOf(job)).toBeCloseTo(5e6, -5)
    world.run(300)
    expect(world.paces.speedOf(job)).toBeCloseTo(5e6, -5)
  })

  test('the current speed is not known before the first byte, and that of a young one is what it has brought', () => {
    const world = new World()
    const job = world.begin({})
    expect(world.paces.currentSpeedOf(job)).toBe(0)
    expect(new Paces(() => 0).currentSpeedOf(job)).toBeUndefined()
    world.rate(job, 1e6)
    world.run(50)
    expect(world.paces.speedOf(job)).toBeUndefined()
    expect(world.paces.currentSpeedOf(job)).toBeCloseTo(1e6, -5)
  })

  test('a connection that goes on needs no start for the next segment', () => {
    const world = new World()
    const session = {}
    const job = world.begin(session)
    world.rate(job, 1e7)
    world.run(2_000)
    const { retries } = job
    const next = new SegmentJob({ start: 1e12, end: 2e12, size: 2e12, retries })
    world.paces.wentOn(job, next, session)
    expect(world.paces.of(session).bytesPerSecond).toBeCloseTo(1e7, -6)
    expect(world.paces.currentSpeedOf(next)).toBeCloseTo(1e7, -6)
    world.pass(200)
    next.position += 2e6
    world.paces.look()
    expect(world.paces.speedOf(next)).toBeCloseTo(1e7, -6)
  })

  test('one that stands still spoils neither what is typical nor what its session has shown', () => {
    const world = new World()
    const session = {}
    const stalled = world.begin(session)
    world.run(5_000)
    expect(world.paces.speedOf(stalled)).toBe(0)
    expect(world.paces.typical.bytesPerSecond).toBeGreaterThan(0)
    world.paces.ended(stalled, session)
    expect(world.paces.of(session).bytesPerSecond).toBeGreaterThan(0)
  })

  test('knows something of the typical connection before it knows anything', () => {
    const { typical } = new Paces(() => 0)
    expect(typical.bytesPerSecond).toBeGreaterThan(0)
    expect(typical.startSeconds).toBeGreaterThan(0)
  })
})
