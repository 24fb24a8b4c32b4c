/** What Tab adds to a line: the name of a command, then names on the server or of this machine. */
import { typed, wordsOf } from './words.ts'

export interface CompletionSources {
  readonly verbs: readonly string[]
  /** Whether the parameters of a verb are local paths. */
  readonly isLocal: (verb: string) => boolean
  /** The names in a directory (`''` for the present one); those of directories end with a slash. */
  readonly remoteNames: (directory: string) => Promise<readonly string[]>
  readonly localNames: (directory: string) => Promise<readonly string[]>
}

/** @returns as readline wants it: what fits, and what of the line it stands for */
export async function complete(line: string, sources: CompletionSources): Promise<[string[], string]> {
  const words = wordsOf(line)
  const last = words.at(-1)
  const isNew = last === undefined || /(?<!\\)\s$/.test(line)
  const [verb] = words
  if (verb === undefined || (words.length === 1 && !isNew)) {
    const begun = line.trimStart()
    const fitting = sources.verbs.filter((name) => name.startsWith(begun.toLowerCase()))
    return [fitting.map((name) => `${name} `), begun]
  }
  const begun = isNew ? '' : last.text
  const slash = begun.lastIndexOf('/') + 1
  const [directory, name] = [begun.slice(0, slash), begun.slice(slash)]
  const names = sources.isLocal(verb.text.toLowerCase())
    ? await sources.localNames(directory)
    : await sources.remoteNames(directory)
  const fitting = names.filter((one) => one.startsWith(name))
  const isDone = (one: string): string => (one.endsWith('/') ? '' : fitting.length === 1 ? ' ' : '')
  return [fitting.map((one) => typed(directory + one) + isDone(one)), isNew ? '' : line.slice(last.start)]
}
