/** The facts of a machine listing: `type=file;size=6180;UNIX.mode=0444`, whatever the letter case of their names. */

export type Facts = Record<string, string>

/** Objects without inherited names, as from `Object.create(null)`, but as fast as any others. */
const NewFacts = function (): void {
  // Nothing: the facts come one by one.
} as unknown as new () => Facts
NewFacts.prototype = Object.create(null) as object

export function noFacts(): Facts {
  return new NewFacts()
}

/** A fact as it was last sent. */
interface LastFact {
  readonly spelling: string
  readonly name: string
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

/**
 * Reads the facts of line after line. Servers send the same names in the same order, and mostly the same values: so
 * each fact is compared with the last that stood in its place, and nothing has to be made of it if it is the same.
 */
export class FactReader {
  readonly #last: LastFact[] = []
  /** The one that is expected next. */
  #place = 0
  #nameStart = 0

  /** Where the name begins, behind the facts that were read last. */
  get nameStart(): number {
    return this.#nameStart
  }

  /** `undefined` for a line that begins with no facts. */
  read(line: string): Facts | undefined {
    const facts = this.#readTo(line, line.length)
    if (this.#nameStart > 0) return facts
    const blank = line.indexOf(' ')
    const before = this.#readTo(line, Math.max(blank, 0))
    this.#nameStart = blank + 1
    return before
  }

  /** Up to the first `; `, which makes {@link nameStart} what is behind it, or to `end`. */
  #readTo(line: string, end: number): Facts | undefined {
    let facts: Facts | undefined
    this.#place = 0
    this.#nameStart = 0
    for (let start = 0; start < end;) {
      const fact = this.#readRepeated(line, start, end) ?? this.#readChanged(line, start, end)
      if (fact !== undefined) {
        facts ??= noFacts()
        facts[fact.name] = fact.value
      }
      start = fact === undefined ? endOfFact(line, start, end) + 1 : start + fact.length
      if (line.charCodeAt(start) === SPACE && start < end) {
        this.#nameStart = start + 1
        return facts
      }
    }
    return facts
  }

  #readRepeated(line: string, start: number, end: number): LastFact | undefined {
    const expected = this.#last[this.#place]
    if (expected?.text === undefined || start + expected.length > end) return undefined
    if (line.slice(start, start + expected.length) !== expected.text) return undefined
    this.#place++
    return expected
  }

  #readChanged(line: string, start: number, end: number): LastFact | undefined {
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
    const fact = { spelling, name: spelling.toLowerCase(), value: '', text: undefined, length: 0 }
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
