/**
 * What a command writes, and where to: results to stdout, words for people to stderr. It all goes through here, where
 * control characters are escaped (what servers send could move the cursor, or reorder a line) and where lines find their
 * place above the bars.
 */
import { jsonLine } from './text/json-line.ts'
import { painted, shown, type Style } from './text/paint.ts'
import { withoutPasswords } from './text/without-passwords.ts'

/** What stands at the foot of the terminal, below all lines. */
export interface Footer {
  draw(): void
  clear(): void
}

export interface OutputOptions {
  /** Events for programs on stdout. */
  readonly json: boolean
  /** No words but those of failures. */
  readonly quiet: boolean
}

export class Output {
  readonly options: OutputOptions
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  #footer: Footer | undefined

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream, options: OutputOptions) {
    this.stdout = stdout
    this.stderr = stderr
    this.options = options
  }

  /** A line of a result. */
  print(text: string, style?: Style): void {
    this.#above(() => this.stdout.write(`${painted(this.stdout, shown(text), style)}\n`))
  }

  /** An event for programs, if there are to be any. */
  event(name: string, facts: object): void {
    if (this.options.json) this.#above(() => this.stdout.write(`${jsonLine({ event: name, ...facts })}\n`))
  }

  /** A line for people, unless they want none. */
  say(text: string, style?: Style): void {
    if (!this.options.quiet) this.complain(text, style)
  }

  /** A line for people in any case. */
  complain(text: string, style?: Style): void {
    this.#above(() => this.stderr.write(`${painted(this.stderr, shown(withoutPasswords(text)), style)}\n`))
  }

  /** Until it is another, or none. */
  setFooter(footer: Footer | undefined): void {
    this.#footer?.clear()
    this.#footer = footer
  }

  /** Whether bars can be drawn, and are wanted. */
  get hasBars(): boolean {
    return this.stderr.isTTY && !this.options.json && !this.options.quiet && process.env['TERM'] !== 'dumb'
  }

  #above(write: () => void): void {
    this.#footer?.clear()
    write()
    this.#footer?.draw()
  }
}
