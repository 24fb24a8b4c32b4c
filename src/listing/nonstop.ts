/**
 * HPE NonStop (Tandem), files of Guardian:
 *
 *   File         Code             EOF  Last Modification    Owner  RWEP
 *   TACLLOG    O  101             777  6-Jun-03  21:39:17 255,255 "oooo"
 *
 * `O` marks a file that is open. The owner is a group's number and a user's.
 */
import { fullYear, parseTimeOfDay } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import type { ModifiedTime } from './modified.ts'
import { entryOf } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { monthOf } from './months.ts'
import { sizeOf, Words } from './scan.ts'

const NAME = /^[A-Za-z]\w{0,7}$/
const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d\d)$/
const OWNER_AND_SECURITY = /^ *(\d{1,3}), *(\d{1,3}) +"[^"]*" *$/
/** More than the two take. */
const END_WIDTH = 64

export class NonStopListing implements ListingFormat {
  readonly #clock: ListingClock

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const words = new Words(line)
    const name = words.next()
    const second = words.next()
    if (name === 'File' && second === 'Code' && words.next() === 'EOF') return 'no entry'
    const code = second === 'O' ? words.next() : second
    const size = sizeOf(words.next())
    if (!NAME.test(name) || sizeOf(code) === undefined) return undefined
    const date = DATE.exec(words.next())
    const time = words.next()
    const owner = line.length - words.end > END_WIDTH ? null : OWNER_AND_SECURITY.exec(line.slice(words.end))
    if (date === null || owner === null) return undefined
    const modified = this.#time(date, time)
    return entryOf({ name, type: 'file', size, modified, owner: owner[2], group: owner[1], raw: line })
  }

  #time([, day, month, year]: RegExpExecArray, word: string): ModifiedTime | undefined {
    const time = parseTimeOfDay(word)
    if (time === undefined) return undefined
    return this.#clock.time({
      ...time,
      year: fullYear(Number(year), 2),
      month: monthOf(month ?? '') ?? 0,
      day: Number(day),
    })
  }
}
