/**
 * Checksums of a local file, several in one reading of it.
 *
 * In a thread of its own: SHA-256 keeps a processor busy, and the event loop that feeds it could move no bytes
 * meanwhile. Small files are hashed here, where they are done before a thread has started.
 */
import { createHash, type Hash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import type { Worker } from 'node:worker_threads'
import { FtpTransferError } from '../errors.ts'
import { CHECKSUM_ALGORITHMS, isChecksumAlgorithm, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { onAbort } from '../util/abort.ts'
import { lateModule } from '../util/late-modules.ts'
import { READ_WITHOUT_WAITING } from './open-flags.ts'
import {
  abortSignal,
  expectFunction,
  optionsObject,
  wholeNumber,
  type OptionNames,
} from '../util/validate.ts'

/** How far the hashing of a file is. */
export interface HashProgress {
  /** Bytes that have been hashed. */
  readonly bytes: number
  /** Bytes there were to hash when it began. */
  readonly total: number
}

/** Of {@link hashFile}. */
export interface HashFileOptions {
  /** Told at most ten times a second, and once at the end. */
  readonly onProgress?: ((progress: HashProgress) => void) | undefined
  /** Ends it; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** The first byte that counts. @default 0 */
  readonly start?: number | undefined
  /** The byte behind the last one that counts. @default the end of the file */
  readonly end?: number | undefined
}

const HASH_FILE_OPTIONS: OptionNames<HashFileOptions> = {
  onProgress: true,
  signal: true,
  start: true,
  end: true,
}

/** A thread takes some 25 ms to start; all five checksums of a file shorter than this take 5 ms. */
const WORTH_A_THREAD = 1_048_576
/** Larger pieces gain nothing, measured from 64 KiB to 4 MiB. */
const PIECE_BYTES = 262_144
/** Between two tellings of progress, at least. */
const PROGRESS_MS = 100

/** What is to be read, by whom and for whom. */
interface Job {
  readonly file: FileHandle
  readonly start: number
  readonly end: number | undefined
  readonly algorithms: readonly ChecksumAlgorithm[]
  readonly progress: (bytes: number) => void
  readonly signal: AbortSignal | undefined
}

interface Outcome {
  readonly digests: readonly string[]
  readonly bytes: number
}

/**
 * The checksums of the file at `path`, in lower-case hexadecimal, under the names they were asked for by.
 *
 * Rejects with an `FtpTransferError` `ERR_FTP_LOCAL_FILE` where the file cannot be read, is no regular file or
 * ends before `end`; with `signal.reason` after an abort; with a `TypeError` or `RangeError` for a bad argument,
 * before anything is opened. When it settles, its thread is gone.
 */
export async function hashFile<A extends ChecksumAlgorithm>(
  path: string | URL,
  algorithms: A | readonly A[],
  options?: HashFileOptions,
): Promise<Record<A, string>> {
  const wanted = checkedAlgorithms(algorithms)
  const { signal, start, end, onProgress } = checkedOptions(options)
  signal?.throwIfAborted()
  const name = String(path)
  const { file, size } = await openToRead(path, name)
  try {
    const total = Math.max(0, (end ?? size) - start)
    if (start > size || (end !== undefined && end > size)) throw tooShort(name, size, end ?? start)
    const progress = (bytes: number): void => onProgress?.({ bytes, total: Math.max(bytes, total) })
    const job: Job = { file, start, end, algorithms: wanted, progress, signal }
    const { digests, bytes } = await (total < WORTH_A_THREAD ? hashHere(job) : hashInThread(job))
    if (end !== undefined && bytes < total) throw tooShort(name, start + bytes, end)
    progress(bytes)
    return Object.fromEntries(wanted.map((algorithm, at) => [algorithm, digests[at]])) as Record<A, string>
  } catch (error) {
    throw isReadFailure(error) ? unreadable(error, name) : error
  } finally {
    await file.close()
  }
}

function checkedAlgorithms<A extends ChecksumAlgorithm>(algorithms: A | readonly A[]): readonly A[] {
  const given: readonly unknown[] = Array.isArray(algorithms) ? algorithms : [algorithms]
  const wrong = given.find((algorithm) => !isChecksumAlgorithm(algorithm))
  if (given.length > 0 && given.every(isChecksumAlgorithm)) return [...new Set(given)] as A[]
  const what = given.length === 0 ? 'an empty list' : String(wrong)
  const allowed = CHECKSUM_ALGORITHMS.map((algorithm) => `'${algorithm}'`).join(', ')
  throw new TypeError(`"algorithms" is ${what}; it must be one or several of ${allowed}`)
}

function checkedOptions(options: HashFileOptions | undefined): HashFileOptions & { readonly start: number } {
  const given = optionsObject(options, 'options', HASH_FILE_OPTIONS)
  expectFunction(given, 'onProgress')
  const start = wholeNumber(given, 'start', 0, 0, Number.MAX_SAFE_INTEGER)
  const end =
    given.end === undefined ? undefined : wholeNumber(given, 'end', 0, start, Number.MAX_SAFE_INTEGER)
  return { start, end, signal: abortSignal(given), onProgress: given.onProgress }
}

async function openToRead(path: string | URL, name: string): Promise<{ file: FileHandle; size: number }> {
  let file: FileHandle | undefined
  try {
    file = await open(path, READ_WITHOUT_WAITING)
    const stat = await file.stat()
    if (stat.isFile()) return { file, size: stat.size }
    throw notRegular(name, stat.isDirectory() ? 'it is a folder' : 'it is not a regular file')
  } catch (error) {
    await file?.close()
    throw error instanceof FtpTransferError ? error : unreadable(error, name)
  }
}

/** Piece by piece, so that the event loop turns between two of them. */
async function hashHere({
  file,
  start,
  end = Infinity,
  algorithms,
  progress,
  signal,
}: Job): Promise<Outcome> {
  const sums = algorithms.map(checksum)
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let position = start
  let toldAt = performance.now()
  while (position < end) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE_BYTES, end - position), position)
    signal?.throwIfAborted()
    if (bytesRead === 0) break
    for (const sum of sums) sum.update(buffer.subarray(0, bytesRead))
    position += bytesRead
    if (performance.now() - toldAt < PROGRESS_MS) continue
    progress(position - start)
    toldAt = performance.now()
  }
  return { digests: sums.map((sum) => sum.digest()), bytes: position - start }
}

