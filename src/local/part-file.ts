/**
 * The file that grows while a download runs, and that becomes the target when it is whole.
 *
 * Owns the open file beside the target; several segments write it at their places at once. The target itself is
 * not touched before {@link PartFile.publish}, which renames.
 */
import {
  close,
  constants,
  fchmod,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  futimes,
  open,
  read,
  write,
  type BigIntStats,
  type Stats,
} from 'node:fs'
import { link, lstat, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { FtpTransferError } from '../errors.ts'
import { asLocalError, localError, refused } from './local-error.ts'
import { lstatIfThere } from './lstat-if-there.ts'
import { modePath, partPath } from './names.ts'
import { isNothingThere } from './own-file.ts'

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify<number, Stats>(fstat)
const identityOf = promisify<number, { bigint: true }, BigIntStats>(fstat)
const syncFile = promisify(fsync)
const syncData = promisify(fdatasync)
const truncateFile = promisify(ftruncate)
const setMode = promisify(fchmod)
const setTimes = promisify(futimes)

/** Exclusively: a file or a link that stands there is an error. */
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
/** Not through a link. Windows has no such flag (it is 0 in the sum there), and is asked by `lstat`. */
const REOPEN = constants.O_RDWR | constants.O_NOFOLLOW
/** Only its owner reads a file that is not whole. */
const PRIVATE_MODE = 0o600
const PERMISSION_BITS = 0o777

/**
 * The path that a download to `target` replaces, links followed. Rejects with `ERR_FTP_LOCAL_FILE` where that
 * is a folder or a device, or its folder is missing: said before anything is asked of a server.
 */
export async function resolveTarget(target: string): Promise<string> {
  try {
    // One file has one path, however it is reached: two downloads to it must meet.
    const folder = await realpath(dirname(resolve(target)))
    const named = join(folder, basename(resolve(target)))
    const existing = await lstatIfThere(named)
    if (existing === undefined) return named
    // Through a link the file behind it is replaced, and the link stays.
    const path = existing.isSymbolicLink() ? await followLink(named) : named
    const behind = await stat(path)
    if (behind.isDirectory()) throw refused(target, 'it is a folder: name the file in it')
    if (!behind.isFile()) throw refused(target, 'it is not a regular file')
    return path
  } catch (error) {
    throw asLocalError(error, target)
  }
}

async function followLink(link: string): Promise<string> {
  try {
    return await realpath(link)
  } catch (cause) {
    const message = `Cannot write ${link}: it is a link that leads nowhere`
    throw new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { cause, path: link })
  }
}

export class PartFile {
  readonly path: string
  readonly target: string
  readonly #descriptor: number
  /** The permissions that the finished file gets. */
  readonly #mode: number
  #isOpen = true
  /** A system tells once that data was lost on its way to the disk; the next sync succeeds without them. */
  #syncFailure: unknown

  private constructor(target: string, path: string, descriptor: number, mode: number) {
    this.target = target
    this.path = path
    this.#descriptor = descriptor
    this.#mode = mode
  }

  /** Creates the part file of `target`, which has been through {@link resolveTarget}, in place of an older one. */
  static async create(target: string): Promise<PartFile> {
    const path = partPath(target)
    try {
      await removeLeftover(path)
      const mode = await modeFor(target)
      const descriptor = await openFile(path, CREATE, PRIVATE_MODE)
      return new PartFile(target, path, descriptor, mode)
    } catch (error) {
      throw asLocalError(error, path)
    }
  }

  /**
   * Opens the part file that an earlier run has left; `undefined` where there is none of at least `leastBytes` and
   * at most `mostBytes`, or none that is plainly ours: a link, a second name of another file, another user's. Rejects
   * with `ERR_FTP_LOCAL_FILE` where the system could not open it now (out of descriptors, a failing disk): it stays.
   */
  static async reopen(target: string, leastBytes: number, mostBytes: number): Promise<PartFile | undefined> {
    const path = partPath(target)
    let descriptor: number | undefined
    try {
      descriptor = await openFile(path, REOPEN)
      const facts = await statFile(descriptor)
      const named = await lstat(path)
      const isOurs = isOwn(facts) && facts.nlink === 1 && named.isFile() && named.ino === facts.ino
      if (isOurs && facts.size >= leastBytes && facts.size <= mostBytes) {
        return new PartFile(target, path, descriptor, await modeFor(target))
      }
    } catch (error) {
      // Whatever else is in the way of it is in the way of creating it, and said there.
      if (!isNothingThere(error)) {
        if (descriptor !== undefined) await closeFile(descriptor)
        throw localError(error, path)
      }
    }
    if (descriptor !== undefined) await closeFile(descriptor)
    return undefined
  }

