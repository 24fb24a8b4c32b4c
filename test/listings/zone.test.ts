/** Clocks on walls all over the world. */
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { utcTime } from '../../src/listing/calendar.ts'
import { parseListing } from '../../src/listing/parse-listing.ts'
import { Zone } from '../../src/listing/zone.ts'

const HOUR = 3_600_000
const ZONES = [
  ...['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe'],
  ...['Pacific/Apia', 'Africa/Casablanca', 'America/St_Johns', 'Antarctica/Troll', 'Pacific/Kiritimati'],
]

function wall(text: string): number {
  return Date.parse(`${text}Z`)
}

function inZone(zone: string, text: string): string {
  return new Date(new Zone(zone).toUtc(wall(text))).toISOString()
}

/** What a clock in the zone shows, by the parts that Intl gives. */
function shown(zone: string, utc: number): number {
  const options = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  } as const
  const format = new Intl.DateTimeFormat('en-US', {
    ...options,
    second: 'numeric',
    timeZone: zone,
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(utc).map(({ type, value }) => [type as string, Number(value)]))
  const [year = 0, month = 0, day = 0, hour, minute, second] = Object.keys({ ...options, second: '' }).map(
    (part) => parts.get(part) ?? 0,
  )
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

it('a time that the clock showed is when it showed it, the first time if there were two', () => {
  const seconds = fc.integer({ min: 0, max: 2_208_988_800 })
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), seconds, (zone, second) => {
      const utc = 1000 * second
      const time = shown(zone, utc)
      const earlier = [HOUR / 2, HOUR, 2 * HOUR]
        .map((hours) => utc - hours)
        .filter((other) => shown(zone, other) === time)
      expect(new Zone(zone).toUtc(time)).toBe(Math.min(utc, ...earlier))
    }),
    { numRuns: 500 },
  )
})

describe('days on which clocks are set', () => {
  it.each([
    ['2026-03-29T01:59:59', '2026-03-29T00:59:59.000Z'],
    ['2026-03-29T02:00:00', '2026-03-29T01:00:00.000Z'],
    ['2026-03-29T02:30:00', '2026-03-29T01:30:00.000Z'],
    ['2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T01:59:59', '2026-10-24T23:59:59.000Z'],
    ['2026-10-25T02:00:00', '2026-10-25T00:00:00.000Z'],
    ['2026-10-25T02:59:59', '2026-10-25T00:59:59.000Z'],
    ['2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
  ])('in Berlin, %s', (text, utc) => {
    expect(inZone('Europe/Berlin', text)).toBe(utc)
  })

  it.each([
    ['half an hour, in Lord Howe', 'Australia/Lord_Howe', '2026-10-04T02:15:00', '2026-10-03T15:45:00.000Z'],
    ['two hours, on Antarctica', 'Antarctica/Troll', '2026-03-29T01:30:00', '2026-03-29T01:30:00.000Z'],
    ['a day that Samoa did not have', 'Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T22:00:00.000Z'],
    ['the day behind it', 'Pacific/Apia', '2011-12-31T00:00:00', '2011-12-30T10:00:00.000Z'],
    ['before there were zones', 'America/New_York', '1850-01-01T00:00:00', '1850-01-01T04:56:02.000Z'],
  ])('%s', (_what, zone, text, utc) => {
    expect(inZone(zone, text)).toBe(utc)
  })
})

describe('what Intl is asked', () => {
  afterEach(() => vi.restoreAllMocks())

  function questions(lines: readonly string[]): number {
    const format = vi.spyOn(Intl.DateTimeFormat.prototype as { format: unknown }, 'format', 'get')
    parseListing(lines.join('\n'), { now: new Date('2026-11-21T12:00:00Z'), timeZone: 'Europe/Berlin' })
    return format.mock.calls.length
  }

  it('once or twice a day, however many lines there are', () => {
    const lines = Array.from({ length: 5000 }, (_, index) => {
      const time = new Date(Date.UTC(2026, 0, 1) + (index % 280) * 24 * HOUR + index * 60_000)
      return `-rw-r--r-- 1 a b 1 ${time.toISOString().slice(0, 16).replace('T', ' ')} file`
    })
    expect(questions(lines)).toBeLessThan(800)
  })

  it('no more on the day of a change', () => {
    const lines = Array.from({ length: 5000 }, (_, index) => {
      const minute = String(index % 60).padStart(2, '0')
      return `-rw-r--r-- 1 a b 1 2026-10-25 0${index % 4}:${minute} file`
    })
    expect(questions(lines)).toBeLessThan(50)
  })
})

it('the calendar is that of Date', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      (date) => {
        const time = {
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          hour: date.getUTCHours(),
          minute: date.getUTCMinutes(),
          second: date.getUTCSeconds(),
          millisecond: date.getUTCMilliseconds(),
        }
        expect(utcTime(date.getUTCFullYear(), time)).toBe(date.getTime())
      },
    ),
  )
})

it.each([
  [2026, 2, 29],
  [1900, 2, 29],
  [2026, 4, 31],
  [2026, 0, 1],
  [2026, 13, 1],
  [2026, 1, 0],
  [2026, 1, 32],
  [2026, NaN, 1],
])('the calendar has no %i-%i-%i', (year, month, day) => {
  expect(utcTime(year, { month, day, hour: 0, minute: 0, second: 0, millisecond: 0 })).toBeNaN()
})
