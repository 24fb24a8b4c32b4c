/** Asks somebody at the terminal. */
import { read } from 'read'
import { Interrupted, LocalFailure } from '../failures.ts'
import { shown } from '../text/paint.ts'

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** What is typed is not shown. */
export async function askSecret(question: string): Promise<string> {
  let onNothingLeft: () => void = () => {}
  // At Ctrl-D nothing is told: there is only nothing left to wait for.
  const unanswered = new Promise<never>((_, reject) => {
    onNothingLeft = () => reject(new LocalFailure('No password was given'))
    process.once('beforeExit', onNothingLeft)
  })
  const asked = read({
    prompt: `${shown(question)}:`,
    input: process.stdin,
    output: process.stderr,
    silent: true,
  }).catch(() => {
    // By Ctrl-C: the terminal makes no signal of it here.
    throw new Interrupted('Cancelled', 130)
  })
  try {
    return await Promise.race([asked, unanswered])
  } finally {
    process.off('beforeExit', onNothingLeft)
    process.stderr.write('\n')
  }
}
