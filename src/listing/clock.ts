/** From the times that a listing prints to points in time: by the server's zone, and the year it leaves out. */
import { utcTime, type PrintedTime } from './calendar.ts'
import type { ModifiedPrecision, ModifiedTime } from './modified.ts'
import type { Zone } from './zone.ts'

const DAY_MS = 86_400_000
/** How far a date without a year may lie ahead: clocks differ, and so do zones that nobody has told us. */
const AHEAD_MS = DAY_MS
/** Eight years may lie between two 29 Februaries (1896, 1904); the first year that is tried may be one too late. */
const YEARS_TRIED = 10

export class ListingClock {
  readonly #zone: Zone
  readonly #latest: number
  readonly #latestYear: number

  constructor(now: Date, zone: Zone) {
    this.#zone = zone
    this.#latest = now.getTime() + AHEAD_MS
    // East of Greenwich the next year may have begun.
    this.#latestYear = new Date(this.#latest + DAY_MS).getUTCFullYear()
  }

  /**
   * The time that was printed, in the server's zone. A year that was left out is that of the latest such date
   * which is at most a day ahead of now. `undefined` for what no calendar or clock shows.
   */
  time(printed: PrintedTime): ModifiedTime | undefined {
    const utc = printed.year === undefined ? this.#latestTime(printed) : this.#inYear(printed.year, printed)
    return modifiedTime(utc, printed.precision)
  }

  #latestTime(printed: PrintedTime): number {
    for (let tried = 0; tried < YEARS_TRIED; tried++) {
      const utc = this.#inYear(this.#latestYear - tried, printed)
      if (utc <= this.#latest) return utc
    }
    return NaN
  }

  #inYear(year: number, printed: PrintedTime): number {
    const wall = utcTime(year, printed)
    return Number.isNaN(wall) ? NaN : this.#zone.toUtc(wall)
  }
}

/** What Date holds, to either side of 1970. */
const LONGEST_MS = 8.64e15

/** @param utc milliseconds since 1970; NaN, or more than Date holds, is no time */
export function modifiedTime(utc: number, precision: ModifiedPrecision): ModifiedTime | undefined {
  return Math.abs(utc) <= LONGEST_MS ? { time: new Date(utc), precision } : undefined
}
