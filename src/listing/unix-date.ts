/**
 * The date in a line of `ls -l`, in all the ways that servers print it:
 *
 *   Jan  2 03:04     Jan 02  2020     May 17 06:31:47 2005     Nov  9 93 15:17     Feb 13 08.52
 *   Aug 14, 2022 10:21     Oct 24, 98 11:28 pm
 *   02 Jan 03:04     7 Jul  2019     13. Juli, 07:45     9.   Okt.  2013
 *   5月 02 03:04     5月 21日 2019年
 *   2026-01-02 03:04     2026-01-02 03:04:05.123456789 +0200     11-20 18:22     2009-08-27
 *   2019/03/28 06:07     27-05-2013 18:19
 *   ------------     which tells none
 *
 * One object reads all lines of a listing: what it holds is good until it reads the next date.
 */
import { fullYear, hourOf, millisecondsOf, utcTime, type PrintedTime } from './calendar.ts'
import { modifiedTime, type ListingClock } from './clock.ts'
import type { ModifiedPrecision, ModifiedTime } from './modified.ts'
import { monthAt } from './months.ts'
import { endOfWord, isBlank, isDigit, numberAt, skipBlanks, skipDigits } from './scan.ts'

const COMMA = 0x2c
const HYPHEN = 0x2d
const STOP = 0x2e
const SLASH = 0x2f
const COLON = 0x3a
const PLUS = 0x2b
/** Behind the numbers of a year, a month and a day in Japanese and Chinese, and in Korean. */
const YEAR_MARKS = '年년'
const MONTH_MARKS = '月월'
const DAY_MARKS = '日일'

const ASCII = 0x7f

const NO_DATE = '------------'

export class UnixDate implements PrintedTime {
  year: number | undefined
  month: number = 0
  day: number = 0
  hour: number = 0
  minute: number = 0
  second: number = 0
  millisecond: number = 0
  precision: ModifiedPrecision = 'day'
  /** Where the name begins, behind the date. */
  nameStart: number = 0
  /** Of the zone that stands behind the time, in milliseconds. */
  #offset: number | undefined

  /** Whether a date begins at `start`, with a name behind it. */
  read(line: string, start: number): boolean {
    this.#clear()
    const first = line.charCodeAt(start)
    if (isDigit(first)) return this.#beginWithNumber(line, start)
    if (first !== HYPHEN) return this.#readUsual(line, start) || this.#beginWithMonth(line, start)
    return line.startsWith(NO_DATE, start) && this.#endAt(line, start + NO_DATE.length)
  }

  /** The time that was read; `undefined` if there is no such day. */
  time(clock: ListingClock): ModifiedTime | undefined {
    if (this.#offset === undefined) return clock.time(this)
    return modifiedTime(utcTime(this.year ?? NaN, this) - this.#offset, this.precision)
  }

  #clear(): void {
    this.year = undefined
    this.month = 0
    this.#clearTime()
    this.#offset = undefined
  }

  #clearTime(): void {
    this.hour = 0
    this.minute = 0
    this.second = 0
    this.millisecond = 0
    this.precision = 'day'
  }

  /** `Jan  2 03:04` and `Jan  2  2020` with nothing out of its column: what nearly all servers print, and fast. */
  #readUsual(line: string, start: number): boolean {
    const isApart = isBlank(line.charCodeAt(start + 3)) && isBlank(line.charCodeAt(start + 6))
    if (!isApart || !isBlank(line.charCodeAt(start + 12))) return false
    const isEarly = isBlank(line.charCodeAt(start + 4))
    const day = numberAt(line, isEarly ? start + 5 : start + 4, start + 6)
    const hasYear = isBlank(line.charCodeAt(start + 7))
    const first = hasYear ? numberAt(line, start + 8, start + 12) : numberAt(line, start + 7, start + 9)
    const second = hasYear ? 0 : numberAt(line, start + 10, start + 12)
    if (Number.isNaN(day + first + second)) return false
    if (!hasYear && line.charCodeAt(start + 9) !== COLON) return false
    if (!this.#isMonth(line, start, start + 3)) return false
    this.day = day
    if (hasYear) {
      this.year = first
    } else {
      this.hour = first
      this.minute = second
      this.precision = 'minute'
    }
    return this.#endAt(line, start + 12)
  }

