/** Two minutes of speed, in virtual time. */
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { BandwidthHistory } from '../../src/transfer/bandwidth-history.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { VirtualClock } from '../transport/virtual-clock.ts'

let clock: VirtualClock
let history: BandwidthHistory
let total: number

beforeEach(() => {
  clock = new VirtualClock()
  clock.advance(12_345.678)
  history = new BandwidthHistory(clock.read, clock.startTimer)
  total = 0
})

const watch = (): (() => void) => history.watch(() => total)

/** Bytes come evenly, every millisecond. */
function flow(bytesPerSecond: number, ms: number): void {
  for (let passed = 0; passed < ms; passed++) {
    total += bytesPerSecond / 1_000
    clock.advance(1)
  }
}

describe('nothing', () => {
  test('was watched: no samples, all zero, no timer', () => {
    clock.advance(10_000)
    expect(history.snapshot()).toEqual({
      samples: [],
      sampleMilliseconds: 500,
      now: 0,
      average: 0,
      maximum: 0,
    })
    expect(clock.timers).toBe(0)
  })

  test('came: samples of zero; the first one when half a second is over', () => {
    watch()
    clock.advance(499)
    expect(history.snapshot().samples).toEqual([])
    clock.advance(1)
    expect(history.snapshot().samples).toEqual([0])
    clock.advance(2_000)
    expect(history.snapshot().samples).toEqual([0, 0, 0, 0, 0])
  })
})

describe('samples', () => {
  test('are bytes per second, oldest first, with now, average and maximum', () => {
    watch()
    flow(1_000, 500)
    flow(5_000, 1_000)
    flow(3_000, 500)
    const { samples, now, average, maximum } = history.snapshot()
    expect(samples.map(Math.round)).toEqual([1_000, 5_000, 5_000, 3_000])
    expect([now, average, maximum].map(Math.round)).toEqual([3_000, 3_500, 5_000])
  })

  test('what is not finished is not told, and is not lost', () => {
    watch()
    flow(1_000, 700)
    expect(history.snapshot().samples.map(Math.round)).toEqual([1_000])
    flow(1_000, 300)
    expect(history.snapshot().samples.map(Math.round)).toEqual([1_000, 1_000])
  })

  test('an even flow is even, however late the timer is and whenever somebody asks', () => {
    const lateness = fc.array(fc.nat(400), { minLength: 5, maxLength: 20 })
    fc.assert(
      fc.property(
        lateness,
        fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 20 }),
        (late, questions) => {
          const time = new VirtualClock()
          let next = 0
          time.lateMs = () => late[next++ % late.length] ?? 0
          const even = new BandwidthHistory(time.read, time.startTimer)
          even.watch(() => time.now * 7)
          for (const wait of questions) {
            time.advance(wait)
            for (const sample of even.snapshot().samples) expect(sample).toBeCloseTo(7_000, 5)
          }
          expect(even.snapshot().samples).toHaveLength(Math.floor(time.now / 500))
        },
      ),
    )
  })

  test('a burst before a late look is spread over the time since the last one', () => {
    watch()
    clock.lateMs = () => 1_500
    clock.advance(500) // The first timer was started in time.
    total += 4_000
    clock.advance(2_000)
    expect(history.snapshot().samples.map(Math.round)).toEqual([0, 2_000, 2_000, 2_000, 2_000])
  })

  test('are those of the last 120 seconds', () => {
    watch()
    flow(9_000, 1_000)
    flow(1_000, 119_000)
    expect(history.snapshot().samples).toHaveLength(240)
    expect(Math.round(history.snapshot().maximum)).toBe(9_000)
    flow(1_000, 1_000)
    const { samples, maximum, average } = history.snapshot()
    expect(samples).toHaveLength(240)
    expect([maximum, average].map(Math.round)).toEqual([1_000, 1_000])
  })

  test('after a sleep of hours there are 240 of them, and none is too high', () => {
    watch()
    flow(1_000, 5_000)
    total += 1e9
    clock.now += 36_000_000
    const { samples, maximum } = history.snapshot()
    expect(samples).toHaveLength(240)
    expect(maximum).toBeLessThan(1e9 / 36_000 + 1)
    flow(1_000, 500)
    expect(history.snapshot().samples).toHaveLength(240)
  })

  test('are a copy', () => {
    watch()
    flow(1_000, 1_000)
    const { samples } = history.snapshot()
    flow(2_000, 1_000)
    expect(samples).toHaveLength(2)
  })
})

