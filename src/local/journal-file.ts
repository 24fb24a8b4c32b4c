/**
 * The file that vouches for the bytes of a part file: it keeps the newest of the payloads written to it, whatever
 * interrupts the writing of the next.
 *
 *     0                  64 KiB               128 KiB
 *     | slot 0           | slot 1             |       even sequence numbers in slot 0, odd ones in slot 1
 *     | magic 8 | sequence 8 | length 4 | SHA-256 of these and the payload 32 | payload …
 *
 * A write goes to the slot of the older payload and is synced; cut off, its checksum does not fit and the other slot
 * counts. What a payload means is no concern of this file.
 *
 * Against a power cut the order of a new download is: {@link JournalFile.create} (an older journal is gone, for good),
 * then the new part file, then the first {@link JournalFile.write} (which makes the part file's name permanent before
 * anything vouches for it). The other way round an old journal may come to stand beside a new part file.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, unlink, type FileHandle } from 'node:fs/promises'
import { FtpTransferError } from '../errors.ts'
import { asLocalError, localError, refused } from './local-error.ts'
import { lstatIfThere } from './lstat-if-there.ts'
import {
  isNothingThere,
  isPlainlyOwn,
  openPlainlyOwn,
  orClosed,
  readStart,
  useAndClose,
  writeAll,
} from './own-file.ts'
import { syncFolder } from './sync-folder.ts'

/** A multiple of every sector and page in use: the writing of one slot does not touch the other on the disk. */
const SLOT_BYTES = 64 * 1024
const MAGIC = Buffer.from('octojnl1')
const SEQUENCE_AT = MAGIC.length
const LENGTH_AT = SEQUENCE_AT + 8
const CHECKSUM_AT = LENGTH_AT + 4
const PAYLOAD_AT = CHECKSUM_AT + 32

/** Only its owner reads or writes what decides over a file's content. */
const PRIVATE_MODE = 0o600
/** Exclusively: a file or a link that stands there is an error. */
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL

interface Slot {
  readonly sequence: bigint
  readonly payload: Uint8Array
}

export class JournalFile {
  /** Bytes of the longest payload. */
  static readonly CAPACITY: number = SLOT_BYTES - PAYLOAD_AT

  readonly path: string
  readonly #handle: FileHandle
  /** Of the newest payload that is known to be on disk. */
  #sequence: bigint
  /** Every write waits for the one before: two at once could spoil both slots. */
  #lastWrite: Promise<void> = Promise.resolve()
  #isFolderSynced = false
  #isOpen = true

  private constructor(path: string, handle: FileHandle, sequence: bigint) {
    this.path = path
    this.#handle = handle
    this.#sequence = sequence
  }

