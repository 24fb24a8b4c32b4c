/** The table of what can be typed in the shell, in any case. */
import { basename } from 'node:path'
import { checked, UsageError } from '../failures.ts'
import { holds, isWhole } from '../guarded-path.ts'
import { localName } from '../local-name.ts'
import { entryLines, sorted } from '../text/entry-text.ts'
import { downloadText, uploadText } from '../text/result-text.ts'
import { TransferView } from '../view/follow.ts'
import type { Shell } from './shell.ts'

export interface Verb {
  /** The first is that of `help`. */
  readonly names: readonly string[]
  readonly parameters: string
  readonly help: string
  readonly isLocal?: boolean
  /** @returns whether the shell goes on */
  readonly run: (shell: Shell, parameters: readonly string[]) => Promise<boolean>
}

export const VERBS: readonly Verb[] = [
  {
    names: ['connect', 'open'],
    parameters: 'URL',
    help: 'log in to a server, or to a saved connection (NAME:)',
    run: async (shell, parameters) => {
      const [url] = exactly(parameters, 1, 'connect URL')
      shell.context.output.say(await shell.connect(url ?? ''))
      return true
    },
  },
  {
    names: ['ls', 'list', 'dir'],
    parameters: '[-l] [DIRECTORY]',
    help: 'what is in a directory; list and dir are ls -l',
    run: (shell, parameters) => show(shell, parameters, parameters[0] === '-l'),
  },
  {
    names: ['cd', 'cwd'],
    parameters: 'DIRECTORY',
    help: 'go to a directory',
    run: async (shell, parameters) => {
      const [directory = ''] = exactly(parameters, 1, 'cd DIRECTORY')
      await shell.changeDirectory(directory)
      return true
    },
  },
  {
    names: ['pwd'],
    parameters: '',
    help: 'which directory this is',
    run: async (shell) => {
      shell.context.output.print(shell.directory)
      return true
    },
  },
  {
    names: ['get', 'retrieve'],
    parameters: 'FILE [LOCAL]',
    help: 'fetch a file',
    run: async (shell, [file, local, ...more]) => {
      if (file === undefined || more.length > 0) throw new UsageError('get FILE [LOCAL]')
      await fetchFile(shell, file, local ?? nameHere(file))
      return true
    },
  },
  {
    names: ['put', 'store'],
    parameters: 'LOCAL [FILE]',
    help: 'send a file',
    isLocal: true,
    run: async (shell, [local, file, ...more]) => {
      if (local === undefined || more.length > 0) throw new UsageError('put LOCAL [FILE]')
      await sendFile(shell, local, file ?? basename(local))
      return true
    },
  },
  {
    names: ['mkdir'],
    parameters: 'DIRECTORY',
    help: 'make a directory',
    run: async (shell, parameters) => {
      const [directory = ''] = exactly(parameters, 1, 'mkdir DIRECTORY')
      await shell.client.mkdir(shell.pathOf(directory), { signal: shell.context.signal })
      return true
    },
  },
  {
    names: ['rm', 'delete'],
    parameters: '[-r] FILE',
    help: 'remove a file, or with -r a directory',
    run: async (shell, parameters) => {
      const recursive = parameters[0] === '-r'
      const [file = ''] = exactly(recursive ? parameters.slice(1) : parameters, 1, 'rm [-r] FILE')
      await shell.client.remove(removable(shell, file), { recursive, signal: shell.context.signal })
      return true
    },
  },
  {
    names: ['lcd'],
    parameters: 'DIRECTORY',
    help: 'go to a directory of this machine',
    isLocal: true,
    run: async (_shell, parameters) => {
      const [directory = ''] = exactly(parameters, 1, 'lcd DIRECTORY')
      try {
        process.chdir(directory)
      } catch (error) {
        throw new UsageError((error as Error).message)
      }
      return true
    },
  },
  {
    names: ['help', '?'],
    parameters: '',
    help: 'this',
    run: async ({ context }) => {
      for (const { names, parameters, help } of VERBS) {
        const [name = '', ...others] = names
        const also = others.length === 0 ? '' : ` (${others.join(', ')})`
        context.output.print(`${`${name} ${parameters}`.padEnd(24)} ${help}${also}`)
      }
      return true
    },
  },
  {
    names: ['quit', 'exit', 'bye'],
    parameters: '',
    help: 'leave',
    run: () => Promise.resolve(false),
  },
]

/** In any case. `list` and `dir` are long, as those of ftp(1) are. */
export function findVerb(name: string): Verb {
  const wanted = name.toLowerCase()
  const verb = VERBS.find(({ names }) => names.includes(wanted))
  if (verb === undefined) throw new UsageError(`There is no command "${name}": help lists them`)
  if (wanted !== 'list' && wanted !== 'dir') return verb
  return { ...verb, run: (shell, parameters) => show(shell, parameters, true) }
}

/** A script whose variable is empty is not to remove the directory that it is in. */
function removable(shell: Shell, file: string): string {
  const path = shell.pathOf(file)
  if (file === '' || isWhole(path) || holds(path, shell.directory))
    throw new UsageError(`"${file}" is the root, or this directory is in it: name something in it`)
  return path
}

function nameHere(file: string): string {
  const name = localName(file)
  if (name !== undefined) return name
  throw new UsageError(
    `No file here can be called as "${file}" is: get FILE LOCAL says what it is to be called`,
  )
}

function exactly(parameters: readonly string[], count: number, usage: string): readonly string[] {
  if (parameters.length !== count) throw new UsageError(usage)
  return parameters
}

async function show(shell: Shell, parameters: readonly string[], isLong: boolean): Promise<boolean> {
  const { output, signal } = shell.context
  const [path = ''] = parameters.filter((parameter) => parameter !== '-l')
  const entries = await shell.client.listAll(shell.pathOf(path), { signal })
  for (const { text, style } of entryLines(sorted(entries), { isLong })) output.print(text, style)
  return true
}

async function fetchFile(shell: Shell, file: string, local: string): Promise<void> {
  const { client, context, options } = shell
  const { output, signal } = context
  const { connections } = options
  const path = shell.pathOf(file)
  using view = new TransferView(output)
  const result = await view.follow(
    local,
    checked(() => client.download(path, local, { signal, connections })),
  )
  output.say(`${local}: ${downloadText(result)}`)
}

async function sendFile(shell: Shell, local: string, file: string): Promise<void> {
  const { client, context } = shell
  const { output, signal } = context
  const path = shell.pathOf(file)
  using view = new TransferView(output)
  const result = await view.follow(
    local,
    checked(() => client.upload(local, path, { signal })),
  )
  output.say(`${local} to ${path}: ${uploadText(result)}`)
}