  #beginWithMonth(line: string, start: number): boolean {
    const end = endOfWord(line, start)
    const day = skipBlanks(line, end)
    // Before the word is looked up: owners and groups come here too.
    return isDigit(line.charCodeAt(day)) && this.#isMonth(line, start, end) && this.#dayBehindMonth(line, day)
  }

  #isMonth(line: string, start: number, end: number): boolean {
    const month = monthAt(line, start, end)
    this.month = month ?? 0
    return month !== undefined
  }

  #dayBehindMonth(line: string, start: number): boolean {
    const end = skipDigits(line, start)
    if (end === start || end - start > 2) return false
    this.day = numberAt(line, start, end)
    if (line.charCodeAt(end) === COMMA) return this.#yearAndTime(line, end + 1)
    const behind = skipMark(line, end, DAY_MARKS)
    return this.#yearOrTime(line, behind) || this.#yearAndTime(line, behind)
  }

  #beginWithNumber(line: string, start: number): boolean {
    const end = skipDigits(line, start)
    if (end - start > 4) return false
    const mark = line.charCodeAt(end)
    const isNumeric =
      (mark === HYPHEN || mark === SLASH || mark === STOP) && isDigit(line.charCodeAt(end + 1))
    if (isNumeric) return this.#numeric(line, start, end)
    const number = numberAt(line, start, end)
    const behind = skipMark(line, end, MONTH_MARKS)
    if (behind > end) {
      this.month = number
      return this.#dayBehindMonth(line, skipBlanks(line, behind))
    }
    if (end - start > 2) return false
    this.day = number
    return this.#monthBehindDay(line, mark === STOP ? end + 1 : end)
  }

  #monthBehindDay(line: string, at: number): boolean {
    const start = skipBlanks(line, at)
    if (start === at || isDigit(line.charCodeAt(start))) return false
    const end = endOfWord(line, start)
    return this.#isMonth(line, start, end) && this.#yearOrTime(line, end)
  }

  /** `03:04`, `06:31:47 2005`, `2020`. */
  #yearOrTime(line: string, at: number): boolean {
    const start = skipBlanks(line, at)
    if (start === at) return false
    const end = skipDigits(line, start)
    if (end - start === 4) {
      this.year = numberAt(line, start, end)
      return this.#endAt(line, skipMark(line, end, YEAR_MARKS))
    }
    const timeEnd = this.#clockTime(line, start)
    if (timeEnd < 0) return false
    // A name may be a number, but no server prints seconds without the year.
    const yearEnd = timeEnd + 5
    const hasYear = this.precision === 'second' && skipDigits(line, timeEnd + 1) === yearEnd
    if (!hasYear || !isBlank(line.charCodeAt(timeEnd))) return this.#endAt(line, timeEnd)
    this.year = numberAt(line, timeEnd + 1, yearEnd)
    return this.#endAt(line, yearEnd)
  }

  /** `2022 10:21`, `93 15:17`, `98 11:28 pm`; with four digits only behind a comma, or the time may be the name. */
  #yearAndTime(line: string, at: number): boolean {
    const start = skipBlanks(line, at)
    const end = skipDigits(line, start)
    const digits = end - start
    const hasComma = line.charCodeAt(at - 1) === COMMA
    if (start === at || (digits !== 2 && !(hasComma && digits === 4))) return false
    this.year = fullYear(numberAt(line, start, end), digits)
    const timeEnd = this.#clockTime(line, skipBlanks(line, end))
    if (timeEnd >= 0) return this.#endAt(line, hasComma ? this.#half(line, timeEnd) : timeEnd)
    this.#clearTime()
    return hasComma && this.#endAt(line, end)
  }

  /** ` am` or ` pm` behind a time: the place behind it. */
  #half(line: string, at: number): number {
    const half = line.slice(at, at + 4).toLowerCase()
    if (half !== ' am ' && half !== ' pm ') return at
    this.hour = hourOf(this.hour, half === ' pm ')
    return at + 3
  }

  /** `2026-01-02`, `27-05-2013`, `11-20`, and what is behind it. */
  #numeric(line: string, start: number, firstEnd: number): boolean {
    const separator = line.charCodeAt(firstEnd)
    const first = numberAt(line, start, firstEnd)
    const secondEnd = skipDigits(line, firstEnd + 1)
    const second = numberAt(line, firstEnd + 1, secondEnd)
    if (line.charCodeAt(secondEnd) !== separator) {
      this.month = first
      this.day = second
      return separator === HYPHEN && this.#timeBehindDate(line, secondEnd)
    }
    const end = skipDigits(line, secondEnd + 1)
    const third = numberAt(line, secondEnd + 1, end)
    const isYearFirst = firstEnd - start === 4
    if (!isYearFirst && end - secondEnd !== 5) return false
    this.year = isYearFirst ? first : third
    this.month = second
    this.day = isYearFirst ? third : first
    // 03/04/2020 is a day in March for some, one in April for others.
    if (!isYearFirst && separator === SLASH && first <= 12 && first !== second) this.month = 0
    if (this.#timeBehindDate(line, end)) return true
    this.#clearTime()
    return this.#nameBehindDate(line, end, separator)
  }

  /** ` 03:04`, ` 03:04:05.123456789 +0200`. */
  #timeBehindDate(line: string, at: number): boolean {
    if (!isBlank(line.charCodeAt(at))) return false
    const end = this.#clockTime(line, at + 1)
    return end >= 0 && this.#endAt(line, this.precision === 'minute' ? end : this.#zone(line, end))
  }

  #zone(line: string, at: number): number {
    const sign = line.charCodeAt(at + 1)
    const isZone = isBlank(line.charCodeAt(at)) && (sign === PLUS || sign === HYPHEN)
    if (!isZone || skipDigits(line, at + 2) !== at + 6) return at
    const minutes = 60 * numberAt(line, at + 2, at + 4) + numberAt(line, at + 4, at + 6)
    this.#offset = 60_000 * (sign === PLUS ? minutes : -minutes)
    return at + 6
  }

  /** GNU `ls` pads a date without a time by one blank; others pad it to whatever the widest takes. */
  #nameBehindDate(line: string, at: number, separator: number): boolean {
    const behind = skipBlanks(line, at)
    this.nameStart = separator === HYPHEN ? Math.min(behind, at + 2) : behind
    return behind > at && this.nameStart < line.length
  }

  /** Reads a time of day and returns the place behind it; -1 if there is none. */
  #clockTime(line: string, start: number): number {
    const hourEnd = skipDigits(line, start)
    const separator = line.charCodeAt(hourEnd)
    const minuteEnd = skipDigits(line, hourEnd + 1)
    if (hourEnd === start || hourEnd - start > 2 || minuteEnd - hourEnd !== 3) return -1
    if (separator !== COLON && separator !== STOP) return -1
    this.hour = numberAt(line, start, hourEnd)
    this.minute = numberAt(line, hourEnd + 1, minuteEnd)
    this.precision = 'minute'
    const secondEnd = skipDigits(line, minuteEnd + 1)
    if (line.charCodeAt(minuteEnd) !== COLON || secondEnd - minuteEnd !== 3) return minuteEnd
    this.second = numberAt(line, minuteEnd + 1, secondEnd)
    this.precision = 'second'
    const end = skipDigits(line, secondEnd + 1)
    if (line.charCodeAt(secondEnd) !== STOP || end === secondEnd + 1) return secondEnd
    this.millisecond = millisecondsOf(line.slice(secondEnd + 1, Math.min(end, secondEnd + 4)))
    this.precision = 'millisecond'
    return end
  }

  #endAt(line: string, at: number): boolean {
    this.nameStart = at + 1
    return isBlank(line.charCodeAt(at)) && at + 1 < line.length
  }
}

function skipMark(line: string, at: number, marks: string): number {
  return line.charCodeAt(at) > ASCII && marks.includes(line.charAt(at)) ? at + 1 : at
}
