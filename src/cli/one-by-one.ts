/** Several things, one behind the other: a failure of one is told, and the others are done. */
import type { CommandContext } from './command.ts'
import { exitCodeOf, exitCodeOfAll } from './exit-code.ts'
import { reasonOf } from './explain.ts'
import type { Output } from './output.ts'

/**
 * @param nameOf - how one is called where its failure is told
 * @returns the exit code. Of a single one rejects with its failure, and with the reason once the signal is aborted.
 */
export async function oneByOne<T>(
  { output, signal }: CommandContext,
  items: readonly T[],
  nameOf: (item: T) => string,
  work: (item: T) => Promise<void>,
): Promise<number> {
  const failures: unknown[] = []
  for (const item of items) {
    try {
      await work(item)
    } catch (error) {
      if (items.length === 1 || signal.aborted) throw error
      failures.push(error)
      tellFailure(output, nameOf(item), error)
    }
  }
  return exitCodeOfAll(failures)
}

/** Of one of several things. */
export function tellFailure(output: Output, name: string, error: unknown): void {
  output.event('error', { name, error, exitCode: exitCodeOf(error) })
  output.complain(`${name}: ${reasonOf(error)}`, 'red')
}
