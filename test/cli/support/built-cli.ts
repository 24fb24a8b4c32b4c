/** The command line as it is published: built, and run in processes and folders of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { build } from 'tsup'
import { commandLine, library } from '../../../tsup.config.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface Outcome {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | undefined
  /** Whether more could come. */
  readonly isInputLeftOpen?: boolean
  readonly environment?: NodeJS.ProcessEnv
  /** Told of the process when it has been started. */
  readonly onStart?: (child: ChildProcess) => void
}

/** Builds it; gone at the end of `await using`. */
export async function builtCli(): Promise<BuiltCli> {
  const folder = await temporaryDirectory()
  const outDir = folder.at('package', 'dist')
  await mkdir(outDir, { recursive: true })
  await cp(join(root, 'package.json'), folder.at('package', 'package.json'))
  await mkdir(folder.at('work'))
  await build({ ...library, dts: false, sourcemap: false, clean: false, config: false, outDir })
  await build({ ...commandLine, clean: false, config: false, outDir })
  return new BuiltCli(folder)
}

export class BuiltCli {
  readonly #folder: TemporaryDirectory

  constructor(folder: TemporaryDirectory) {
    this.#folder = folder
  }

  /** Where it is run. */
  get folder(): string {
    return this.at()
  }

  get program(): string {
    return this.#folder.at('package', 'dist', 'cli.js')
  }

  at(...names: string[]): string {
    return this.#folder.at('work', ...names)
  }

  /** With no home but its own, and with the password that the servers of the tests have. */
  environment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const home = this.#folder.at('home')
    return {
      ...process.env,
      ...{ HOME: home, USERPROFILE: home, APPDATA: home, LOCALAPPDATA: home, TERM: 'xterm', NETRC: '' },
      ...{
        XDG_CONFIG_HOME: '',
        XDG_STATE_HOME: '',
        OCTOFTP_CONNECTIONS: '',
        OCTOFTP_PASSWORD: 'open sesame',
      },
      ...changes,
    }
  }

  async run(
    words: readonly string[],
    { input = '', isInputLeftOpen = false, environment, onStart }: RunOptions = {},
  ): Promise<Outcome> {
    const child = spawn(process.execPath, [this.program, ...words], {
      cwd: this.at(),
      env: this.environment(environment),
    })
    const ended = once(child, 'close') as Promise<[number | null]>
    child.stdin.on('error', () => {}) // it may have ended before it read
    if (isInputLeftOpen) child.stdin.write(input)
    else child.stdin.end(input)
    onStart?.(child)
    const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { exitCode, stdout, stderr }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]()
  }
}
