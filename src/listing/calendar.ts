/** Days, years and times of day as listings print them. */
import type { ModifiedPrecision } from './modified.ts'

/** A date and a time of day, on whatever clock. */
export interface PrintedTime {
  /** `undefined` where the listing leaves it out. */
  readonly year: number | undefined
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  readonly precision: ModifiedPrecision
}

export type TimeOfDay = Pick<PrintedTime, 'hour' | 'minute' | 'second' | 'millisecond' | 'precision'>

/** What a line has that tells a date only. */
export const MIDNIGHT: TimeOfDay = { hour: 0, minute: 0, second: 0, millisecond: 0, precision: 'day' }

const DAY_MS = 86_400_000
/** From 1 March of the year 0 to 1 January 1970. */
const DAYS_TO_1970 = 719_468

/**
 * Milliseconds since 1970, the time taken for UTC. NaN for a day that the calendar has not, and for a time that
 * a clock does not show; a leap second (23:59:60) is the first of the next day.
 */
export function utcTime(year: number, time: Omit<PrintedTime, 'year' | 'precision'>): number {
  const { month, day, hour, minute, second, millisecond } = time
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysOf(month, year))) return NaN
  if (!isTimeOfDay(hour, minute, second)) return NaN
  const days = daysSince1970(year, month, day)
  return DAY_MS * days + 3_600_000 * hour + 60_000 * minute + 1000 * second + millisecond
}

function isTimeOfDay(hour: number, minute: number, second: number): boolean {
  if (second === 60) return hour === 23 && minute === 59
  return hour <= 23 && minute <= 59 && second <= 59
}

/** Counted in years that begin in March: a leap day is the last of its year. Date.UTC takes the year 70 for 1970. */
function daysSince1970(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1
  const months = month > 2 ? month - 3 : month + 9
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return 365 * years + leapDays + Math.floor((153 * months + 2) / 5) + day - 1 - DAYS_TO_1970
}

function daysOf(month: number, year: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** A year of two digits is one of 1980 to 2079; one of three is counted from 1900, as by servers of the nineties. */
export function fullYear(year: number, digits: number): number {
  if (digits < 2) return NaN
  if (digits === 2) return year < 80 ? 2000 + year : 1900 + year
  return digits === 3 ? 1900 + year : year
}

/** The hour of a clock with twelve of them; NaN for one that it does not show. Some servers print 00 for 12. */
export function hourOf(hour: number, isAfternoon: boolean): number {
  if (hour > 12) return NaN
  return (hour % 12) + (isAfternoon ? 12 : 0)
}

const TIME_OF_DAY = /^(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/

/** `h:mm`, `hh:mm:ss` or `hh:mm:ss.ff`. */
export function parseTimeOfDay(word: string): TimeOfDay | undefined {
  const match = TIME_OF_DAY.exec(word)
  if (match === null) return undefined
  const [, hour, minute, second, fraction] = match
  return {
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second ?? 0),
    millisecond: millisecondsOf(fraction ?? ''),
    precision: precisionOf(second, fraction),
  }
}

function precisionOf(second: string | undefined, fraction: string | undefined): ModifiedPrecision {
  if (fraction !== undefined) return 'millisecond'
  return second === undefined ? 'minute' : 'second'
}

/** @param fraction the digits behind a point; those beyond milliseconds are cut */
export function millisecondsOf(fraction: string): number {
  return Number(fraction.slice(0, 3).padEnd(3, '0'))
}
