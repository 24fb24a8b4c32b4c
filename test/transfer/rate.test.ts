/** Bytes per second over a sliding window, with a clock that the test turns. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RateMeter } from '../../src/transfer/rate.ts'

test('nothing has come: 0', () => {
  expect(new RateMeter(0).bytesPerSecond(0)).toBe(0)
  expect(new RateMeter(5_000).bytesPerSecond(9_000)).toBe(0)
})

test('young: the average since the start', () => {
  const rate = new RateMeter(10_000)
  rate.add(500, 10_100)
  expect(rate.bytesPerSecond(10_500)).toBeCloseTo(1_000)
})

test('steady: the rate itself, at any moment', () => {
  const rate = new RateMeter(0)
  for (let now = 10; now <= 20_000; now += 10) {
    rate.add(1_000, now)
    if (now > 3_500) expect(Math.abs(rate.bytesPerSecond(now) - 100_000)).toBeLessThan(5_000)
  }
})

test('what is older than the window counts no more', () => {
  const rate = new RateMeter(0)
  rate.add(1e9, 100)
  expect(rate.bytesPerSecond(200)).toBeGreaterThan(0)
  expect(rate.bytesPerSecond(3_500)).toBe(0)
  expect(rate.bytesPerSecond(1e9)).toBe(0)
})

test('a long silence and then as before: as before', () => {
  const rate = new RateMeter(0)
  for (let now = 0; now < 5_000; now += 50) rate.add(100, now)
  for (let now = 600_000; now < 606_000; now += 50) rate.add(100, now)
  expect(rate.bytesPerSecond(606_000)).toBeGreaterThan(1_800)
  expect(rate.bytesPerSecond(606_000)).toBeLessThan(2_200)
})

test('never negative, never above what came in the window', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2_000), fc.nat(1_000_000)), { maxLength: 60 }),
      fc.nat(5_000),
      (steps, pause) => {
        const rate = new RateMeter(0)
        let now = 0
        let total = 0
        for (const [wait, bytes] of steps) {
          now += wait
          total += bytes
          rate.add(bytes, now)
        }
        const perSecond = rate.bytesPerSecond(now + pause + 250)
        expect(perSecond).toBeGreaterThanOrEqual(0)
        expect(perSecond).toBeLessThanOrEqual((total * 1_000) / 250)
        expect(Number.isFinite(perSecond)).toBe(true)
      },
    ),
  )
})
