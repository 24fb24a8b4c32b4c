/** Files of our own beside a target: opened only where they are plainly ours, read and written whole. */
import { constants, type Stats } from 'node:fs'
import { lstat, open, type FileHandle } from 'node:fs/promises'
import { hasCode, refused } from './local-error.ts'

/** Nothing that could be continued stands there, or nothing that we may read. */
const NOTHING_THERE = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENXIO',
  'ENAMETOOLONG',
])
/** Whether an error says that there is nothing, as opposed to: that it cannot be said now. */
export function isNothingThere(error: unknown): boolean {
  return hasCode(NOTHING_THERE, error)
}

/**
 * Opens a regular file of this user that has no other name. Rejects with `ERR_FTP_LOCAL_FILE` where something else
 * stands at `path`, a link above all, and with the system's error otherwise.
 */
export async function openPlainlyOwn(path: string, access: number): Promise<FileHandle> {
  const why = 'it is a link, not a regular file, or of another user'
  // Asked before, as Windows has no O_NOFOLLOW (the constant is missing there, which is 0 here), and again of what
  // was opened, as it may have been swapped between. A FIFO that comes between must not let the opening wait.
  if (!isPlainlyOwn(await lstat(path))) throw refused(path, why)
  const handle = await open(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  return orClosed(handle, async () => {
    if (!isPlainlyOwn(await handle.stat())) throw refused(path, why)
    return handle
  })
}

/** A file that has been replaced since it was opened has no name at all. */
export function isPlainlyOwn(file: Stats): boolean {
  const foreign = process.getuid !== undefined && file.uid !== process.getuid()
  return file.isFile() && !foreign && file.nlink <= 1
}

/** The first `length` bytes; fewer where the file ends. */
export async function readStart(handle: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

export async function useAndClose<T>(
  handle: FileHandle,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}

/** The result of `use`; if it fails, `handle` is closed. */
export async function orClosed<T>(handle: FileHandle, use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    await handle.close()
    throw error
  }
}
