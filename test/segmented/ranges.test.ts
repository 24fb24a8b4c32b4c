import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coveredBytes, gapsIn, mergeRanges, type ByteRange } from '../../src/segmented/ranges.ts'

const SIZE = 60
const small = fc.record({ start: fc.nat(SIZE), end: fc.nat(SIZE) })
const manySmall = fc.array(small, { maxLength: 12 })
const huge = fc.record({ start: fc.maxSafeNat(), end: fc.maxSafeNat() })

/** The slow and plain way to say the same: byte by byte. */
function bytesIn(ranges: readonly ByteRange[]): number[] {
  return Array.from({ length: SIZE }, (_, at) => at).filter((at) =>
    ranges.some(({ start, end }) => start <= at && at < end),
  )
}

function expectCanonical(ranges: readonly ByteRange[]): void {
  ranges.forEach(({ start, end }, index) => {
    expect(start).toBeLessThan(end)
    if (index > 0) expect(start).toBeGreaterThan(ranges[index - 1]?.end ?? Infinity)
  })
}

describe('mergeRanges', () => {
  test('sorts, joins what overlaps or touches, and drops what is empty', () => {
    const ranges = [
      { start: 30, end: 40 },
      { start: 0, end: 10 },
      { start: 10, end: 12 },
      { start: 20, end: 20 },
      { start: 35, end: 38 },
      { start: 50, end: 45 },
    ]
    expect(mergeRanges(ranges)).toEqual([
      { start: 0, end: 12 },
      { start: 30, end: 40 },
    ])
  })

  test('holds the same bytes, in the one shortest form', () => {
    fc.assert(
      fc.property(manySmall, (ranges) => {
        const merged = mergeRanges(ranges)
        expectCanonical(merged)
        expect(bytesIn(merged)).toEqual(bytesIn(ranges))
      }),
    )
  })

  test('of any order and number gives the same, also of its own result; what it is given stays as it was', () => {
    const ranges = fc.array(fc.oneof(small, huge), { maxLength: 20 })
    fc.assert(
      fc.property(ranges, fc.func(fc.nat()), (given, key) => {
        const before = structuredClone(given)
        const merged = mergeRanges(given)
        expect(given).toEqual(before)
        expect(mergeRanges([...given].sort((a, b) => key(a) - key(b)))).toEqual(merged)
        expect(mergeRanges([...merged, ...given])).toEqual(merged)
      }),
    )
  })
})

describe('gapsIn', () => {
  test('is everything where there is nothing, and nothing where there is everything', () => {
    expect(gapsIn([], 10)).toEqual([{ start: 0, end: 10 }])
    expect(gapsIn([{ start: 0, end: 10 }], 10)).toEqual([])
    expect(gapsIn([], 0)).toEqual([])
  })

  test('is what the ranges leave of the file, no byte of it beyond the end', () => {
    fc.assert(
      fc.property(manySmall, fc.nat(SIZE), (ranges, size) => {
        const gaps = gapsIn(ranges, size)
        expectCanonical(gaps)
        const inFile = [{ start: 0, end: size }]
        const expected = bytesIn(inFile).filter((at) => !bytesIn(ranges).includes(at))
        expect(bytesIn(gaps)).toEqual(expected)
      }),
    )
  })

  test('and the ranges fill the file, of any size', () => {
    fc.assert(
      fc.property(fc.array(huge, { maxLength: 20 }), (ranges) => {
        const size = Number.MAX_SAFE_INTEGER
        const gaps = gapsIn(ranges, size)
        expect(coveredBytes(gaps) + coveredBytes(ranges)).toBe(size)
        expect(mergeRanges([...gaps, ...ranges])).toEqual([{ start: 0, end: size }])
      }),
    )
  })
})

test('coveredBytes counts each byte once', () => {
  fc.assert(
    fc.property(manySmall, (ranges) => {
      expect(coveredBytes(ranges)).toBe(bytesIn(ranges).length)
    }),
  )
})
