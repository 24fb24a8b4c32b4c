/**
 * The clock on a server's wall: what it shows in an IANA zone, to UTC.
 *
 *   clocks go forward          clocks go back
 *   01:59 | 03:00              02:59 | 02:00
 *         ^ 02:30 is 03:30           ^ 02:30 is the first of the two
 *
 * A time that the clock never showed is taken as by a clock that nobody has set yet, one that it showed twice as the
 * earlier (Temporal's `compatible`): the later may lie in the future.
 *
 * Intl is slow, so what it says is kept: the offset of a day, and the second of its change if it has one.
 */
const DAY_MS = 86_400_000
/** A lifetime. A server that sends more days than this makes it look again, at the price of time, not of memory. */
const MAX_DAYS = 32_768

interface Day {
  readonly before: number
  readonly after: number
  /** When `after` begins; `Infinity` on a day without a change. */
  readonly changesAt: number
}

export class Zone {
  readonly #format: Intl.DateTimeFormat | undefined
  readonly #days = new Map<number, Day>()

  /** @throws RangeError for a zone that Intl does not know */
  constructor(timeZone: string) {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    this.#format = format.resolvedOptions().timeZone === 'UTC' ? undefined : format
  }

  /** @param wall what the clock shows, as milliseconds since it showed the beginning of 1970; not within days of the ends of Date */
  toUtc(wall: number): number {
    if (this.#format === undefined) return wall
    const before = this.#offsetAt(wall - DAY_MS)
    const after = this.#offsetAt(wall + DAY_MS)
    if (before === after) return wall - before
    const isAfter = this.#offsetAt(wall - before) !== before && this.#offsetAt(wall - after) === after
    return isAfter ? wall - after : wall - before
  }

  #offsetAt(utc: number): number {
    const index = Math.floor(utc / DAY_MS)
    let day = this.#days.get(index)
    if (day === undefined) {
      if (this.#days.size >= MAX_DAYS) this.#days.clear()
      day = this.#look(index * DAY_MS)
      this.#days.set(index, day)
    }
    return utc < day.changesAt ? day.before : day.after
  }

  #look(midnight: number): Day {
    const before = this.#ask(midnight)
    const after = this.#ask(midnight + DAY_MS)
    if (before === after) return { before, after, changesAt: Infinity }
    let [old, changed] = [midnight, midnight + DAY_MS]
    while (changed - old > 1000) {
      const middle = old + 1000 * Math.floor((changed - old) / 2000)
      if (this.#ask(middle) === before) old = middle
      else changed = middle
    }
    return { before, after, changesAt: changed }
  }

  #ask(utc: number): number {
    return offsetIn(this.#format?.format(utc) ?? '')
  }
}

/** The offset at the end of `11/21/2026, GMT-05:00`, in milliseconds; plain `GMT` is none. */
function offsetIn(text: string): number {
  const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text)
  if (match === null) return 0
  const [, sign, hours, minutes, seconds] = match
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0)
  return 1000 * (sign === '-' ? -offset : offset)
}
