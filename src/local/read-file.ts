/** A local file that is sent: opened once, read from any offset, a few buffers at a time. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { FtpTransferError } from '../errors.ts'

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

const CHUNK_BYTES = 262_144
const CHUNKS = 3
/** Nobody waits for whoever may write into a named pipe: it is no file. Windows has neither. */
const WITHOUT_WAITING = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0)

/** Rejects with `ERR_FTP_LOCAL_FILE` for what is missing, may not be read, or is no file. */
export async function openLocalFile(path: string): Promise<LocalFile> {
  const handle = await readable(path, () => open(path, WITHOUT_WAITING))
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
  const buffers = Array.from({ length: CHUNKS }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES))
  let position = start
  for (let turn = 0; ; turn = (turn + 1) % CHUNKS) {
    const buffer = buffers[turn] as Buffer
    const { bytesRead } = await readable(path, () => handle.read(buffer, 0, CHUNK_BYTES, position))
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
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
