/**
 * A file that comes together from ranges, which several processes write, on one machine or on many that share the
 * directory:
 *
 *   <target>.octoftp-<key>/
 *     whole     the file, each range at its place
 *     3         range 3 is there, on the disk; what its writer has to say of it
 *
 * Owns: that a range counts only when it is on the disk, that one process writes it, and that the file gets its name
 * once. Whoever brings the last range does that; of several who find all of them there, one.
 */
import { randomBytes } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { FtpTransferError } from '../errors.ts'
import { asLocalError, isMissing, refused } from './local-error.ts'
import { LockFile } from './lock-file.ts'
import { rangesPath } from './names.ts'
import { openPlainlyOwn, orClosed, useAndClose, writeAll } from './own-file.ts'
import { modeFor } from './part-file.ts'
import { syncFolder } from './sync-folder.ts'

const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
const PRIVATE_MODE = 0o600
const PRIVATE_FOLDER_MODE = 0o700

/** What is known of a range that is there: of whoever wrote it, and given back as it was. */
export type RangeNote = Readonly<Record<string, unknown>>

interface NoteFile {
  /** Which file it is about. */
  readonly file: string
  readonly note: RangeNote
}

export interface WrittenRange {
  /** At a place in the whole file. Rejects when the range has become another process's. */
  readonly write: (chunks: Uint8Array[], position: number) => Promise<void>
  /** It is whole: syncs it, and says so. */
  readonly done: (note: RangeNote) => Promise<void>
}

export class RangeParts {
  /** Absolute, and no link. */
  readonly target: string
  readonly #folder: string
  readonly #count: number

  /** @param key eight digits (base 16) that are others for another version of the file, and for other ranges */
  constructor(target: string, key: string, count: number) {
    this.target = target
    this.#folder = rangesPath(target, key)
    this.#count = count
  }

