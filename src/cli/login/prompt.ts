/** Asks somebody at the terminal. */
import { read } from 'read'
import { Interrupted } from '../failures.ts'
import { shown } from '../text/paint.ts'

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** What is typed is not shown. */
export async function askSecret(question: string): Promise<string> {
  try {
    return await read({
      prompt: `${shown(question)}:`,
      input: process.stdin,
      output: process.stderr,
      silent: true,
    })
  } catch {
    // Only Ctrl-C ends it without an answer; the terminal makes no signal of it here.
    throw new Interrupted('SIGINT', 130)
  } finally {
    process.stderr.write('\n')
  }
}
