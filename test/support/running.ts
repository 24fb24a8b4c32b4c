/** A child process, and what it says. */
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

export interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  /** What it has said until now. */
  readonly output: () => string
  readonly errors: () => string
  /** Its exit code; `null` where a signal has ended it. */
  readonly ended: Promise<number | null>
}

/** Takes down what a child says from now on. */
export function running(child: Running['child']): Running {
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, output: () => output, errors: () => errors, ended }
}