  /** What was said of a range; `undefined` where it is not there yet. */
  async note(index: number): Promise<RangeNote | undefined> {
    return await this.#locally(async () => {
      try {
        const { file, note } = JSON.parse(await readFile(this.#notePath(index), 'utf8')) as NoteFile
        // Of another file, which has been published or removed since, it says nothing.
        return file === identityOf(await lstat(this.#wholePath, { bigint: true })) ? note : undefined
      } catch (error) {
        if (isMissing(error) || error instanceof SyntaxError) return undefined
        throw error
      }
    })
  }

  /** Of all ranges, in their order; `undefined` where one is not there yet. */
  async notes(): Promise<readonly RangeNote[] | undefined> {
    const notes: RangeNote[] = []
    for (let index = 0; index < this.#count; index += 1) {
      const note = await this.note(index)
      if (note === undefined) return undefined
      notes.push(note)
    }
    return notes
  }

  /**
   * Writes a range by `work`. Rejects with `ERR_FTP_LOCAL_FILE` where another process is at it, or something stands in
   * the way that is not ours.
   */
  async write(
    index: number,
    signal: AbortSignal,
    work: (range: WrittenRange) => Promise<void>,
  ): Promise<void> {
    await this.#locally(() => this.#makeFolder())
    const lock = await LockFile.take(join(this.#folder, String(index)), signal)
    try {
      await this.#locally(async () =>
        useAndClose(await this.#openWhole(), (handle) => work(this.#range(index, handle, lock))),
      )
    } finally {
      await lock.release()
    }
  }

  /**
   * Gives the whole file its name and time, replacing what stood there. `'busy'`: another process has the target just
   * now; `'gone'`: what had come together is not there any more, as after another has done so.
   */
  async publish(
    size: number,
    modified: Date | undefined,
    signal: AbortSignal,
  ): Promise<'done' | 'busy' | 'gone'> {
    const lock = await LockFile.take(this.target, signal).catch((error: unknown) => {
      const isOthers = error instanceof FtpTransferError && error.cause === undefined
      if (isOthers) return undefined
      throw error
    })
    if (lock === undefined) return 'busy'
    try {
      return await this.#locally(() => this.#publish(size, modified))
    } finally {
      await lock.release()
    }
  }

  async #publish(size: number, modified: Date | undefined): Promise<'done' | 'gone'> {
    const handle = await openPlainlyOwn(this.#wholePath, constants.O_RDWR).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (handle === undefined) return 'gone'
    await useAndClose(handle, async () => {
      const { size: actual } = await handle.stat()
      if (actual !== size) throw wrongSize(this.#wholePath, size, actual)
      if (modified !== undefined) await handle.utimes(new Date(), modified)
      await handle.chmod(await modeFor(this.target))
      await handle.sync()
    })
    await rename(this.#wholePath, this.target)
    await syncFolder(this.target)
    return 'done'
  }

  /** Takes everything away that has come together. Never rejects. */
  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true }).catch(() => {}) // It is in nobody's way.
  }

  get #wholePath(): string {
    return join(this.#folder, 'whole')
  }

  #notePath(index: number): string {
    return join(this.#folder, String(index))
  }

  #range(index: number, handle: FileHandle, lock: LockFile): WrittenRange {
    const expectHeld = (): void => {
      if (!lock.isHeld) throw refused(this.#notePath(index), 'another process has taken its range over')
    }
    return {
      write: async (chunks, position) => {
        expectHeld()
        const { bytesWritten } = await handle.writev(chunks, position)
        const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        if (bytesWritten === length) return
        await writeAll(handle, Buffer.concat(chunks).subarray(bytesWritten), position + bytesWritten)
      },
      done: async (note) => {
        await handle.sync()
        await lock.check()
        expectHeld()
        const file = identityOf(await handle.stat({ bigint: true }))
        const there = await lstat(this.#wholePath, { bigint: true })
        if (identityOf(there) !== file) throw refused(this.#wholePath, 'another program has replaced it')
        await this.#writeNote(index, { file, note })
      },
    }
  }

  async #writeNote(index: number, note: NoteFile): Promise<void> {
    const path = this.#notePath(index)
    // Before anything vouches for it, the name of the whole file is there for good.
    await syncFolder(path)
    const temporary = `${path}.${randomBytes(4).toString('hex')}`
    await useAndClose(await open(temporary, CREATE, PRIVATE_MODE), async (handle) => {
      await handle.writeFile(JSON.stringify(note))
      await handle.sync()
    })
    await rename(temporary, path)
    await syncFolder(path)
  }

  async #makeFolder(): Promise<void> {
    try {
      await mkdir(this.#folder, { mode: PRIVATE_FOLDER_MODE })
      await syncFolder(this.#folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const facts = await lstat(this.#folder)
    const isForeign = process.getuid !== undefined && facts.uid !== process.getuid()
    if (!facts.isDirectory() || isForeign)
      throw refused(this.#folder, 'it is a link, no folder, or of another user')
  }

  async #openWhole(): Promise<FileHandle> {
    try {
      const handle = await open(this.#wholePath, CREATE, PRIVATE_MODE)
      // What was said before is about another file, whose number this one may have got.
      return await orClosed(handle, async () => {
        await this.#removeNotes()
        return handle
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return await openPlainlyOwn(this.#wholePath, constants.O_RDWR)
    }
  }

  async #removeNotes(): Promise<void> {
    const names = await readdir(this.#folder)
    for (const name of names.filter((one) => /^\d+$/.test(one)))
      await rm(join(this.#folder, name), { force: true })
  }

  /** Errors of the system are of this file; others go by. */
  async #locally<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
      throw asLocalError(error, this.target)
    }
  }
}

function identityOf({ ino }: BigIntStats): string {
  return String(ino)
}

function wrongSize(path: string, expected: number, actual: number): FtpTransferError {
  const message = `${path} has ${actual} bytes where ${expected} were written: another program has changed it`
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path, expected, actual })
}
