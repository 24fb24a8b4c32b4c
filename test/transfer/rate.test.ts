import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateMeter } from '../../src/transfer/rate.ts'

const WINDOW_MS = 3_000
const SLOT_MS = 250

/** A clock that starts anywhere and never goes back: `performance.now()` has fractions. */
const milliseconds = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: min * 1_000, max: max * 1_000 }).map((microseconds) => microseconds / 1_000)
const starts = milliseconds(0, 1_000_000)
const arrivals = fc.array(
  fc.record({ afterMs: milliseconds(0, 4_000), bytes: fc.nat(10_000_000) }),
  { maxLength: 60 },
)

describe('RateMeter', () => {
  test('a steady stream has its speed, at any time after the start', () => {
    fc.assert(
      fc.property(starts, fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 9_000 }), (start, perMs, ms) => {
        const meter = new RateMeter(start)
        for (let at = 1; at <= ms; at++) meter.add(perMs, start + at)
        // A slot's edge may cut one millisecond's bytes off.
        const tolerance = Math.max(0.01, 2 / ms)
        expect(meter.bytesPerSecond(start + ms) / (perMs * 1_000)).toBeGreaterThan(1 - tolerance)
        expect(meter.bytesPerSecond(start + ms) / (perMs * 1_000)).toBeLessThan(1 + tolerance)
      }),
      { numRuns: 60 },
    )
  })

  test('counts the bytes of the window and no others, and is never negative or infinite', () => {
    fc.assert(
      fc.property(starts, arrivals, milliseconds(1, 5_000), (start, all, after) => {
        const meter = new RateMeter(start)
        let now = start
        const seen: { at: number; bytes: number }[] = []
        for (const { afterMs, bytes } of all) {
          now += afterMs
          meter.add(bytes, now)
          seen.push({ at: now, bytes })
          expect(Number.isFinite(meter.bytesPerSecond(now))).toBe(true)
        }
        now += after
        const sum = (since: number): number =>
          seen.filter(({ at }) => at >= since).reduce((total, { bytes }) => total + bytes, 0)
        const elapsed = Math.min(now - start, WINDOW_MS)
        // The window's oldest slot counts as a whole.
        const least = (sum(now - WINDOW_MS + SLOT_MS) * 1_000) / elapsed
        const most = (sum(now - WINDOW_MS - 1e-6) * 1_000) / Math.min(now - start, WINDOW_MS - SLOT_MS)
        expect(meter.bytesPerSecond(now)).toBeGreaterThanOrEqual(least * 0.999)
        expect(meter.bytesPerSecond(now)).toBeLessThanOrEqual(most * 1.001)
      }),
      { numRuns: 300 },
    )
  })

  test('falls to nothing when nothing comes for a window, however long the silence', () => {
    for (const silence of [WINDOW_MS, 10_000, 86_400_000]) {
      const meter = new RateMeter(1_234.5)
      meter.add(1_000_000, 1_300)
      expect(meter.bytesPerSecond(1_300 + silence)).toBe(0)
      meter.add(3_000, 1_300 + silence)
      expect(meter.bytesPerSecond(1_400 + silence)).toBeLessThan(1_200)
    }
  })

  test('asking changes nothing', () => {
    const [asked, quiet] = [new RateMeter(0), new RateMeter(0)]
    for (let at = 10; at < 5_000; at += 10) {
      asked.add(7, at)
      quiet.add(7, at)
      asked.bytesPerSecond(at)
    }
    expect(asked.bytesPerSecond(5_000)).toBe(quiet.bytesPerSecond(5_000))
  })

  test('a clock that stands still or goes back a little gives a number', () => {
    const meter = new RateMeter(1_000)
    expect(meter.bytesPerSecond(1_000)).toBe(0)
    meter.add(500, 999)
    meter.add(500, 2_000)
    meter.add(500, 1_999)
    expect(meter.bytesPerSecond(2_000)).toBe(1_500)
  })
})
