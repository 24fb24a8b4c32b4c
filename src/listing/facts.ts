/** The facts of a machine listing: `type=file;size=6180;UNIX.mode=0444`, whatever the letter case of their names. */
import { inspectCustom } from '../protocol/inspect.ts'

/**
 * All facts of a line before `end`, by their names in lower case. A listing has many, and few who read it ask for them:
 * so they are read when somebody does.
 */
export function factsOf(line: string, end: number): ReadonlyMap<string, string> {
  return new UnreadFacts(line, end)
}

class UnreadFacts implements ReadonlyMap<string, string> {
  readonly #line: string
  readonly #end: number
  #facts: ReadonlyMap<string, string> | undefined

  constructor(line: string, end: number) {
    this.#line = line
    this.#end = end
  }

  #read(): ReadonlyMap<string, string> {
    this.#facts ??= readFacts(this.#line.slice(0, this.#end))
    return this.#facts
  }

  get size(): number {
    return this.#read().size
  }

  get(name: string): string | undefined {
    return this.#read().get(name)
  }

  has(name: string): boolean {
    return this.#read().has(name)
  }

  keys(): MapIterator<string> {
    return this.#read().keys()
  }

  values(): MapIterator<string> {
    return this.#read().values()
  }

  entries(): MapIterator<[string, string]> {
    return this.#read().entries()
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.#read().entries()
  }

  forEach(callback: (value: string, name: string, facts: ReadonlyMap<string, string>) => void): void {
    for (const [name, value] of this.#read()) callback(value, name, this)
  }

  /** A record, where `JSON.stringify` would make `{}` of a Map. */
  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#read())
  }

  [inspectCustom](): ReadonlyMap<string, string> {
    return this.#read()
  }
}

function readFacts(text: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>()
  for (const fact of text.split(';')) {
    const equals = fact.indexOf('=')
    if (equals > 0) facts.set(fact.slice(0, equals).toLowerCase(), fact.slice(equals + 1))
  }
  return facts
}
