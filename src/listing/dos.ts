/**
 * What `dir` prints, and IIS and its like.
 *
 *   11-20-26  09:50AM       <DIR>          Reports
 *   05/27/2018  12:01 AM         1,048,576 one mebi.bin
 *   2021/06/19  21:43    <JUNCTION>     old [D:\Archive\2019]
 *
 * The month is first, unless the year is (it has four digits, or is more than 31), or full stops stand between, which
 * are German. One blank stands behind a size; behind `<DIR>` as many as fill its column, and where there are fewer,
 * none of them belongs to the name.
 */
import { fullYear, hourOf, type PrintedTime } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import type { ModifiedTime } from './modified.ts'
import { entryOf, filled, type Entry, type EntryType } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { behindColumn, endOfWord, isBlank, sizeAt, sizeOf, numberAt, skipBlanks, skipDigits } from './scan.ts'

const HYPHEN = 0x2d
const STOP = 0x2e
const COMMA = 0x2c
const SLASH = 0x2f
const COLON = 0x3a
const LESS = 0x3c

/** From `<` to the name. */
const KIND_WIDTH = 15

interface DateParts extends Pick<PrintedTime, 'month' | 'day'> {
  readonly year: number
  readonly end: number
}

interface TimeParts extends Pick<PrintedTime, 'hour' | 'minute' | 'second' | 'precision'> {
  readonly end: number
}

export class DosListing implements ListingFormat {
  readonly #clock: ListingClock

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const date = readDate(line)
    const time = date === undefined ? undefined : readTime(line, skipBlanks(line, date.end))
    if (date === undefined || time === undefined) return undefined
    const start = skipBlanks(line, time.end)
    if (start === time.end) return undefined
    const { year, month, day } = date
    const { hour, minute, second, precision } = time
    const modified = this.#clock.time({ year, month, day, hour, minute, second, millisecond: 0, precision })
    return line.charCodeAt(start) === LESS ? readKind(line, start, modified) : readFile(line, start, modified)
  }
}

function readFile(line: string, start: number, modified: ModifiedTime | undefined): Entry | undefined {
  const end = endOfSize(line, start)
  if (end === start || !isBlank(line.charCodeAt(end)) || end + 1 >= line.length) return undefined
  return entryOf({
    name: line.slice(end + 1),
    type: 'file',
    size: groupedSizeAt(line, start, end),
    modified,
    raw: line,
  })
}

/** `<DIR>`, `<JUNCTION>`, `<SYMLINKD>`, `<SYMLINK>`. */
function readKind(line: string, start: number, modified: ModifiedTime | undefined): Entry | undefined {
  const end = endOfWord(line, start)
  const nameStart = behindColumn(line, end, start, KIND_WIDTH)
  const type = typeOf(line.slice(start, Math.min(end, start + KIND_WIDTH)))
  if (type === undefined || nameStart >= line.length) return undefined
  const rest = line.slice(nameStart)
  const { name, target } = type === 'symlink' ? splitLink(rest) : { name: rest, target: undefined }
  return entryOf({ name, type, modified, target, raw: line })
}

function typeOf(kind: string): EntryType | undefined {
  if (kind === '<DIR>') return 'directory'
  return kind === '<JUNCTION>' || kind === '<SYMLINKD>' || kind === '<SYMLINK>' ? 'symlink' : undefined
}

/** `old [D:\Archive]`, or `old -> D:\Archive`. */
function splitLink(text: string): { name: string; target: string | undefined } {
  const bracket = text.endsWith(']') ? text.lastIndexOf(' [') : -1
  if (bracket > 0) return { name: text.slice(0, bracket), target: filled(text.slice(bracket + 2, -1)) }
  const arrow = text.indexOf(' -> ')
  if (arrow > 0) return { name: text.slice(0, arrow), target: filled(text.slice(arrow + 4)) }
  return { name: text, target: undefined }
}

function readDate(line: string): DateParts | undefined {
  const firstEnd = skipDigits(line, 0)
  const secondEnd = skipDigits(line, firstEnd + 1)
  const end = skipDigits(line, secondEnd + 1)
  const separator = line.charCodeAt(firstEnd)
  if (separator !== HYPHEN && separator !== SLASH && separator !== STOP) return undefined
  if (line.charCodeAt(secondEnd) !== separator || !isBlank(line.charCodeAt(end))) return undefined
  if (!isLength(firstEnd) || !isLength(secondEnd - firstEnd - 1) || !isLength(end - secondEnd - 1))
    return undefined
  const first = numberAt(line, 0, firstEnd)
  const second = numberAt(line, firstEnd + 1, secondEnd)
  const third = numberAt(line, secondEnd + 1, end)
  if (firstEnd === 4 || first > 31) return { year: fullYear(first, firstEnd), month: second, day: third, end }
  const year = fullYear(third, end - secondEnd - 1)
  return separator === STOP
    ? { year, month: second, day: first, end }
    : { year, month: first, day: second, end }
}

function isLength(digits: number): boolean {
  return digits >= 1 && digits <= 4
}

/** `15:23`, `16:28:13`, `09:50AM`, `04:37 PM`, `05:41p`. */
function readTime(line: string, start: number): TimeParts | undefined {
  const hourEnd = skipDigits(line, start)
  const minuteEnd = skipDigits(line, hourEnd + 1)
  if (hourEnd === start || hourEnd > start + 2 || minuteEnd !== hourEnd + 3) return undefined
  if (line.charCodeAt(hourEnd) !== COLON) return undefined
  const secondEnd = skipDigits(line, minuteEnd + 1)
  const hasSecond = line.charCodeAt(minuteEnd) === COLON && secondEnd === minuteEnd + 3
  const end = hasSecond ? secondEnd : minuteEnd
  const half = halfAt(line, end)
  const hour = numberAt(line, start, hourEnd)
  return {
    hour: half === undefined ? hour : hourOf(hour, half.isAfternoon),
    minute: numberAt(line, hourEnd + 1, minuteEnd),
    second: hasSecond ? numberAt(line, minuteEnd + 1, secondEnd) : 0,
    precision: hasSecond ? 'second' : 'minute',
    end: half?.end ?? end,
  }
}

function halfAt(line: string, at: number): { isAfternoon: boolean; end: number } | undefined {
  const start = isBlank(line.charCodeAt(at)) ? at + 1 : at
  const letter = line.charAt(start).toLowerCase()
  if (letter !== 'a' && letter !== 'p') return undefined
  const hasM = line.charAt(start + 1).toLowerCase() === 'm'
  return { isAfternoon: letter === 'p', end: hasM ? start + 2 : start + 1 }
}

/** Behind digits, with marks between groups of three. */
function endOfSize(line: string, start: number): number {
  let end = skipDigits(line, start)
  while (isGroupMark(line.charCodeAt(end)) && skipDigits(line, end + 1) === end + 4) end += 4
  return end
}

function isGroupMark(character: number): boolean {
  return character === COMMA || character === STOP
}

function groupedSizeAt(line: string, start: number, end: number): number | undefined {
  const isPlain = skipDigits(line, start) === end
  return isPlain
    ? sizeAt(line, start, end)
    : sizeOf(line.slice(start, end).replaceAll(',', '').replaceAll('.', ''))
}