  /**
   * The newest whole payload of the journal at `path`. `undefined` where there is none, or the file is damaged, of
   * another user, or reached through a link. Rejects with `ERR_FTP_LOCAL_FILE` only where the system could not read
   * it now (out of descriptors, a failing disk): what it says is then unknown, not void.
   */
  static async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await useAndClose(await openPlainlyOwn(path, constants.O_RDONLY), async (handle) => {
        return newest(await readStart(handle, 2 * SLOT_BYTES))?.payload
      })
    } catch (error) {
      if (error instanceof FtpTransferError || isNothingThere(error)) return undefined
      throw localError(error, path)
    }
  }

  /**
   * A new, empty journal, mode 0600. An older one is removed first if it is plainly ours: regular, of this user, with
   * no other name. Rejects with `ERR_FTP_LOCAL_FILE` where anything else stands there, which is left alone.
   */
  static async create(path: string): Promise<JournalFile> {
    try {
      await removeJournal(path)
      const handle = await open(path, CREATE, PRIVATE_MODE)
      return await orClosed(handle, async () => {
        await syncFolder(path)
        return new JournalFile(path, handle, 0n)
      })
    } catch (error) {
      throw asLocalError(error, path)
    }
  }

  /**
   * Continues the journal that {@link JournalFile.read} has read at `path`. Rejects with `ERR_FTP_LOCAL_FILE` where
   * that would have given `undefined`.
   */
  static async open(path: string): Promise<JournalFile> {
    try {
      const handle = await openPlainlyOwn(path, constants.O_RDWR)
      return await orClosed(handle, async () => {
        const slot = newest(await readStart(handle, 2 * SLOT_BYTES))
        if (slot === undefined) throw refused(path, 'it is not a journal that can be continued')
        return new JournalFile(path, handle, slot.sequence)
      })
    } catch (error) {
      throw asLocalError(error, path)
    }
  }

  /**
   * Keeps `payload`, at most {@link JournalFile.CAPACITY} bytes, in the place of the one before. When it resolves the
   * payload is on disk. When it rejects (`ERR_FTP_LOCAL_FILE`: the disk is full) the one before still counts.
   */
  write(payload: Uint8Array): Promise<void> {
    if (payload.length > JournalFile.CAPACITY)
      return Promise.reject(
        new RangeError(`A journal holds ${JournalFile.CAPACITY} bytes, not ${payload.length}`),
      )
    const copy = Uint8Array.from(payload)
    const written = this.#lastWrite.then(() => this.#write(copy))
    this.#lastWrite = written.catch(() => {})
    return written
  }

  /** Closes it, after the writes under way; it stays on disk. Without effect the second time. */
  async close(): Promise<void> {
    await this.#lastWrite
    this.#isOpen = false
    await this.#handle.close().catch(() => {}) // It was synced.
  }

  /**
   * Removes it from disk, after the writes under way, and closes it; a file that another program has put in its place
   * stays. Without effect when closed. Rejects with `ERR_FTP_LOCAL_FILE` if it could not be removed.
   */
  async remove(): Promise<void> {
    await this.#lastWrite
    if (!this.#isOpen) return
    try {
      if (await this.#stands()) {
        await unlink(this.path)
        await syncFolder(this.path)
      }
    } catch (error) {
      throw localError(error, this.path)
    } finally {
      await this.close()
    }
  }

  async #write(payload: Uint8Array): Promise<void> {
    try {
      if (!this.#isFolderSynced) await syncFolder(this.path)
      this.#isFolderSynced = true
      const sequence = this.#sequence + 1n
      await writeAll(this.#handle, encodeSlot({ sequence, payload }), slotOf(sequence) * SLOT_BYTES)
      await this.#handle.datasync()
      // Only now: after a failure the next write goes to the same slot, and the good one stays.
      this.#sequence = sequence
    } catch (error) {
      throw localError(error, this.path)
    }
  }

  async #stands(): Promise<boolean> {
    const there = await lstat(this.path, { bigint: true }).catch(() => undefined)
    const ours = await this.#handle.stat({ bigint: true })
    return there?.dev === ours.dev && there.ino === ours.ino
  }
}

function encodeSlot({ sequence, payload }: Slot): Buffer {
  const slot = Buffer.alloc(PAYLOAD_AT + payload.length)
  MAGIC.copy(slot)
  slot.writeBigUInt64BE(sequence, SEQUENCE_AT)
  slot.writeUInt32BE(payload.length, LENGTH_AT)
  slot.set(payload, PAYLOAD_AT)
  checksum(slot).copy(slot, CHECKSUM_AT)
  return slot
}

function decodeSlot(slot: Buffer): Slot | undefined {
  if (slot.length < PAYLOAD_AT || !slot.subarray(0, SEQUENCE_AT).equals(MAGIC)) return undefined
  const end = PAYLOAD_AT + slot.readUInt32BE(LENGTH_AT)
  if (end > slot.length) return undefined
  const whole = slot.subarray(0, end)
  if (!checksum(whole).equals(whole.subarray(CHECKSUM_AT, PAYLOAD_AT))) return undefined
  return { sequence: slot.readBigUInt64BE(SEQUENCE_AT), payload: whole.subarray(PAYLOAD_AT) }
}

function checksum(slot: Buffer): Buffer {
  return createHash('sha256').update(slot.subarray(0, CHECKSUM_AT)).update(slot.subarray(PAYLOAD_AT)).digest()
}

/** The slot with the higher sequence number, of those that are whole and in their place. */
function newest(file: Buffer): Slot | undefined {
  const slots = [0, 1].map((index) => {
    const slot = decodeSlot(file.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES))
    return slot !== undefined && slotOf(slot.sequence) === index ? slot : undefined
  })
  const [even, odd] = slots
  if (even === undefined || odd === undefined) return even ?? odd
  return even.sequence > odd.sequence ? even : odd
}

function slotOf(sequence: bigint): number {
  return Number(sequence % 2n)
}

export async function removeJournal(path: string): Promise<void> {
  const older = await lstatIfThere(path)
  if (older === undefined) return
  if (!isPlainlyOwn(older)) throw refused(path, 'something that is not a journal of this user stands there')
  await unlink(path)
  await syncFolder(path)
}