describe('totals', () => {
  test('that begin somewhere count from there', () => {
    total = 1e12
    watch()
    flow(1_000, 500)
    expect(history.snapshot().now).toBeCloseTo(1_000, 2)
  })

  test('that fall make no negative sample, and count again from where they fell to', () => {
    watch()
    flow(4_000, 500)
    total = 0
    clock.advance(500)
    expect(history.snapshot().samples.map(Math.round)).toEqual([4_000, 0])
    flow(2_000, 500)
    expect(history.snapshot().samples.map(Math.round)).toEqual([4_000, 0, 2_000])
  })

  test('of several are added; one that falls or goes away takes nothing from the others', () => {
    let second = 0
    watch()
    const stop = history.watch(() => second)
    second = 1_000
    total = 1_000
    clock.advance(500)
    second = 0
    total = 2_000
    history.snapshot()
    clock.advance(250)
    second = 500
    stop()
    stop()
    second = 1e9
    clock.advance(250)
    expect(history.snapshot().samples.map(Math.round)).toEqual([4_000, 3_000])
  })

  test('at random: no sample is negative, and together they are what came', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.nat(3_000)), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(steps, (all) => {
        const time = new VirtualClock()
        const random = new BandwidthHistory(time.read, time.startTimer)
        let sum = 1e7
        let came = 0
        random.watch(() => sum)
        for (const [bytes, wait] of all) {
          sum += bytes
          came += Math.max(0, bytes)
          random.snapshot()
          time.advance(wait)
        }
        time.advance(500)
        const { samples, now, average, maximum } = random.snapshot()
        expect(samples.every((sample) => sample >= 0)).toBe(true)
        if (samples.length < 240) expect(samples.reduce((a, b) => a + b / 2, 0)).toBeCloseTo(came, 3)
        expect(now).toBe(samples.at(-1))
        expect(maximum).toBe(Math.max(...samples))
        expect(average).toBeLessThanOrEqual(maximum + 1e-9)
      }),
    )
  })
})

describe('the timer', () => {
  test('runs while there is something to watch, and only one', () => {
    const stops = [watch(), watch(), watch()]
    expect(clock.timers).toBe(1)
    clock.advance(5_000)
    expect(clock.timers).toBe(1)
    for (const stop of stops) {
      expect(clock.timers).toBe(1)
      stop()
    }
    expect(clock.timers).toBe(0)
    clock.advance(5_000)
    expect(clock.timers).toBe(0)
  })

  test('stopped and begun again: what was in between is zero', () => {
    const stop = watch()
    flow(2_000, 1_000)
    stop()
    clock.advance(1_000)
    const again = watch()
    flow(2_000, 500)
    again()
    clock.advance(500)
    expect(history.snapshot().samples.map(Math.round)).toEqual([2_000, 2_000, 0, 0, 2_000, 0])
  })

  test('takes the samples without anybody asking', () => {
    watch()
    flow(1_000, 1_000)
    clock.advance(1_000)
    flow(1_000, 1_000)
    expect(history.snapshot().samples.map(Math.round)).toEqual([1_000, 1_000, 0, 0, 1_000, 1_000])
  })

  test('does not keep the process alive, and goes when it is stopped', async () => {
    const holding = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await expectNoLeaks(() => {
      const before = holding()
      const stop = new BandwidthHistory().watch(() => 0)
      expect(holding()).toBe(before)
      stop()
    })
  })
})
