/** What a command is: how it is called, and what it does, which is loaded when it is called. */
import type { Output } from './output.ts'

export interface CommandContext {
  readonly output: Output
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** From now on `signal` is a new one: of the next command in a shell. */
  readonly renewSignal: () => void
}

export interface OptionDefinition {
  /** As commander reads them: `-o, --output <file>`. */
  readonly flags: string
  readonly help: string
  /** @throws UsageError that says what is allowed */
  readonly parse?: (text: string, previous: unknown) => unknown
  readonly choices?: readonly string[]
}

/** @returns the exit code */
export type RunCommand<Options> = (
  context: CommandContext,
  parameters: readonly string[],
  options: Options,
) => Promise<number>

export interface CommandDefinition {
  readonly name: string
  /** As commander reads them: `<url> [others...]`. */
  readonly parameters: string
  readonly summary: string
  readonly options: readonly OptionDefinition[]
  readonly examples: readonly string[]
  /** Its options are those that the definition declares. */
  readonly load: () => Promise<{ readonly run: RunCommand<never> }>
}
