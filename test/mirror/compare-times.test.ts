import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TreeEntry } from '../../src/local/tree-entry.ts'
import { compareTimes, latestMs } from '../../src/mirror/compare-times.ts'

type Precision = TreeEntry['precision']

const NOON = Date.UTC(2026, 4, 20, 12)
const MIDNIGHT = Date.UTC(2026, 4, 20)
const MINUTE = 60_000
const DAY = 86_400_000

const told = (
  modifiedMs: number | undefined,
  precision: Precision,
): Pick<TreeEntry, 'modifiedMs' | 'precision'> => ({
  modifiedMs,
  precision,
})

describe('compareTimes', () => {
  test.each<[string, number, Precision, number, Precision, ReturnType<typeof compareTimes>]>([
    ['one time', NOON, 'millisecond', NOON, 'millisecond', 'same'],
    ['the slack, later', NOON, 'second', NOON + 2_000, 'millisecond', 'same'],
    ['the slack, earlier', NOON, 'millisecond', NOON - 2_000, 'second', 'same'],
    ['beyond the slack', NOON, 'second', NOON + 2_001, 'millisecond', 'newer'],
    ['before the slack', NOON, 'second', NOON - 2_001, 'second', 'older'],
    ['within the minute of the source', NOON, 'minute', NOON + MINUTE - 1, 'millisecond', 'same'],
    ['its end and the slack', NOON, 'minute', NOON + MINUTE + 1_999, 'second', 'same'],
    ['behind its end', NOON, 'minute', NOON + MINUTE + 2_000, 'second', 'newer'],
    ['its beginning and the slack', NOON, 'minute', NOON - 2_000, 'second', 'same'],
    ['before its beginning', NOON, 'minute', NOON - 2_001, 'second', 'older'],
    ['within the minute of the target', NOON + MINUTE - 1, 'millisecond', NOON, 'minute', 'same'],
    ['the end of that', NOON + MINUTE + 1_999, 'millisecond', NOON, 'minute', 'same'],
    ['behind the end of that', NOON + MINUTE + 2_000, 'millisecond', NOON, 'minute', 'older'],
    ['before the beginning of that', NOON - 2_001, 'millisecond', NOON, 'minute', 'newer'],
    ['two minutes', NOON, 'minute', NOON + MINUTE, 'minute', 'newer'],
    ['one minute told by both', NOON, 'minute', NOON, 'minute', 'same'],
    ['within the day', MIDNIGHT, 'day', NOON, 'second', 'same'],
    ['a minute of the day', NOON, 'minute', MIDNIGHT, 'day', 'same'],
    ['behind the day', MIDNIGHT, 'day', MIDNIGHT + DAY + 2_000, 'second', 'newer'],
    ['before the day of the target', MIDNIGHT - 2_001, 'second', MIDNIGHT, 'day', 'newer'],
    ['two days', MIDNIGHT, 'day', MIDNIGHT - DAY, 'day', 'older'],
  ])('%s', (_, sourceMs, sourcePrecision, targetMs, targetPrecision, expected) => {
    expect(compareTimes(told(sourceMs, sourcePrecision), told(targetMs, targetPrecision))).toBe(expected)
  })

  test('is unknown where one side does not tell', () => {
    const known = told(NOON, 'second')
    const unknown = told(undefined, undefined)
    expect(compareTimes(known, unknown)).toBe('unknown')
    expect(compareTimes(unknown, known)).toBe('unknown')
    expect(compareTimes(unknown, unknown)).toBe('unknown')
  })

  test('is the other way round with the sides exchanged, and takes what it cuts off for the same', () => {
    const precisions = fc.constantFrom('millisecond', 'second', 'minute', 'day')
    const times = fc.integer({ min: NOON - 2 * DAY, max: NOON + 2 * DAY })
    const opposite = { same: 'same', newer: 'older', older: 'newer', unknown: 'unknown' }
    const unit = { millisecond: 1, second: 1_000, minute: MINUTE, day: DAY }
    const property = fc.property(
      times,
      precisions,
      times,
      precisions,
      (a, sourcePrecision, b, targetPrecision) => {
        const source = told(a, sourcePrecision)
        const target = told(b, targetPrecision)
        expect(compareTimes(target, source)).toBe(opposite[compareTimes(source, target)])
        const cut = told(a - (a % unit[targetPrecision]), targetPrecision)
        expect(compareTimes(told(a, 'millisecond'), cut)).toBe('same')
      },
    )
    fc.assert(property, { numRuns: 2_000 })
  })
})

test('latestMs is the end of what is told', () => {
  expect(latestMs(told(NOON, 'millisecond'))).toBe(NOON)
  expect(latestMs(told(NOON, 'second'))).toBe(NOON)
  expect(latestMs(told(NOON, 'minute'))).toBe(NOON + MINUTE - 1)
  expect(latestMs(told(MIDNIGHT, 'day'))).toBe(MIDNIGHT + DAY - 1)
  expect(latestMs(told(undefined, undefined))).toBeUndefined()
})
