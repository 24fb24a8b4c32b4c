/**
 * The servers of VxWorks:
 *
 *     size          date       time       name
 *   --------       ------     ------    --------
 *     987648    MAR-22-2002  13:26:41   VXKERN
 *        512    SEP-27-2001  15:18:29   ETC               <DIR>
 *
 * Three blanks stand before the name, and as many behind it as fill its column.
 */
import { parseTimeOfDay } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import { entryOf } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { monthOf } from './months.ts'
import { behindColumn, sizeOf, Words } from './scan.ts'

const DATE = /^([A-Za-z]{3})-(\d\d)-(\d{4})$/
const DIRECTORY = '<DIR>'
/** Between the time and the name. */
const GAP = 3

const HEADINGS = ['size date time name', '-------- ------ ------ --------']

export class VxWorksListing implements ListingFormat {
  readonly #clock: ListingClock

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const words = new Words(line)
    const first = words.next()
    const size = sizeOf(first)
    if (size === undefined) return isHeading(first, words) ? 'no entry' : undefined
    const date = DATE.exec(words.next())
    const time = parseTimeOfDay(words.next())
    if (date === null || time === undefined) return undefined
    const rest = line.slice(behindColumn(line, words.end, words.end, GAP))
    const isDirectory = rest.endsWith(DIRECTORY)
    const name = (isDirectory ? rest.slice(0, -DIRECTORY.length) : rest).trimEnd()
    if (name === '') return undefined
    const [, month = '', day, year] = date
    const modified = this.#clock.time({
      ...time,
      year: Number(year),
      month: monthOf(month) ?? 0,
      day: Number(day),
    })
    const type = isDirectory ? 'directory' : 'file'
    return entryOf({ name, type, size: isDirectory ? undefined : size, modified, raw: line })
  }
}

function isHeading(first: string, words: Words): boolean {
  const heading = [first, words.next(), words.next(), words.next()].join(' ')
  return HEADINGS.includes(heading) && words.isAtEnd
}
