/** Runs one command as a whole process and says what it cost, by the operating system's own account. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { boundToParent } from './bound.ts'

/** What one run cost, its start-up included. */
export interface Cost {
  readonly wallSeconds: number
  /** User and system time. */
  readonly cpuSeconds: number
  /** The largest resident set. */
  readonly peakBytes: number
}

export type Run = { readonly cost: Cost } | { readonly failure: string }

export interface RunOptions {
  /** A folder for the figures; also the command's HOME, so that nobody's settings take part. */
  readonly scratch: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** GNU time: Node cannot ask for a child's peak memory, and a shell's `time` does not know it. */
const TIME = '/usr/bin/time'

/** Why nothing can be measured here, or undefined if it can. */
export function whyUnmeasurable(): string | undefined {
  const { status } = spawnSync(TIME, ['-f', '%e', 'true'], { stdio: 'ignore' })
  return status === 0 ? undefined : `${TIME} (GNU time, package \`time\`) is needed`
}

/** @returns the cost, or why the command failed; rejects with the reason of an abort */
export async function measure(command: readonly string[], options: RunOptions): Promise<Run> {
  const figures = join(options.scratch, 'figures')
  const started = performance.now()
  const timed = [TIME, '-f', '%U %S %M', '-o', figures, ...boundToParent(command)]
  const failure = await runToEnd(boundToParent(timed), options)
  const wallSeconds = (performance.now() - started) / 1000
  options.signal.throwIfAborted()
  return failure === undefined ? { cost: { wallSeconds, ...readFigures(figures) } } : { failure }
}

function readFigures(file: string): Omit<Cost, 'wallSeconds'> {
  const [user = NaN, system = NaN, kilobytes = NaN] = readFileSync(file, 'utf8').split(' ').map(Number)
  return { cpuSeconds: user + system, peakBytes: kilobytes * 1024 }
}

/**
 * Nobody's settings: neither those of a HOME, nor certificates to trust beside those that a client is told, which cost
 * each start of Node 40 ms.
 */
function environment(scratch: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:NODE_|SSL_CERT_|CURL_)/.test(name))
  return { ...Object.fromEntries(inherited), HOME: scratch }
}

function runToEnd(
  [program = '', ...args]: readonly string[],
  { scratch, timeoutMs, signal }: RunOptions,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    // A group of its own: GNU time passes no signal on to what it runs.
    const child = spawn(program, args, {
      env: environment(scratch),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    let errors = ''
    let timedOut = false
    const end = (): void => killGroup(child.pid)
    const timer = setTimeout(() => {
      timedOut = true
      end()
    }, timeoutMs)
    signal.addEventListener('abort', end)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-500)
    })
    child.once('error', reject)
    child.once('close', (code, killedBy) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      if (timedOut) resolve(`not done after ${timeoutMs / 1000} s`)
      else resolve(code === 0 ? undefined : `exit ${code ?? killedBy ?? ''}: ${errors.trim()}`)
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
