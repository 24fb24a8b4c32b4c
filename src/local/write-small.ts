/**
 * A small file in one go: five calls to the system, made at once where that may be (`prompt-calls.ts`).
 *
 * Not synced: after a power cut a file may be there that is empty or short. The next run sees its size, and fetches it
 * again; a sync for each would take longer than the rest of the mirror.
 */
import { closeSync, constants, futimesSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { isMissing } from './local-error.ts'
import { partPath } from './names.ts'
import { putInPlace, type Placing } from './put-in-place.ts'
import { systemPath } from './system-path.ts'

/** A link that stands there is an error, as is anything else. Windows has no O_NOFOLLOW, and needs none with O_EXCL. */
const CREATE =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_EXCL |
  ((constants.O_NOFOLLOW as number | undefined) ?? 0)
/** What the umask leaves of it. */
const ANY_MODE = 0o666

/** Writes, dates and renames. */
export async function writeSmallFile(
  target: string,
  bytes: readonly Uint8Array[],
  modifiedMs: number | undefined,
  placing: Placing,
): Promise<void> {
  await putInPlace(target, placing, async (path) => {
    const handle = await open(path, CREATE, ANY_MODE)
    try {
      await fill(handle, bytes, modifiedMs)
    } catch (error) {
      await unlink(path).catch(() => {}) // The error says what is wrong.
      throw error
    }
  })
}

/**
 * The same at once, replacing what stands there. False where that cannot be: then nothing is left of it, and
 * {@link writeSmallFile} does it, or says what is wrong.
 */
export function writeSmallFileAtOnce(
  target: string,
  bytes: readonly Uint8Array[],
  modifiedMs: number | undefined,
): boolean {
  const temporary = systemPath(partPath(target))
  let handle: number
  try {
    handle = openSync(temporary, CREATE, ANY_MODE)
  } catch {
    return false
  }
  try {
    try {
      for (const some of bytes)
        if (writeSync(handle, some) !== some.length) throw new Error('Written in part')
      if (modifiedMs !== undefined) futimesSync(handle, Date.now() / 1000, secondsOf(modifiedMs))
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, systemPath(target))
    return true
  } catch (error) {
    // Where the name is gone, another process has taken it: what may stand there by now is not ours.
    if (!isMissing(error)) unlinkSync(temporary)
    return false
  }
}

async function fill(
  handle: FileHandle,
  bytes: readonly Uint8Array[],
  modifiedMs: number | undefined,
): Promise<void> {
  try {
    await writeWhole(handle, bytes)
    if (modifiedMs !== undefined) await handle.utimes(Date.now() / 1000, secondsOf(modifiedMs))
  } finally {
    // Its failure counts: some file systems tell only now that the disk is full.
    await handle.close()
  }
}

/** A disk that fills up takes a part; the next write then says why. */
async function writeWhole(handle: FileHandle, bytes: readonly Uint8Array[]): Promise<void> {
  const [only] = bytes
  let rest = bytes.length === 1 && only !== undefined ? only : Buffer.concat(bytes)
  while (rest.length > 0) {
    const { bytesWritten } = await handle.write(rest, 0, rest.length, null)
    rest = rest.subarray(bytesWritten)
  }
}

/** Node cuts what is below a microsecond, and a fraction of a second is rarely exact in binary. */
function secondsOf(ms: number): number {
  return (ms + 0.0005) / 1000
}
