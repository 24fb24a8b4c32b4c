/** `octoftp shell`: line by line, from a terminal or from a file. */
import { createInterface } from 'node:readline/promises'
import type { CommandContext, RunCommand } from '../command.ts'
import { EXIT } from '../exit.ts'
import { exitCodeOf } from '../exit-code.ts'
import { explain } from '../explain.ts'
import { complete } from '../shell/complete.ts'
import { readHistory, withLine, writeHistory } from '../shell/history.ts'
import { Shell, type ShellOptions } from '../shell/shell.ts'
import { findVerb, VERBS } from '../shell/verbs.ts'
import { wordsOf } from '../shell/words.ts'
import { shown } from '../text/paint.ts'

export const run: RunCommand<ShellOptions> = async (context, [url], options) => {
  const shell = new Shell(context, options)
  try {
    if (url !== undefined) context.output.say(await shell.connect(url))
    return await (process.stdin.isTTY ? talk(shell) : obey(shell))
  } finally {
    await shell.disconnect()
  }
}

/** With somebody at a terminal, who sees what fails and goes on. */
async function talk(shell: Shell): Promise<number> {
  const { context } = shell
  let history = await readHistory()
  let typed: Typed = { lines: [], rest: '' }
  if (shell.prompt.startsWith('octoftp'))
    context.output.say('connect URL logs in to a server; help lists the commands')
  for (;;) {
    if (typed.lines.length === 0) typed = await ask(shell, history, typed.rest)
    else process.stderr.write(`${shown(`${shell.prompt}${typed.lines[0]}`)}\n`)
    const [line, ...lines] = typed.lines
    if (line === undefined) break
    typed = { ...typed, lines }
    history = withLine(history, line)
    await writeHistory(history)
    const outcome = await carryOut(shell, line)
    if (outcome === 'quit') break
    // Whoever cancels means what would come next, too.
    if (context.signal.aborted) typed = { lines: [], rest: '' }
    context.renewSignal()
  }
  context.signal.throwIfAborted()
  return EXIT.fine
}

/** Lines from a file or a program: the exit code is that of the last one that failed. */
async function obey(shell: Shell): Promise<number> {
  let exitCode: number = EXIT.fine
  const { signal } = shell.context
  const lines = createInterface({ input: process.stdin, signal })
  try {
    for await (const line of lines) {
      const outcome = await carryOut(shell, line)
      if (outcome === 'quit') break
      if (outcome !== 'done') exitCode = exitCodeOf(outcome.error)
      if (signal.aborted) break
    }
  } finally {
    // Whoever writes to it may not have ended.
    lines.close()
    process.stdin.unref()
  }
  signal.throwIfAborted()
  return exitCode
}

type Outcome = 'done' | 'quit' | { readonly error: unknown }

async function carryOut(shell: Shell, line: string): Promise<Outcome> {
  const [verb, ...parameters] = wordsOf(line).map(({ text }) => text)
  if (verb === undefined || verb.startsWith('#')) return 'done'
  try {
    return (await findVerb(verb).run(shell, parameters)) ? 'done' : 'quit'
  } catch (error) {
    complain(shell.context, error)
    return { error }
  } finally {
    shell.forgetNames()
  }
}

function complain({ output }: CommandContext, error: unknown): void {
  const [reason = '', hint] = explain(error, undefined)
  output.complain(reason, 'red')
  if (hint !== undefined && !hint.startsWith('See ')) output.complain(hint)
}

/** What has been typed, or pasted: none at Ctrl-D; several where they came at once. */
interface Typed {
  readonly lines: readonly string[]
  /** Behind the last of them. */
  readonly rest: string
}

/**
 * @param begun what is in the line already
 *
 * An interface for each, so that the terminal makes a signal of Ctrl-C while a command runs.
 */
async function ask(shell: Shell, history: readonly string[], begun: string): Promise<Typed> {
  const sources = {
    verbs: VERBS.flatMap(({ names }) => names),
    isLocal: (verb: string) => VERBS.some(({ names, isLocal }) => isLocal === true && names.includes(verb)),
    remoteNames: (directory: string) => shell.remoteNames(directory).then(showable),
    localNames: (directory: string) => shell.localNames(directory).then(showable),
  }
  const readline = createInterface({
    input: process.stdin,
    output: process.stderr,
    history: [...history],
    signal: shell.context.signal,
    completer: (line: string) => complete(line, sources),
  })
  return new Promise((resolve) => {
    const lines: string[] = []
    readline.on('SIGINT', () => {
      process.stderr.write('^C\n')
      resolve({ lines: [''], rest: '' })
      readline.close()
    })
    readline.on('close', () => {
      // It is shown anew behind the prompt that it is for.
      if (readline.line !== '') process.stderr.write('\n')
      resolve({ lines, rest: readline.line })
    })
    readline.on('line', (line) => {
      // The others that came with it are told before this turn ends.
      if (lines.push(line) === 1) queueMicrotask(() => readline.close())
    })
    readline.setPrompt(shown(shell.prompt))
    readline.prompt()
    readline.write(begun)
  })
}

/** What would move the cursor cannot be completed. */
function showable(names: readonly string[]): readonly string[] {
  return names.filter((name) => shown(name) === name)
}
