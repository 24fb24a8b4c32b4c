/** What a reader of the results has to know of the machine; not its name. */
import { cpus, release, totalmem, type } from 'node:os'

export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
}

export function thisMachine(): Machine {
  const processors = cpus()
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? 'unknown processor',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // The first numbers only: the rest of a release may name who built it.
    kernel: `${type()} ${/^\d+(\.\d+)*/.exec(release())?.[0] ?? ''}`,
    node: process.versions.node,
  }
}
