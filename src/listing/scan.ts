/** Steps along a line. Each takes a place and returns the next; none looks at a character twice. */

const SPACE = 0x20
const TAB = 0x09
const ZERO = 0x30

/** NaN, the character behind the end, is neither blank nor digit. */
export function isBlank(character: number): boolean {
  return character === SPACE || character === TAB
}

export function isDigit(character: number): boolean {
  return character >= ZERO && character <= ZERO + 9
}

/** The first place from `at` on that is no blank. */
export function skipBlanks(line: string, at: number): number {
  let next = at
  while (isBlank(line.charCodeAt(next))) next++
  return next
}

/** The first place from `at` on that is no digit. */
export function skipDigits(line: string, at: number): number {
  let next = at
  while (isDigit(line.charCodeAt(next))) next++
  return next
}

/** The first place from `at` on that is a blank, or the end. */
export function endOfWord(line: string, at: number): number {
  let next = at
  while (next < line.length && !isBlank(line.charCodeAt(next))) next++
  return next
}

/** Whether `text` stands at `at`. `startsWith` takes twice as long (bench/listings.ts). */
export function isAt(line: string, at: number, text: string): boolean {
  return line.slice(at, at + text.length) === text
}

/**
 * The number from `start` to `end`; NaN where there is anything but digits, or nothing. Beyond 2^53 it is rounded.
 */
export function numberAt(line: string, start: number, end: number): number {
  if (start >= end) return NaN
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = line.charCodeAt(at) - ZERO
    if (!(digit >= 0 && digit <= 9)) return NaN
    value = 10 * value + digit
  }
  return value
}

/** A number of bytes; `undefined` for what is none, or too large to be exact. */
export function sizeAt(line: string, start: number, end: number): number | undefined {
  const size = numberAt(line, start, end)
  return size <= Number.MAX_SAFE_INTEGER ? size : undefined
}

/** The same of a word. */
export function sizeOf(word: string): number | undefined {
  return sizeAt(word, 0, word.length)
}

/**
 * Where a name begins that a column precedes, from `start` padded to `width`: behind the padding, further blanks
 * belong to the name. Where the column is not padded so far, all blanks behind it are padding.
 */
export function behindColumn(line: string, end: number, start: number, width: number): number {
  return Math.min(skipBlanks(line, end), Math.max(end + 1, start + width))
}

/** Longer than any column but a name; an expression that is given a word has no more than this to look at. */
const MAX_COLUMN = 64

/** The words of a line that is made of columns. */
export class Words {
  readonly #line: string
  #start = 0
  #end: number

  /** @param at where to begin */
  constructor(line: string, at: number = 0) {
    this.#line = line
    this.#end = at
  }

  /** Where the last word begins. */
  get start(): number {
    return this.#start
  }

  /** Behind the last word. */
  get end(): number {
    return this.#end
  }

  get isAtEnd(): boolean {
    return skipBlanks(this.#line, this.#end) >= this.#line.length
  }

  /** The next word; the empty one behind the last, and for one that is longer than a column can be. */
  next(): string {
    this.#start = skipBlanks(this.#line, this.#end)
    this.#end = endOfWord(this.#line, this.#start)
    return this.#end - this.#start > MAX_COLUMN ? '' : this.#line.slice(this.#start, this.#end)
  }
}
