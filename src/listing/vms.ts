/**
 * OpenVMS, and the many servers for it:
 *
 *   Directory USERS:[GUEST.ZIP]
 *
 *   TOOLBOX.ZIP;1             205/210        23-JUN-1997 18:39:41  [USER,BK07]
 *      (RWED,RWED,RE,RE)
 *   HANDBOOK.TEX;21  318/321  14-FEB-1997 04:22:35  [ANONYMOU,ANONYMOUS]   (RWED,RWED,,)
 *   LOGIN.COM;2    %RMS-E-PRV, insufficient privilege or file protection violation
 *
 *   Total of 3 files, 524/534 blocks.
 *
 * An entry goes on in the next line where its name is long, or where there is no room for its protection. So one
 * without a protection is held until that line has come.
 */
import { fullYear, MIDNIGHT, parseTimeOfDay, type TimeOfDay } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import { entryOf, filled, type Entry, type EntryType } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { monthOf } from './months.ts'
import { endOfWord, isBlank, Words } from './scan.ts'

const VERSION = /^\d{1,5}$/
const BLOCKS = /^\d+(\/\d+)?$/
const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/
const OWNER = /^\[(?:([^,]*),)?([^,]*)\]$/
const PROTECTION = /^\([RWED,]*\)$/
const TOTAL = /^(Total|Grand total) of \d/
const TOTAL_WIDTH = 16

interface Attributes {
  readonly date?: RegExpExecArray
  readonly time?: TimeOfDay
  readonly owner?: RegExpExecArray
  /** Whether the protection was among them, which is always the last. */
  readonly hasProtection?: true
}

interface Draft {
  readonly name: string
  readonly type: EntryType
  readonly raw: string
  readonly attributes: Attributes
}

export class VmsListing implements ListingFormat {
  readonly #clock: ListingClock
  #draft: Draft | undefined

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  /** Whether an entry is held that the next line may belong to: that line goes to {@link resume}. */
  get isUnfinished(): boolean {
    return this.#draft !== undefined
  }

  read(line: string): Reading {
    if (isHeading(line)) return 'no entry'
    const file = readFile(line)
    if (file === undefined) return undefined
    const attributes = readAttributes(line, file.end)
    if (attributes !== undefined) return this.#take({ ...file, raw: line, attributes })
    return isError(line.slice(file.end)) ? this.#finish({ ...file, raw: line, attributes: {} }) : undefined
  }

  /** Takes the line behind an unfinished one; `undefined` if it does not belong to it. */
  resume(line: string): Reading {
    const draft = this.#draft
    const attributes = isBlank(line.charCodeAt(0)) ? readAttributes(line, 0) : undefined
    if (draft === undefined || attributes === undefined || isEmpty(attributes)) return undefined
    const isRest = isEmpty(draft.attributes) || Object.keys(attributes).join() === 'hasProtection'
    if (!isRest) return undefined
    const raw = `${draft.raw}\n${line}`
    return this.#take({ ...draft, raw, attributes: { ...draft.attributes, ...attributes } })
  }

  /** Gives up what is held, as far as it has come. */
  release(): Entry | undefined {
    const draft = this.#draft
    this.#draft = undefined
    return draft === undefined ? undefined : this.#finish(draft)
  }

  #take(draft: Draft): Reading {
    this.#draft = draft.attributes.hasProtection ? undefined : draft
    return this.#draft === undefined ? this.#finish(draft) : 'unfinished'
  }

  #finish({ name, type, raw, attributes }: Draft): Entry {
    const { date, time = MIDNIGHT, owner } = attributes
    const [, day, month = '', year] = date ?? []
    const modified =
      date === undefined
        ? undefined
        : this.#clock.time({
            ...time,
            year: fullYear(Number(year), 4),
            month: monthOf(month) ?? 0,
            day: Number(day),
          })
    return entryOf({ name, type, modified, owner: filled(owner?.[2]), group: filled(owner?.[1]), raw })
  }
}

function isEmpty(attributes: Attributes): boolean {
  return Object.keys(attributes).length === 0
}

/** `Directory DISK:[DIR]`, `DISK:[DIR]`, `Total of 3 files, 79 blocks.` */
function isHeading(line: string): boolean {
  if (TOTAL.test(line.slice(0, TOTAL_WIDTH))) return true
  if (!line.endsWith(']')) return false
  return line.startsWith('Directory ') || (line.includes(':[') && !line.includes(' '))
}

/** `NAME.TYPE;7`, perhaps with its device and directory before it. */
function readFile(line: string): { name: string; type: EntryType; end: number } | undefined {
  const end = endOfWord(line, 0)
  const word = line.slice(0, end)
  const semicolon = word.lastIndexOf(';')
  if (!VERSION.test(word.slice(semicolon + 1, semicolon + 7))) return undefined
  const place = Math.max(word.lastIndexOf(']', semicolon), word.lastIndexOf(':', semicolon))
  const name = word.slice(place + 1, Math.max(semicolon, 0))
  if (!name.includes('.')) return undefined
  const isDirectory = name.length > 4 && name.toUpperCase().endsWith('.DIR')
  return isDirectory ? { name: name.slice(0, -4), type: 'directory', end } : { name, type: 'file', end }
}

/** In place of the attributes. */
function isError(text: string): boolean {
  return text.trimStart().startsWith('%') || text.includes('privilege')
}

/** What stands from `at` on; `undefined` if there is anything else. */
function readAttributes(line: string, at: number): Attributes | undefined {
  let found: Attributes = {}
  const words = new Words(line, at)
  while (!words.isAtEnd) {
    const attribute = readAttribute(words.next())
    if (attribute === undefined) return undefined
    found = { ...found, ...attribute }
  }
  return found
}

function readAttribute(word: string): Attributes | undefined {
  if (BLOCKS.test(word)) return {}
  if (PROTECTION.test(word)) return { hasProtection: true }
  const date = DATE.exec(word)
  if (date !== null) return { date }
  const owner = OWNER.exec(word)
  if (owner !== null) return { owner }
  const time = parseTimeOfDay(word)
  return time === undefined ? undefined : { time }
}
