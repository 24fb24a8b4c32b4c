/**
 * What `ls -l` prints, and servers that print the like: most of them.
 *
 *   [inode or blocks] mode[mark] [links] [owner group] size date name[ -> target]
 *            -rw-r--r--+   1 anna     domain users      1024 Jan  2 03:04 a file.txt
 *
 * Owner and group may hold blanks, and a name anything. So the size is looked for from the left: it is the first
 * number with a date behind it. The first column is none: who calls himself Jan would make a date of his group.
 */
import type { ListingClock } from './clock.ts'
import type { ModifiedTime } from './modified.ts'
import { entryOf, filled, type Entry } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { endOfWord, isAt, isBlank, isDigit, sizeAt, sizeOf, skipBlanks, skipDigits, Words } from './scan.ts'
import { isTotal } from './total.ts'
import { UnixDate } from './unix-date.ts'
import { readMode, type UnixMode } from './unix-mode.ts'
import { readNames, type Names } from './unix-names.ts'

const COMMA = 0x2c
const HYPHEN = 0x2d
const ARROW = ' -> '

const TIME = /^\d{1,2}:\d\d(?::\d\d)?$/
const YEAR = /^\d{4}$/

/** What stands before the size, and the names in it. */
interface Front {
  readonly text: string
  readonly mode: UnixMode
  readonly names: Names
}

export class UnixListing implements ListingFormat {
  readonly #clock: ListingClock
  readonly #date = new UnixDate()
  /**
   * That of the line before: most lines have the same, and then only the rest is to be read. No date that begins in it
   * could go on in a rest that is a size and a date.
   */
  #front: Front | undefined

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const entry = this.#front === undefined ? undefined : this.#readBehind(this.#front, line)
    if (entry !== undefined) return entry
    const mode = readMode(line)
    if (mode === undefined) return isTotal(line) ? 'no entry' : undefined
    return this.#readDated(line, mode) ?? readUndated(line, mode)
  }

  #readBehind({ text, mode, names }: Front, line: string): Entry | undefined {
    if (!isAt(line, 0, text)) return undefined
    const start = skipBlanks(line, text.length)
    const end = skipDigits(line, start)
    const dateStart = skipBlanks(line, end)
    if (end === start || dateStart === end || !this.#date.read(line, dateStart)) return undefined
    return this.#dated(line, mode, names, start, end)
  }

  #readDated(line: string, mode: UnixMode): Entry | undefined {
    const first = skipBlanks(line, mode.end)
    let before = first
    let last = first
    let lastEnd = endOfWord(line, first)
    for (let next = skipBlanks(line, lastEnd); next < line.length; next = skipBlanks(line, lastEnd)) {
      if (last > first && isSize(line, last, lastEnd) && this.#date.read(line, next)) {
        const hasTwoNumbers = mode.isDevice && line.charCodeAt(endBefore(line, last) - 1) === COMMA
        const namesEnd = Math.max(first, endBefore(line, hasTwoNumbers ? before : last))
        const names = readNames(line.slice(first, namesEnd))
        this.#front = { text: line.slice(0, namesEnd + 1), mode, names }
        return this.#dated(line, mode, names, last, lastEnd)
      }
      before = last
      last = next
      lastEnd = endOfWord(line, next)
    }
    return undefined
  }

  #dated(line: string, mode: UnixMode, names: Names, sizeStart: number, sizeEnd: number): Entry {
    const size = hasSize(mode) ? sizeAt(line, sizeStart, sizeEnd) : undefined
    return entryAt(this.#date.nameStart, line, mode, names, size, this.#date.time(this.#clock))
  }
}

/** A line without a date has only the last number before its name to tell the size by. */
function readUndated(line: string, mode: UnixMode): Entry | undefined {
  const words = new Words(line, mode.end)
  const links = sizeOf(words.next())
  const owner = filled(words.next())
  const group = filled(words.next())
  const size = sizeOf(words.next())
  if (links === undefined || size === undefined || words.isAtEnd || isDated(line, words.end)) return undefined
  return entryAt(words.end + 1, line, mode, { owner, group }, hasSize(mode) ? size : undefined, undefined)
}

/** Whether a date stands at `at` all the same, in a language that nobody here knows, or with no name behind it. */
function isDated(line: string, at: number): boolean {
  const words = new Words(line, at)
  words.next()
  if (TIME.test(words.next())) return true
  return [words.next(), words.next()].some((word) => TIME.test(word) || YEAR.test(word))
}

function entryAt(
  nameStart: number,
  line: string,
  { type, permissions }: UnixMode,
  { owner, group }: Names,
  size: number | undefined,
  modified: ModifiedTime | undefined,
): Entry {
  const rest = line.slice(nameStart)
  const arrow = type === 'symlink' ? rest.indexOf(ARROW) : -1
  const name = arrow > 0 ? rest.slice(0, arrow) : rest
  const target = arrow > 0 ? filled(rest.slice(arrow + ARROW.length)) : undefined
  return entryOf({ name, type, size, modified, target, permissions, owner, group, raw: line })
}

function hasSize({ type, isDevice }: UnixMode): boolean {
  return type !== 'directory' && !isDevice
}

/** A number of bytes, one that has overflowed, or `8,1`: the numbers of a device. */
function isSize(line: string, start: number, end: number): boolean {
  const first = skipDigits(line, line.charCodeAt(start) === HYPHEN ? start + 1 : start)
  const last = line.charCodeAt(first) === COMMA ? skipDigits(line, first + 1) : first
  return last === end && isDigit(line.charCodeAt(end - 1))
}

/** The end of the word before `at`. */
function endBefore(line: string, at: number): number {
  let end = at
  while (isBlank(line.charCodeAt(end - 1))) end--
  return end
}
