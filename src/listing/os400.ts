/**
 * IBM i (AS/400), `SITE LISTFMT 0`:
 *
 *   MILLER           8192 03/29/26 23:59:59 *DDIR      QFileSvr.400/
 *   QSYS                                    *MEM       QCUSTDAT.FILE/QCUSTDAT.MBR
 *
 * The order of a date is that of the job, the same in a whole listing, and only the dates tell it: each leaves those
 * orders that could have printed it. Where several are left at the end, it is the first of {@link ORDERS}. So a date
 * may have to wait for what lines behind it say.
 */
import { fullYear, parseTimeOfDay } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import type { ModifiedTime } from './modified.ts'
import { entryOf, filled, type Entry, type EntryType, type KnownOfEntry } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { behindColumn, isBlank, sizeOf, Words } from './scan.ts'

/** Where in a date its parts stand. */
interface DateOrder {
  readonly year: number
  readonly month: number
  readonly day: number
}

const MONTH_FIRST: DateOrder = { month: 0, day: 1, year: 2 }
const DAY_FIRST: DateOrder = { day: 0, month: 1, year: 2 }
const YEAR_FIRST: DateOrder = { year: 0, month: 1, day: 2 }
/** That of the United States, IBM's default, before the others. */
const ORDERS: readonly DateOrder[] = [MONTH_FIRST, DAY_FIRST, YEAR_FIRST]

const DATE = /^(\d\d)([/.,-])(\d\d)\2(\d\d)$/
const TYPE = /^\*[A-Z0-9]{1,10}$/
/** A type and the blanks behind it. */
const TYPE_WIDTH = 11

const FILES = ['*STMF', '*DOC', '*FILE', '*MEM']
const DIRECTORIES = ['*DIR', '*DDIR', '*LIB', '*FLR']

export class Os400Listing implements ListingFormat {
  readonly #clock: ListingClock
  #orders = ORDERS
  #hasDates = false

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  /** Whether dates have been read that may be others by what is behind them. */
  get isUndecided(): boolean {
    return this.#hasDates && this.#orders.length > 1
  }

  /** Takes the order that is the most likely by now. */
  decide(): void {
    this.#orders = this.#orders.slice(0, 1)
  }

  read(line: string): Reading {
    const words = new Words(line)
    const owner = isBlank(line.charCodeAt(0)) ? undefined : filled(words.next())
    const first = words.next()
    const size = sizeOf(first)
    if (size === undefined) return entryOfType(line, first, words, { owner })
    const date = DATE.exec(words.next())
    const time = words.next()
    if (date === null) return undefined
    const modified = this.#time(date, time)
    return entryOfType(line, words.next(), words, { owner, size, modified })
  }

  #time([, first, separator, second, third]: RegExpExecArray, word: string): ModifiedTime | undefined {
    const time = parseTimeOfDay(word)
    if (time === undefined) return undefined
    const numbers = [Number(first), Number(second), Number(third)]
    const { year, month, day } = separator === '.' ? DAY_FIRST : this.#orderBy(numbers)
    return this.#clock.time({
      ...time,
      year: fullYear(numbers[year] ?? NaN, 2),
      month: numbers[month] ?? NaN,
      day: numbers[day] ?? NaN,
    })
  }

  #orderBy(numbers: readonly number[]): DateOrder {
    const possible = this.#orders.filter(({ month, day }) => isMonth(numbers[month]) && isDay(numbers[day]))
    // A date that none could have printed says nothing of the others.
    if (possible.length > 0) this.#orders = possible
    this.#hasDates = true
    return this.#orders[0] ?? MONTH_FIRST
  }
}

function isMonth(number = NaN): boolean {
  return number >= 1 && number <= 12
}

function isDay(number = NaN): boolean {
  return number >= 1 && number <= 31
}

function entryOfType(
  line: string,
  word: string,
  words: Words,
  known: Partial<KnownOfEntry>,
): Entry | undefined {
  const nameStart = behindColumn(line, words.end, words.start, TYPE_WIDTH)
  if (!TYPE.test(word) || nameStart >= line.length) return undefined
  const type = typeOf(word)
  const printed = line.slice(nameStart)
  const isDirectory = type === 'directory'
  const name = isDirectory && printed.length > 1 && printed.endsWith('/') ? printed.slice(0, -1) : printed
  return entryOf({ ...known, name, type, size: isDirectory ? undefined : known.size, raw: line })
}

function typeOf(type: string): EntryType {
  if (FILES.includes(type)) return 'file'
  return DIRECTORIES.includes(type) ? 'directory' : 'other'
}
