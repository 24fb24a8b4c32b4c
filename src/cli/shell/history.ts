/** The lines that were typed, over several runs; none in which a password stands. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const MOST_LINES = 500
/** Or what could be one. */
const PASSWORD = /:(?!\/\/).*@/

function historyFile(): string {
  const { XDG_STATE_HOME: state = '', LOCALAPPDATA: local = '' } = process.env
  if (process.platform === 'win32' && local !== '') return join(local, 'octoftp', 'history')
  return join(state === '' ? join(homedir(), '.local', 'state') : state, 'octoftp', 'history')
}

/** The newest first, as readline wants it. One that cannot be read is as none. */
export async function readHistory(): Promise<string[]> {
  const text = await readFile(historyFile(), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .reverse()
}

export function withLine(history: readonly string[], line: string): string[] {
  if (line.trim() === '' || line === history[0] || PASSWORD.test(line)) return [...history]
  return [line, ...history].slice(0, MOST_LINES)
}

/** It is a convenience: where it cannot be written, it is not. */
export async function writeHistory(history: readonly string[]): Promise<void> {
  const file = historyFile()
  const temporary = `${file}.${process.pid}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(temporary, `${[...history].reverse().join('\n')}\n`, { mode: 0o600 })
    await rename(temporary, file)
  } catch {
    // No home, no history.
  }
}
