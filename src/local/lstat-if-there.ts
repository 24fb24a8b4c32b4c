/** A look at what stands at a path, which may be nothing. */
import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { isMissing } from './local-error.ts'
import { systemPath } from './system-path.ts'

/** A link is not followed. Rejects with what the system says where that is not "there is nothing". */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(systemPath(path))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
