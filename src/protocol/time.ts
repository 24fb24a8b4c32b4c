/** Times as in MDTM, MFMT and MLSx facts: `YYYYMMDDhhmmss[.fraction]`, in UTC (RFC 3659 §2.3). */

/** A time, and how finely the server told it. */
export interface ModificationTime {
  readonly time: Date
  readonly precision: 'second' | 'millisecond'
}

// The second form of a year is that of servers which print "19" and the years since 1900: 19124 is 2024.
const TIME = /^(?:(\d{4})|19(1\d\d))(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?$/

/**
 * The time in the text of a 213 or of a fact, without the code; `undefined` for what is none, so 30 February.
 * Fractions are cut to milliseconds. A leap second (23:59:60) is the first of the next day: Date has none.
 */
export function parseModificationTime(text: string): ModificationTime | undefined {
  const match = TIME.exec(text.trim())
  if (match === null) return undefined
  const [, plainYear, yearsSince1900, ...rest] = match
  const year = plainYear === undefined ? 1900 + Number(yearsSince1900) : Number(plainYear)
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.slice(0, 5).map(Number)
  if (!isDay(year, month, day) || !isTimeOfDay(hour, minute, second)) return undefined

  const fraction = rest[5]
  const milliseconds = Number((fraction ?? '').slice(0, 3).padEnd(3, '0'))
  const time = midnight(year, month, day)
  time.setUTCHours(hour, minute, second, milliseconds)
  return { time, precision: fraction === undefined ? 'second' : 'millisecond' }
}

/**
 * A time as MFMT takes it: `YYYYMMDDhhmmss`, the fraction left out (not every server that sends one reads one).
 *
 * @throws RangeError for an invalid date, or a year that has not four digits
 */
export function formatModificationTime(date: Date): string {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new RangeError('A modification time needs a year from 0 to 9999')
  return date.toISOString().replace(/\D/g, '').slice(0, 14)
}

function midnight(year: number, month: number, day: number): Date {
  const date = new Date(0)
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day)
  return date
}

/** Whether the calendar has that day: Date would make 1 March of 30 February. */
function isDay(year: number, month: number, day: number): boolean {
  const date = midnight(year, month, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

function isTimeOfDay(hour: number, minute: number, second: number): boolean {
  if (second === 60) return hour === 23 && minute === 59
  return hour < 24 && minute < 60 && second < 60
}
