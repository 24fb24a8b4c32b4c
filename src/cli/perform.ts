/** Runs one command with what all of them need: output, transcript, interruption; and tells how it failed. */
import type { CommandContext, CommandDefinition } from './command.ts'
import { EXIT } from './exit.ts'
import { exitCodeOf } from './exit-code.ts'
import { explain } from './explain.ts'
import { Interruption } from './interruption.ts'
import { Output } from './output.ts'
import { openTranscript } from './transcript.ts'

/** What every command has. */
interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly log?: string
}

/** @returns the exit code */
export async function perform(
  definition: CommandDefinition,
  parameters: readonly string[],
  options: CommonOptions,
): Promise<number> {
  const output = new Output(process.stdout, process.stderr, {
    json: options.json === true,
    quiet: options.quiet === true,
  })
  using interruption = new Interruption(process.stdout)
  const told = async (work: () => Promise<number>): Promise<number> => {
    try {
      return await work()
    } catch (error) {
      const exitCode = exitCodeOf(error)
      output.event('error', { error, exitCode })
      for (const line of explain(error, definition.name)) output.complain(line, 'red')
      return exitCode
    }
  }
  return await told(async () => {
    const transcript = await openTranscript(options.log, output)
    const exitCode = await told(async () => {
      const { run } = await definition.load()
      return run(contextOf(output, interruption), parameters, options as never).catch((error: unknown) => {
        // What fails because it was ended fails by that.
        throw interruption.signal.aborted ? interruption.signal.reason : error
      })
    })
    const closed = await told(() => transcript.close().then(() => EXIT.fine))
    return exitCode === EXIT.fine ? closed : exitCode
  })
}

function contextOf(output: Output, interruption: Interruption): CommandContext {
  return {
    output,
    get signal() {
      return interruption.signal
    },
    renewSignal: () => interruption.renew(),
  }
}
