/** Whether a directory takes `a` and `A` for one name: a matter of the file system, and on some of the directory. */
import { randomBytes } from 'node:crypto'
import { open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { localError } from './local-error.ts'
import { lstatIfThere } from './lstat-if-there.ts'
import { casePath } from './names.ts'
import { systemPath } from './system-path.ts'

/** By a file that is there for a moment. Rejects with `ERR_FTP_LOCAL_FILE` where none can be made. */
export async function ignoresCase(directory: string): Promise<boolean> {
  const path = casePath(directory, randomBytes(8).toString('hex'))
  try {
    await (await open(systemPath(path), 'wx', 0o600)).close()
  } catch (error) {
    throw localError(error, path)
  }
  try {
    return (await lstatIfThere(join(dirname(path), basename(path).toUpperCase()))) !== undefined
  } catch (error) {
    throw localError(error, path)
  } finally {
    await unlink(systemPath(path))
  }
}