interface Checksum {
  update(bytes: Uint8Array): void
  digest(): string
}

function checksum(algorithm: ChecksumAlgorithm): Checksum {
  if (algorithm !== 'crc32') {
    const hash: Hash = createHash(algorithm)
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
  }
  let value = 0
  return {
    update: (bytes) => void (value = lateModule('node:zlib').crc32(bytes, value)),
    digest: () => value.toString(16).padStart(8, '0'),
  }
}

/**
 * What the thread runs: a string, since a file of its own would have to be found again by whoever bundles this
 * one. `import()`, since `node --input-type=module` makes a module of it, where there is no `require`.
 */
const THREAD = `
(async () => {
  const { parentPort, workerData } = await import('node:worker_threads')
  const { readSync } = await import('node:fs')
  const { createHash } = await import('node:crypto')
  const zlib = await import('node:zlib')
  const { descriptor, start, end, algorithms, pieceBytes, progressMs } = workerData
  const hashes = algorithms.map((algorithm) => (algorithm === 'crc32' ? undefined : createHash(algorithm)))
  const buffer = Buffer.allocUnsafeSlow(pieceBytes)
  let position = start
  let crc = 0
  let toldAt = performance.now()
  while (position < end) {
    const bytes = readSync(descriptor, buffer, 0, Math.min(pieceBytes, end - position), position)
    if (bytes === 0) break
    const piece = bytes === pieceBytes ? buffer : buffer.subarray(0, bytes)
    for (const hash of hashes) {
      if (hash === undefined) crc = zlib.crc32(piece, crc)
      else hash.update(piece)
    }
    position += bytes
    if (performance.now() - toldAt < progressMs) continue
    parentPort.postMessage(position - start)
    toldAt = performance.now()
  }
  const hex = (hash) => (hash === undefined ? crc.toString(16).padStart(8, '0') : hash.digest('hex'))
  parentPort.postMessage({ digests: hashes.map(hex), bytes: position - start })
})()
`

async function hashInThread(job: Job): Promise<Outcome> {
  let worker: Worker | undefined
  try {
    worker = startThread(job)
    return await outcomeOf(worker, job)
  } catch (error) {
    // Threads may be forbidden (--permission), or used up: then it takes longer, and is right all the same.
    if (!isThreadFailure(error)) throw error
    return await hashHere(job)
  } finally {
    // Only then may its file be closed: the number could be another file's by its next reading.
    await worker?.terminate()
  }
}

function startThread({ file, start, end = Infinity, algorithms }: Job): Worker {
  const [pieceBytes, progressMs] = [PIECE_BYTES, PROGRESS_MS]
  const { Worker } = lateModule('node:worker_threads')
  return new Worker(THREAD, {
    eval: true,
    name: 'octoftp-hash',
    // What the caller preloads into every thread (--import) is not needed here, and would take its time.
    execArgv: [],
    workerData: { descriptor: file.fd, start, end, algorithms, pieceBytes, progressMs },
  })
}

function outcomeOf(worker: Worker, { progress, signal }: Job): Promise<Outcome> {
  return new Promise<Outcome>((resolve, reject) => {
    const stopListening = onAbort(signal, reject)
    worker.on('message', (message: number | Outcome) => {
      if (typeof message !== 'number') return resolve(message)
      try {
        if (signal?.aborted !== true) progress(message)
      } catch (error) {
        reject(error)
      }
    })
    worker.on('error', reject)
    worker.on('exit', () => {
      stopListening()
      reject(new Error('The thread that hashes a file ended without a result'))
    })
  })
}

function isThreadFailure(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code)
  return code.startsWith('ERR_WORKER_') || code === 'ERR_ACCESS_DENIED'
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'there is no permission to read it',
  EPERM: 'there is no permission to read it',
  EISDIR: 'it is a folder',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
}

function isReadFailure(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.syscall === 'read'
}

function unreadable(cause: unknown, path: string): FtpTransferError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const text = `Cannot read ${path}: ${WHY[code] ?? message}`
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', text, { cause, path })
}

function notRegular(path: string, why: string): FtpTransferError {
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', `Cannot read ${path}: ${why}`, { path })
}

function tooShort(path: string, actual: number, expected: number): FtpTransferError {
  const message = `Cannot read ${path} up to byte ${expected}: it ends at byte ${actual}`
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path, expected, actual })
}
