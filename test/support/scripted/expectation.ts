/** What the next command must be: the whole line, or a pattern it must match. */
export type CommandPattern = string | RegExp

/** The client did something that the dialogue did not foresee. */
export class DialogueError extends Error {
  override readonly name: string = 'DialogueError'

  /** Gives a prepared error its words. It was made earlier, where the stack still showed the dialogue. */
  saying(message: string): this {
    const frames = (this.stack ?? '').split('\n').filter(isOutside)
    this.message = message
    this.stack = [`${this.name}: ${message}`, ...frames].join('\n')
    return this
  }
}

/** A frame of the test, not of this folder. */
function isOutside(line: string): boolean {
  return line.trimStart().startsWith('at ') && !/support[\\/]scripted[\\/]/.test(line)
}

export function matches(pattern: CommandPattern, command: string): boolean {
  return typeof pattern === 'string' ? pattern === command : pattern.test(command)
}

/** `expected USER octo, got PASS x`, with what went before it. */
export function mismatch(
  index: number,
  expected: CommandPattern | undefined,
  got: string,
  before: readonly string[],
): string {
  const wanted = expected === undefined ? 'no command' : quoted(expected)
  const history = before.length === 0 ? 'nothing' : before.map(quoted).join(', ')
  return `control connection ${index}: expected ${wanted}, got ${got} (before it: ${history})`
}

export function quoted(pattern: CommandPattern): string {
  return typeof pattern === 'string' ? JSON.stringify(pattern) : String(pattern)
}

/** The result of `control.expect(…)`: await it for the command, or `await` its `.reply(…)`. */
export class Expectation implements PromiseLike<string> {
  readonly #command: Promise<string>
  readonly #send: (lines: string[]) => void

  constructor(command: Promise<string>, send: (lines: string[]) => void) {
    this.#command = command
    this.#send = send
    // A failure is recorded by the connection itself, so an expectation that nobody awaits loses nothing.
    command.catch(() => undefined)
  }

  /** Answers once the command has come; several lines go out in one packet. */
  async reply(...lines: string[]): Promise<string> {
    const command = await this.#command
    this.#send(lines)
    return command
  }

  then<A = string, B = never>(
    fulfilled?: ((command: string) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#command.then(fulfilled, rejected)
  }
}
