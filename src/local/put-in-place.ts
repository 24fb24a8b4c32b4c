/** From a temporary name beside it to its own, in one step: what stood there is whole until then. */
import { link, lstat, rename, unlink } from 'node:fs/promises'
import { clearLeftover } from './leftover.ts'
import { asLocalError } from './local-error.ts'
import { partPath } from './names.ts'
import { existsAlready } from './part-file.ts'
import { systemPath } from './system-path.ts'

type SystemPath = string | Buffer

export interface Placing {
  /** Whether it replaces what stands there: a file or a link, which is not followed; never a directory. */
  readonly overwrite: boolean
  readonly signal: AbortSignal
}

/**
 * Has `create` make something under the temporary name, which it must do exclusively, and gives it the name `target`.
 * Whatever fails, the temporary name is gone again, and the error is `ERR_FTP_LOCAL_FILE`.
 */
export async function putInPlace(
  target: string,
  { overwrite, signal }: Placing,
  create: (path: SystemPath) => Promise<void>,
): Promise<void> {
  const temporary = systemPath(partPath(target))
  try {
    await createExclusively(temporary, target, signal, create)
    try {
      await (overwrite ? rename(temporary, systemPath(target)) : renameToNothing(temporary, target))
    } catch (error) {
      await unlink(temporary).catch(() => {}) // The error says what is wrong.
      throw error
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw asLocalError(error, target)
  }
}

async function createExclusively(
  temporary: SystemPath,
  target: string,
  signal: AbortSignal,
  create: (path: SystemPath) => Promise<void>,
): Promise<void> {
  try {
    await create(temporary)
  } catch (error) {
    if (!isThere(error)) throw error
    await clearLeftover(target, signal)
    await create(temporary)
  }
}

/** A second name first: unlike a rename that fails where something stands. */
async function renameToNothing(temporary: SystemPath, target: string): Promise<void> {
  try {
    await link(temporary, systemPath(target))
  } catch (error) {
    if (isThere(error)) throw existsAlready(target)
    // A file system without second names.
    const there = await lstat(systemPath(target)).catch(() => undefined)
    if (there !== undefined) throw existsAlready(target)
    await rename(temporary, systemPath(target))
    return
  }
  await unlink(temporary)
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST'
}
