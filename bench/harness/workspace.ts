/** A folder in memory where there is one, so that no disk takes part in what is measured. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Workspace {
  /** What servers serve. */
  readonly served: string
  /** Where clients write. */
  readonly targets: string
  /** Figures, and the clients' HOME. */
  readonly scratch: string
  readonly isInMemory: boolean
  remove(): void
}

const MEMORY = '/dev/shm'

export function makeWorkspace(): Workspace {
  const isInMemory = existsSync(MEMORY)
  const folder = mkdtempSync(join(isInMemory ? MEMORY : tmpdir(), 'octoftp-bench-'))
  // Servers may run their sessions under another account.
  chmodSync(folder, 0o755)
  const paths = {
    served: join(folder, 'served'),
    targets: join(folder, 'targets'),
    scratch: join(folder, 'scratch'),
  }
  for (const path of Object.values(paths)) mkdirSync(path)
  return { ...paths, isInMemory, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
