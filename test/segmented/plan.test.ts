import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planSegments, type Segment } from '../../src/segmented/plan.ts'

const HUGE = Number.MAX_SAFE_INTEGER
const sizes = fc.oneof(
  fc.nat(5_000),
  fc.nat(2 ** 31 - 1),
  fc.maxSafeNat(),
  fc.nat(2_000).map((less) => HUGE - less),
)
const connections = fc.integer({ min: 1, max: 64 })
const minSizes = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.constant(1_048_576),
  fc.integer({ min: 1, max: HUGE }),
)

function forEveryPlan(
  check: (plan: readonly Segment[], size: number, most: number, least: number) => void,
): void {
  const property = fc.property(sizes, connections, minSizes, (size, most, least) => {
    check(planSegments(size, most, least), size, most, least)
  })
  fc.assert(property, { numRuns: 2_000 })
}

const lengths = (plan: readonly Segment[]): number[] => plan.map(({ start, end }) => end - start)

describe('planSegments', () => {
  test('covers the file from 0 to its size: in order, without gap or overlap, at whole bytes', () => {
    forEveryPlan((plan, size) => {
      expect(plan[0]?.start).toBe(0)
      expect(plan.at(-1)?.end).toBe(size)
      expect(plan.slice(1).map(({ start }) => start)).toEqual(plan.slice(0, -1).map(({ end }) => end))
      expect(plan.every(({ start, end }) => Number.isSafeInteger(end) && start <= end)).toBe(true)
    })
  })

  test('makes lengths that differ by one byte at most', () => {
    forEveryPlan((plan) =>
      expect(Math.max(...lengths(plan)) - Math.min(...lengths(plan))).toBeLessThanOrEqual(1),
    )
  })

  test('uses as many connections as the least size allows, and never a shorter segment unless alone', () => {
    forEveryPlan((plan, size, most, least) => {
      const affordable = Number(BigInt(size) / BigInt(least))
      expect(plan.length).toBe(Math.max(1, Math.min(most, affordable)))
      if (plan.length > 1) expect(Math.min(...lengths(plan))).toBeGreaterThanOrEqual(least)
    })
  })

  test('plans one empty segment for an empty file', () => {
    expect(planSegments(0, 8, 1)).toEqual([{ start: 0, end: 0 }])
  })

  test('leaves no byte out where the size does not divide', () => {
    expect(lengths(planSegments(10, 3, 1)).sort()).toEqual([3, 3, 4])
  })
})
