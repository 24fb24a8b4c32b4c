import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffDelay, type Backoff } from '../../src/util/backoff.ts'

const DOUBLING: Backoff = { minDelay: 500, maxDelay: 30_000, factor: 2, jitter: 0 }

describe('backoffDelay', () => {
  test('grows from the shortest delay to the longest', () => {
    const delays = [1, 2, 3, 6, 7, 8, 1_000_000].map((failures) =>
      backoffDelay(DOUBLING, failures, Math.random),
    )
    expect(delays).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
  })

  test('takes away at most the random share', () => {
    const at = (random: number, jitter: number): number =>
      backoffDelay({ ...DOUBLING, jitter }, 1, () => random)
    expect([at(0, 0.5), at(0.5, 0.5), at(0.999, 0), at(0.5, 1)]).toEqual([500, 375, 500, 250])
  })

  test('any allowed policy gives a delay from 0 to the longest, after any number of failures', () => {
    const policies = fc.record({
      minDelay: fc.oneof(fc.constant(0), fc.nat(100_000), fc.constant(Infinity)),
      maxDelay: fc.nat(100_000),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const failures = fc.oneof(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    fc.assert(
      fc.property(
        policies,
        failures,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (policy, count, random) => {
          const delay = backoffDelay(policy, count, () => random)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(policy.maxDelay)
        },
      ),
    )
  })
})
