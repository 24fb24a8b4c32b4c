/** A local file that is sent: opened once, read from any offset, a few buffers at a time. */
import { open, type FileHandle } from 'node:fs/promises'
import { FtpTransferError } from '../errors.ts'
import { READ_WITHOUT_WAITING } from './open-flags.ts'

export interface LocalFile extends AsyncDisposable {
  /** Bytes. */
  readonly size: number
  readonly modified: Date
  /** Whether it still has the size and the modification time that it had when it was opened. */
  isUnchanged(): Promise<boolean>
  /**
   * The bytes from `start` on. A chunk is used again when two more have been asked for; ends early or late where
   * another program has made the file shorter or longer meanwhile.
   */
  chunks(start: number): AsyncGenerator<Uint8Array, void>
}

/** Four times as many smaller reads cost a quarter more of the processor's time (bench/run.ts, upload-1gib). */
const CHUNK_BYTES = 1_048_576
/** One that is being sent, one that waits behind it, and one that is being read. */
const CHUNKS = 3

/** Rejects with `ERR_FTP_LOCAL_FILE` for what is missing, may not be read, or is no file. */
export async function openLocalFile(path: string): Promise<LocalFile> {
  const handle = await readable(path, () => open(path, READ_WITHOUT_WAITING))
  try {
    const facts = await readable(path, () => handle.stat())
    if (!facts.isFile()) throw unreadable(path, 'it is not a file', undefined)
    return {
      size: facts.size,
      modified: facts.mtime,
      isUnchanged: async () => {
        const { size, mtimeMs } = await readable(path, () => handle.stat())
        return size === facts.size && mtimeMs === facts.mtimeMs
      },
      chunks: (start) => chunksOf(handle, path, start),
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function* chunksOf(handle: FileHandle, path: string, start: number): AsyncGenerator<Uint8Array, void> {
  const chunks = new ChunksAhead(handle, path, start)
  try {
    for (;;) {
      const chunk = await chunks.next()
      if (chunk.length === 0) return
      yield chunk
    }
  } finally {
    await chunks.settled()
  }
}

/** Reads each chunk while the one before it is being sent. */
class ChunksAhead {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #buffers: Buffer[] = []
  #position: number
  #turn = 0
  #ahead: Promise<Uint8Array>

  constructor(handle: FileHandle, path: string, start: number) {
    this.#handle = handle
    this.#path = path
    this.#position = start
    this.#ahead = this.#read()
  }

  /** The next chunk, which is empty at the end. */
  async next(): Promise<Uint8Array> {
    const chunk = await this.#ahead
    if (chunk.length === 0) return chunk
    this.#ahead = this.#read()
    this.#ahead.catch(() => {}) // Waited for in its turn, or not at all.
    return chunk
  }

  /** Once nothing is being read: a file must not be closed under a read. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#ahead])
  }

  async #read(): Promise<Uint8Array> {
    const buffer = (this.#buffers[this.#turn] ??= Buffer.allocUnsafeSlow(CHUNK_BYTES))
    this.#turn = (this.#turn + 1) % CHUNKS
    const { bytesRead } = await readable(this.#path, () =>
      this.#handle.read(buffer, 0, buffer.length, this.#position),
    )
    this.#position += bytesRead
    return buffer.subarray(0, bytesRead)
  }
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw unreadable(path, ADVICE[code] ?? message, error)
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'there is no permission to read it',
  EISDIR: 'it is a folder',
  EMFILE: 'too many files are open',
}

function unreadable(path: string, why: string, cause: unknown): FtpTransferError {
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', `Cannot read ${path}: ${why}`, { path, cause })
}
