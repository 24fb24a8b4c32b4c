/** Commands that end with the process that started them, even when that is killed by SIGKILL. */
import { spawnSync } from 'node:child_process'

const isPossible = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0

/** @returns the command bound to its parent, or as it is where there is no `setpriv` (util-linux) */
export function boundToParent(command: readonly string[]): string[] {
  return isPossible ? ['setpriv', '--pdeathsig', 'KILL', ...command] : [...command]
}
