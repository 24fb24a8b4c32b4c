/** A local file that is sent: opened once, read from any offset, a few buffers at a time. */
import { open, type FileHandle } from 'node:fs/promises'
import { readError, unreadable } from './local-error.ts'
import { READ_WITHOUT_WAITING } from './open-flags.ts'
import { systemPath } from './system-path.ts'

export interface LocalFile extends AsyncDisposable {
  /** Bytes: when it was opened, or read once more from its start. */
  readonly size: number
  /** At the same time. */
  readonly modified: Date
  /** Whether it still has that size and that modification time. */
  isUnchanged(): Promise<boolean>
  /**
   * The bytes from `start` to {@link size}: what is added meanwhile does not count, or a file that grows as fast as it
   * is read would never end. A chunk is used again when two more have been asked for. Ends early where another program
   * has made the file shorter.
   */
  chunks(start: number): AsyncGenerator<Uint8Array, void>
  /** All of it at once, for a small one. More or less than {@link size} if another program is writing it. */
  whole(): Promise<Uint8Array>
}

/** Four times as many smaller reads cost a quarter more of the processor's time (bench/run.ts, upload-1gib). */
const CHUNK_BYTES = 1_048_576
/** One that is being sent, one that waits behind it, and one that is being read. */
const CHUNKS = 3

/**
 * Rejects with `ERR_FTP_LOCAL_FILE` for what is missing, may not be read, or is no file. With `constants.O_NOFOLLOW`
 * among the `flags` a link is none.
 */
export async function openLocalFile(path: string, flags: number = READ_WITHOUT_WAITING): Promise<LocalFile> {
  const handle = await readable(path, () => open(systemPath(path), flags))
  try {
    let isRead = false
    let facts = await readable(path, () => handle.stat())
    if (!facts.isFile()) throw unreadable(path, 'it is not a file')
    return {
      get size() {
        return facts.size
      },
      get modified() {
        return facts.mtime
      },
      isUnchanged: async () => {
        const { size, mtimeMs } = await readable(path, () => handle.stat())
        return size === facts.size && mtimeMs === facts.mtimeMs
      },
      chunks: async function* (start) {
        if (isRead && start === 0) facts = await readable(path, () => handle.stat())
        isRead = true
        yield* chunksOf(handle, path, { start, end: facts.size })
      },
      whole: () => readable(path, () => wholeOf(handle, facts.size)),
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** With room for one byte more, which shows that it has grown. */
async function wholeOf(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size + 1)
  for (let length = 0; ;) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length)
    length += bytesRead
    if (bytesRead === 0 || length === bytes.length) return bytes.subarray(0, length)
  }
}

interface Part {
  readonly start: number
  /** The byte behind the last one. */
  readonly end: number
}

async function* chunksOf(handle: FileHandle, path: string, part: Part): AsyncGenerator<Uint8Array, void> {
  const chunks = new ChunksAhead(handle, path, part)
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
  readonly #end: number
  #position: number
  #turn = 0
  #ahead: Promise<Uint8Array>

  constructor(handle: FileHandle, path: string, { start, end }: Part) {
    this.#handle = handle
    this.#path = path
    this.#end = end
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
    const bytes = Math.min(buffer.length, this.#end - this.#position)
    if (bytes <= 0) return buffer.subarray(0, 0)
    const { bytesRead } = await readable(this.#path, () =>
      this.#handle.read(buffer, 0, bytes, this.#position),
    )
    this.#position += bytesRead
    return buffer.subarray(0, bytesRead)
  }
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw readError(error, path)
  }
}
