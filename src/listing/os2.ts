/**
 * IBM's server for OS/2:
 *
 *                 0           DIR   05-16-96   15:37  PHONES
 *              4096   RHSA          12-31-96   23:59  EA DATA. SF
 *
 * Two blanks stand before the name. Servers after 1999 print the years since 1900: `05-27-103`.
 */
import { fullYear, parseTimeOfDay } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import { entryOf } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { behindColumn, sizeOf, Words } from './scan.ts'

const ATTRIBUTES = /^[RHSA]{1,4}$/
const DATE = /^(\d{1,2})-(\d{1,2})-(\d{2,4})$/
/** Between the time and the name. */
const GAP = 2

export class Os2Listing implements ListingFormat {
  readonly #clock: ListingClock

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const words = new Words(line)
    const bytes = sizeOf(words.next())
    if (bytes === undefined) return undefined
    let word = words.next()
    let isDirectory = false
    for (; word === 'DIR' || ATTRIBUTES.test(word); word = words.next()) isDirectory ||= word === 'DIR'
    const date = DATE.exec(word)
    const time = parseTimeOfDay(words.next())
    const nameStart = behindColumn(line, words.end, words.end, GAP)
    if (date === null || time === undefined || nameStart >= line.length) return undefined
    const [, month, day, year = ''] = date
    const modified = this.#clock.time({
      ...time,
      year: fullYear(Number(year), year.length),
      month: Number(month),
      day: Number(day),
    })
    const type = isDirectory ? 'directory' : 'file'
    const size = isDirectory ? undefined : bytes
    return entryOf({ name: line.slice(nameStart), type, size, modified, raw: line })
  }
}
