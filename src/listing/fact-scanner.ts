/**
 * The facts that the fields of an entry are made of, from line after line of a machine listing. Servers send the same
 * facts in the same order, and mostly with the same values: so each is compared with the last that stood in its place,
 * and nothing has to be made of it if it is the same.
 */
import { isAt } from './scan.ts'

/** In the order of {@link FactScanner.values}. */
const NAMES = [
  'type',
  'size',
  'modify',
  'unique',
  'unix.mode',
  'unix.ownername',
  'unix.owner',
  'unix.uid',
  'unix.groupname',
  'unix.group',
  'unix.gid',
]

/** A fact as it was last sent. */
interface LastFact {
  readonly spelling: string
  /** Among {@link NAMES}; -1 for any other. */
  readonly index: number
  value: string
  /** All of it and the semicolon, once two lines in a row had the same. */
  text: string | undefined
  /** Of all of it and what ends it. */
  length: number
}

const SPACE = 0x20
const SEMICOLON = 0x3b
const EQUALS = 0x3d
/** More than a server sends. Facts beyond are read all the same, but not remembered. */
const MAX_REMEMBERED = 64

export class FactScanner {
  /** Of the facts that were scanned last: `undefined` for one that was not there. */
  readonly values: (string | undefined)[] = NAMES.map(() => undefined)
  readonly #last: LastFact[] = []
  /** The one that is expected next. */
  #place = 0
  #end = 0
  #nameStart = 0

  /** Where the facts end. */
  get end(): number {
    return this.#end
  }

  /** Where the name begins, behind the facts. */
  get nameStart(): number {
    return this.#nameStart
  }

  /** Whether the line begins with facts. */
  scan(line: string): boolean {
    const hasFacts = this.#scanTo(line, line.length)
    if (this.#nameStart > 0) return hasFacts
    // No semicolon stands before a blank.
    const blank = line.indexOf(' ')
    const hasFactsBefore = blank > 0 && this.#scanTo(line, blank)
    this.#end = blank
    this.#nameStart = blank + 1
    return hasFactsBefore
  }

  /** Up to the first `; `, or to `end`. */
  #scanTo(line: string, end: number): boolean {
    this.values.fill(undefined)
    this.#place = 0
    this.#nameStart = 0
    let hasFacts = false
    for (let start = 0; start < end;) {
      const fact = this.#scanRepeated(line, start, end) ?? this.#scanChanged(line, start, end)
      if (fact !== undefined) {
        hasFacts = true
        if (fact.index >= 0) this.values[fact.index] = fact.value
      }
      start = fact === undefined ? endOfFact(line, start, end) + 1 : start + fact.length
      if (line.charCodeAt(start) === SPACE && start < end) {
        this.#end = start - 1
        this.#nameStart = start + 1
        return hasFacts
      }
    }
    return hasFacts
  }

  #scanRepeated(line: string, start: number, end: number): LastFact | undefined {
    const expected = this.#last[this.#place]
    if (expected?.text === undefined || start + expected.length > end) return undefined
    if (!isAt(line, start, expected.text)) return undefined
    this.#place++
    return expected
  }

  #scanChanged(line: string, start: number, end: number): LastFact | undefined {
    const next = endOfFact(line, start, end)
    const equals = endOfName(line, start, next)
    if (equals === start || equals === next) return undefined
    const fact = this.#named(line.slice(start, equals))
    const value = line.slice(equals + 1, next)
    const isSame = value === fact.value
    fact.text = isSame && line.charCodeAt(next) === SEMICOLON ? line.slice(start, next + 1) : undefined
    fact.length = next + 1 - start
    if (!isSame) fact.value = value
    return fact
  }

  #named(spelling: string): LastFact {
    const expected = this.#last[this.#place]
    if (expected?.spelling === spelling) {
      this.#place++
      return expected
    }
    const place = this.#last.findIndex((last) => last.spelling === spelling)
    const known = this.#last[place]
    if (known !== undefined) {
      this.#place = place + 1
      return known
    }
    const index = NAMES.indexOf(spelling.toLowerCase())
    const fact = { spelling, index, value: '', text: undefined, length: 0 }
    if (this.#last.length < MAX_REMEMBERED) this.#last.push(fact)
    return fact
  }
}

function endOfName(line: string, start: number, end: number): number {
  let at = start
  while (at < end && line.charCodeAt(at) !== EQUALS) at++
  return at
}

function endOfFact(line: string, start: number, end: number): number {
  const semicolon = line.indexOf(';', start)
  return semicolon < 0 ? end : Math.min(semicolon, end)
}
