/** Programs that use the library in a process of their own: for what holds a process, ends it, or limits it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { underBreak } from './breaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

const SOURCE = fileURLToPath(new URL('../../../src', import.meta.url))
const PACKAGES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

export interface ChildOutcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  readonly errorOutput: string
}

export interface ChildOptions {
  readonly env?: Record<string, string>
  /** The command line around `node script.js`, such as `prlimit --fsize=1 node script.js`. */
  readonly wrap?: (node: string, script: string) => readonly string[]
  /** After so many milliseconds it is killed. Default 20,000. */
  readonly longestMs?: number
}

/**
 * Runs `script`, in which `./octoftp/index.js` is the library as it stands in `src/`, to its own end; one that
 * does not end is killed, and tells by its signal.
 */
export async function runScript(
  folder: TemporaryDirectory,
  script: string,
  { env = {}, wrap = (node, path) => [node, path], longestMs = 20_000 }: ChildOptions = {},
): Promise<ChildOutcome> {
  const path = await prepare(folder, script)
  const [command = '', ...args] = wrap(process.execPath, path)
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longestMs,
  })
  let output = ''
  let errorOutput = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errorOutput += text))
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  )
  return { code, signal, output, errorOutput }
}

/** Those that still run are killed, and gone when it resolves. */
export async function killAll(children: Iterable<ChildProcess>): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** A script as {@link runScript} takes it, to be run again and again: compiled once. */
export interface Program extends AsyncDisposable {
  readonly path: string
}

export async function prepareProgram(script: string): Promise<Program> {
  const folder = await temporaryDirectory()
  const path = await prepare(folder, script)
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

async function prepare(folder: TemporaryDirectory, script: string): Promise<string> {
  await mkdir(folder.at('program'), { recursive: true })
  await writeFile(folder.at('program', 'package.json'), '{ "type": "module" }')
  // What is bundled into the package is found there.
  await symlink(PACKAGES, folder.at('program', 'node_modules'))
  const names = await readdir(SOURCE, { recursive: true })
  for (const name of names.filter((one) => one.endsWith('.ts') && !one.endsWith('.d.ts'))) {
    const target = folder.at('program', 'octoftp', name.replace(/ts$/, 'js'))
    await mkdir(dirname(target), { recursive: true })
    const path = join(SOURCE, name)
    await writeFile(target, compiled(underBreak(path, await readFile(path, 'utf8'))))
  }
  await writeFile(folder.at('program', 'script.js'), script)
  return folder.at('program', 'script.js')
}

function compiled(source: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    rewriteRelativeImportExtensions: true,
  }
  return ts.transpileModule(source, { compilerOptions }).outputText
}