  /** Writes all of `bytes` at `position`; `done` is told once, with the error if there was one. */
  write(bytes: Uint8Array, position: number, done: (error: Error | undefined) => void): void {
    write(this.#descriptor, bytes, 0, bytes.length, position, (error, written) => {
      if (error) done(localError(error, this.path))
      // A full disk may take a part; the next write then says why.
      else if (written < bytes.length) this.write(bytes.subarray(written), position + written, done)
      else done(undefined)
    })
  }

  /** Up to `length` bytes at `position`; fewer where the file ends. */
  read(position: number, length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, Buffer.alloc(length), 0, length, position, (error, count, bytes) => {
        if (error) reject(localError(error, this.path))
        else resolve(bytes.subarray(0, count))
      })
    })
  }

  /** Resolves when all that was written is on the disk. */
  async sync(): Promise<void> {
    if (this.#syncFailure !== undefined) throw localError(this.#syncFailure, this.path)
    try {
      await syncData(this.#descriptor)
    } catch (error) {
      this.#syncFailure = error
      throw localError(error, this.path)
    }
  }

  /** Forgets what was written, so that nothing of it stays behind a shorter second attempt. */
  async clear(): Promise<void> {
    if (!(await this.#stands(this.path))) throw refused(this.path, 'another program has replaced it')
    try {
      await truncateFile(this.#descriptor, 0)
    } catch (error) {
      throw localError(error, this.path)
    }
  }

  /**
   * Makes it the target: synced, with its time and permissions, by one rename. Until then an older target
   * stands untouched. Rejects if the file is not of `size` bytes, or has been replaced meanwhile; and, unless it
   * `replaces`, if something stands at the target.
   */
  async publish(size: number, modified: Date | undefined, replaces = true): Promise<void> {
    try {
      if (modified !== undefined) await setTimes(this.#descriptor, new Date(), modified)
      await setMode(this.#descriptor, this.#mode)
      await this.#syncWhole()
      // Asked last, as the sync may have taken seconds, and again afterwards, as a rename goes by the name: another
      // process with the same target may have put its own unfinished file there. Open, ours keeps its identity.
      await this.#expectSize(size)
      if (!(await this.#stands(this.path))) throw refused(this.path, 'another program has replaced it')
      await (replaces ? rename(this.path, this.target) : this.#renameToNothing())
      if (!(await this.#stands(this.target)))
        throw refused(this.target, 'another program has written it meanwhile')
    } catch (error) {
      throw asLocalError(error, this.target)
    }
    await this.#close()
  }

  /** Leaves it where it is, for a later run. Never rejects. */
  keep(): Promise<void> {
    return this.#close()
  }

  /** Removes it. Never rejects: it is called on the way out of another failure. */
  async discard(): Promise<void> {
    try {
      if (await this.#stands(this.path)) await unlink(this.path)
    } catch {
      // Left behind: the next download of this user to this target removes it.
    }
    await this.#close()
  }

  async #syncWhole(): Promise<void> {
    await this.sync()
    try {
      await syncFile(this.#descriptor)
    } catch (error) {
      this.#syncFailure = error
      throw error
    }
  }

  /** A rename that fails where the target has come into being meanwhile: a second name first, as that is exclusive. */
  async #renameToNothing(): Promise<void> {
    try {
      await link(this.path, this.target)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST' || (await lstatIfThere(this.target)) !== undefined)
        throw existsAlready(this.target)
      // A file system without second names.
      await rename(this.path, this.target)
      return
    }
    await unlink(this.path)
  }

  async #expectSize(size: number): Promise<void> {
    const { size: actual } = await statFile(this.#descriptor)
    if (actual === size) return
    const message = `${this.path} has ${actual} bytes where ${size} were written: another program has changed it`
    throw new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path: this.path, expected: size, actual })
  }

  /** Whether the file at `path` is this one. */
  async #stands(path: string): Promise<boolean> {
    const there = await lstat(path, { bigint: true }).catch(() => undefined)
    const ours = await identityOf(this.#descriptor, { bigint: true })
    return `${there?.dev}:${there?.ino}` === `${ours.dev}:${ours.ino}`
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await closeFile(this.#descriptor).catch(() => {}) // It was synced, or is not wanted.
  }
}

/** `ERR_FTP_LOCAL_FILE` where `overwrite` forbids to replace what stands at `target`. */
export function existsAlready(target: string): FtpTransferError {
  return refused(target, 'it exists, and option "overwrite" says not to replace it')
}

/** Whether a file stands at `target`, which has been through {@link resolveTarget}. */
export async function exists(target: string): Promise<boolean> {
  return (await lstatIfThere(target)) !== undefined
}

/**
 * Takes away the name of a part file that has been published and, since its process was killed, is a second name of
 * the target; gives whether there was one. Never rejects: it would do no harm.
 */
export async function dropSecondName(target: string): Promise<boolean> {
  const path = partPath(target)
  try {
    const [part, whole] = [await lstat(path, { bigint: true }), await lstat(target, { bigint: true })]
    if (part.dev !== whole.dev || part.ino !== whole.ino || part.nlink < 2n) return false
    await unlink(path)
    return true
  } catch {
    return false
  }
}

/** The permissions of the finished file: those of the file that it replaces, or of any new file. */
export async function modeFor(target: string): Promise<number> {
  return ((await lstatIfThere(target))?.mode ?? (await modeOfNewFiles(target))) & PERMISSION_BITS
}

function isOwn(facts: Stats): boolean {
  return facts.isFile() && (process.getuid === undefined || facts.uid === process.getuid())
}

/**
 * What the umask leaves of 0666. It cannot be asked for without being changed, for every thread of the process;
 * so a file is made and looked at. The part file itself is never open to others, not for a moment.
 */
async function modeOfNewFiles(target: string): Promise<number> {
  const path = modePath(target)
  // Left by one that was killed here. Who holds the lock of the target is alone with it.
  await removeLeftover(path)
  const descriptor = await openFile(path, CREATE, 0o666)
  try {
    return (await statFile(descriptor)).mode
  } finally {
    await closeFile(descriptor)
    await unlink(path)
  }
}

/** A part file that nothing vouches for is not built upon. One that is not plainly ours is not touched. */
async function removeLeftover(path: string): Promise<void> {
  const leftover = await lstatIfThere(path)
  if (leftover === undefined) return
  if (!isOwn(leftover)) throw refused(path, 'something that is not an unfinished download stands there')
  await unlink(path)
}
