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
/** What Date holds, to either side of 1970. */
const LONGEST_MS = 8.64e15
/** A lifetime. A server that sends more days than this makes it look again, at the price of time, not of memory. */
const MAX_DAYS = 32_768

/** The offsets of a day in UTC. */
interface Day {
  readonly before: number
  readonly after: number
  /** When `after` begins; `Infinity` on a day without a change. */
  readonly changesAt: number
}

export class Zone {
  readonly #format: Intl.DateTimeFormat | undefined
  readonly #days = new Map<number, Day>()
  /** By the days of the wall; NaN for one with a change in it or beside it. */
  readonly #steadyOffsets = new Map<number, number>()

  /** @throws RangeError for a zone that Intl does not know */
  constructor(timeZone: string) {
    // Intl takes 11 ms for the first zone that it is asked for.
    if (timeZone === 'UTC') return
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    this.#format = format.resolvedOptions().timeZone === 'UTC' ? undefined : format
  }

  /** @param wall what the clock shows, in milliseconds since it showed the beginning of 1970 */
  toUtc(wall: number): number {
    if (this.#format === undefined) return wall
    const index = Math.floor(wall / DAY_MS)
    const offset = this.#steadyOffsets.get(index) ?? this.#steadyOffset(index)
    return Number.isNaN(offset) ? this.#toUtcNearChange(wall) : wall - offset
  }

  #toUtcNearChange(wall: number): number {
    const before = this.#offsetAt(wall - DAY_MS)
    const after = this.#offsetAt(wall + DAY_MS)
    const isAfter = this.#offsetAt(wall - before) !== before && this.#offsetAt(wall - after) === after
    return isAfter ? wall - after : wall - before
  }

  #steadyOffset(index: number): number {
    const offset = this.#day(index).before
    const isSteady = [index - 1, index, index + 1].every((near) => {
      const { before, after } = this.#day(near)
      return before === offset && after === offset
    })
    return remember(this.#steadyOffsets, index, isSteady ? offset : NaN)
  }

  #offsetAt(utc: number): number {
    const { before, after, changesAt } = this.#day(Math.floor(utc / DAY_MS))
    return utc < changesAt ? before : after
  }

  #day(index: number): Day {
    return this.#days.get(index) ?? remember(this.#days, index, this.#look(index * DAY_MS))
  }

  #look(midnight: number): Day {
    const before = this.#ask(midnight)
    const after = this.#ask(midnight + DAY_MS)
    if (before === after) return { before, after, changesAt: Infinity }
    let old = midnight
    let changed = midnight + DAY_MS
    while (changed - old > 1000) {
      const middle = old + 1000 * Math.floor((changed - old) / 2000)
      if (this.#ask(middle) === before) old = middle
      else changed = middle
    }
    return { before, after, changesAt: changed }
  }

  #ask(utc: number): number {
    const time = Math.min(Math.max(utc, -LONGEST_MS), LONGEST_MS)
    return offsetIn(this.#format?.format(time) ?? '')
  }
}

function remember<T>(days: Map<number, T>, index: number, value: T): T {
  if (days.size >= MAX_DAYS) days.clear()
  days.set(index, value)
  return value
}

/** The offset at the end of `11/21/2026, GMT-05:00`, in milliseconds; plain `GMT` is none. */
function offsetIn(text: string): number {
  const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text)
  if (match === null) return 0
  const [, sign, hours, minutes, seconds] = match
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0)
  return 1000 * (sign === '-' ? -offset : offset)
}
