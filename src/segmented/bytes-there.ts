/**
 * How much of a source stands on the server already. A size alone is no proof: what is there may be another file, or
 * an older one. It is compared by the server's checksum, or where there is none by its last bytes.
 */
import { createHash } from 'node:crypto'
import { FtpReplyError } from '../errors.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import type { UploadSource } from '../operations/upload-source.ts'
import { strongestShared, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { checksumOf } from '../session/checksum.ts'
import { size as sizeOf } from '../session/facts.ts'
import { retrieve, type RetrieveRequest } from '../session/retrieve.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { lateModule } from '../util/late-modules.ts'

const COMPARED_BYTES = 65_536

/**
 * So many bytes from the start; 0 where the server does not tell, or has something else. `onSecured` is told of a data
 * connection that was needed for it.
 */
export async function bytesThere(
  session: Session,
  path: RemotePath,
  source: UploadSource,
  onSecured: NonNullable<RetrieveRequest['onSecured']>,
  signal: AbortSignal,
): Promise<number> {
  const there = await session.abortable(signal, () => sizeOf(session, path))
  if (there === undefined || there === 0 || there > (source.size ?? 0)) return 0
  const algorithm = strongestShared(session.profile.features ?? NO_FEATURES)
  if (algorithm !== undefined) {
    const { checksum: timeoutMs } = session.options.timeouts
    const [told, ours] = await Promise.all([
      checksumOf(session, path, algorithm, { size: there, timeoutMs, signal }),
      digestOf(source, algorithm, there),
    ])
    if (told !== undefined) return told === ours ? there : 0
  }
  return (await isAlike(session, path, source, { end: there, isAll: true, onSecured, signal })) ? there : 0
}

/**
 * Whether what stands before `end` has stayed when the rest was sent by REST and STOR: some servers (ftp-srv) empty the
 * file all the same, and what was there becomes a hole, by which the size is right. `false` where it cannot be seen.
 */
export function isKept(
  session: Session,
  path: RemotePath,
  source: UploadSource,
  end: number,
  onSecured: NonNullable<RetrieveRequest['onSecured']>,
  signal: AbortSignal,
): Promise<boolean> {
  return isAlike(session, path, source, { end, isAll: false, onSecured, signal })
}

/** The checksum of the first `end` bytes, or of all, in lower-case hexadecimal. */
export async function digestOf(
  source: UploadSource,
  algorithm: ChecksumAlgorithm,
  end: number = Infinity,
): Promise<string> {
  const digest = new RunningDigest(algorithm)
  let left = end
  for await (const chunk of source.chunks(0)) {
    digest.update(chunk.subarray(0, left))
    left -= chunk.length
    if (left <= 0) break
  }
  return digest.value()
}

/** A checksum while its bytes go by. */
export class RunningDigest {
  readonly algorithm: ChecksumAlgorithm
  readonly #hash: ReturnType<typeof createHash> | undefined
  #crc32 = 0

  constructor(algorithm: ChecksumAlgorithm) {
    this.algorithm = algorithm
    this.#hash = algorithm === 'crc32' ? undefined : createHash(algorithm)
  }

  update(bytes: Uint8Array): void {
    if (this.#hash === undefined) this.#crc32 = lateModule('node:zlib').crc32(bytes, this.#crc32)
    else this.#hash.update(bytes)
  }

  /** Of all so far. */
  value(): string {
    return this.#hash?.copy().digest('hex') ?? this.#crc32.toString(16).padStart(8, '0')
  }
}

interface Compared {
  /** The last bytes before this one are compared. */
  readonly end: number
  /** Whether the file has to end there. */
  readonly isAll: boolean
  readonly onSecured: NonNullable<RetrieveRequest['onSecured']>
  readonly signal: AbortSignal
}

async function isAlike(
  session: Session,
  path: RemotePath,
  source: UploadSource,
  { end, isAll, onSecured, signal }: Compared,
): Promise<boolean> {
  const offset = Math.max(0, end - COMPARED_BYTES)
  const ours: Uint8Array[] = []
  let missing = end - offset
  for await (const chunk of source.chunks(offset)) {
    ours.push(chunk.slice(0, missing))
    missing -= chunk.length
    if (missing <= 0) break
  }
  const wanted = Buffer.concat(ours)
  // A hole reads as zeros.
  if (!isAll && wanted.every((byte) => byte === 0)) return false
  const receiver = new PartReceiver(end - offset, isAll)
  try {
    await retrieve(session, {
      ...{ path, type: 'I', offset, receiver, isWhole: () => receiver.isWhole, endsAtEnd: false, signal },
      onSecured,
    })
  } catch (error) {
    // A drop box shows nobody what it has.
    if (error instanceof FtpReplyError && error.reply.code !== 421) return false
    throw error
  }
  return receiver.isWhole && wanted.equals(receiver.bytes)
}

/** Node asks for room even behind the last byte that is wanted, and spins where there is none. */
const SPARE_BYTES = 64

class PartReceiver implements DataReceiver {
  readonly #wanted: number
  readonly #isAll: boolean
  readonly #room: Buffer
  #count = 0

  /** @param isAll whether more than is wanted is another file */
  constructor(wanted: number, isAll: boolean) {
    this.#wanted = wanted
    this.#isAll = isAll
    this.#room = Buffer.alloc(wanted + SPARE_BYTES)
  }

  get isWhole(): boolean {
    return this.#isAll ? this.#count === this.#wanted : this.#count >= this.#wanted
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#wanted)
  }

  space(): Uint8Array {
    return this.#room.subarray(Math.min(this.#count, this.#wanted + 1))
  }

  received(count: number): 'more' | 'stop' {
    this.#count += count
    const isEnough = this.#isAll ? this.#count > this.#wanted : this.#count >= this.#wanted
    return isEnough ? 'stop' : 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}
