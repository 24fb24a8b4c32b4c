/** Programs that use the library in a process of their own: for what holds a process, ends it, or limits it. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { TemporaryDirectory } from '../../support/temporary-directory.ts'

const SOURCE = fileURLToPath(new URL('../../../src', import.meta.url))

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
}

/**
 * Runs `script`, in which `./octoftp/index.js` is the library as it stands in `src/`, to its own end; one that
 * does not end is killed after ten seconds, and tells by its signal.
 */
export async function runScript(
  folder: TemporaryDirectory,
  script: string,
  { env = {}, wrap = (node, path) => [node, path] }: ChildOptions = {},
): Promise<ChildOutcome> {
  const path = await prepare(folder, script)
  const [command = '', ...args] = wrap(process.execPath, path)
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 10_000,
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

async function prepare(folder: TemporaryDirectory, script: string): Promise<string> {
  await mkdir(folder.at('program'), { recursive: true })
  await writeFile(folder.at('program', 'package.json'), '{ "type": "module" }')
  const names = await readdir(SOURCE, { recursive: true })
  for (const name of names.filter((one) => one.endsWith('.ts'))) {
    const target = folder.at('program', 'octoftp', name.replace(/ts$/, 'js'))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, compiled(await readFile(join(SOURCE, name), 'utf8')))
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
