/** What makes names permanent, where the system can. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from './local-error.ts'
import { useAndClose } from './own-file.ts'

/** A folder cannot be opened (no read permission), or not be synced (Windows, some network file systems). */
const FOLDER_NOT_SYNCED = new Set(['EACCES', 'EPERM', 'EISDIR', 'EINVAL', 'EBADF', 'ENOTSUP', 'ENOSYS'])

/** Of those in the folder of `path`. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await useAndClose(await open(dirname(path), constants.O_RDONLY), (folder) => folder.sync())
  } catch (error) {
    if (!hasCode(FOLDER_NOT_SYNCED, error)) throw error
  }
}
