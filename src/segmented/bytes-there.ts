/**
 * How much of a source stands on the server already. A size alone is no proof: what is there may be another file, or
 * an older one. It is compared by the server's checksum, or where there is none by its last bytes.
 */
import { createHash } from 'node:crypto'
import zlib from 'node:zlib'
import { FtpReplyError } from '../errors.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import type { UploadSource } from '../operations/upload-source.ts'
import { strongestShared, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { checksumOf } from '../session/checksum.ts'
import { size as sizeOf } from '../session/facts.ts'
import { retrieve } from '../session/retrieve.ts'
import type { RemotePath, Session } from '../session/session.ts'

const COMPARED_BYTES = 65_536

/** So many bytes from the start; 0 where the server does not tell, or has something else. */
export async function bytesThere(
  session: Session,
  path: RemotePath,
  source: UploadSource,
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
  return (await endsAlike(session, path, source, there, signal)) ? there : 0
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
    if (this.#hash === undefined) this.#crc32 = zlib.crc32(bytes, this.#crc32)
    else this.#hash.update(bytes)
  }

  /** Of all so far. */
  value(): string {
    return this.#hash?.copy().digest('hex') ?? this.#crc32.toString(16).padStart(8, '0')
  }
}

async function endsAlike(
  session: Session,
  path: RemotePath,
  source: UploadSource,
  there: number,
  signal: AbortSignal,
): Promise<boolean> {
  const offset = Math.max(0, there - COMPARED_BYTES)
  const ours: Uint8Array[] = []
  let missing = there - offset
  for await (const chunk of source.chunks(offset)) {
    ours.push(chunk.slice(0, missing))
    missing -= chunk.length
    if (missing <= 0) break
  }
  const receiver = new EndReceiver(there - offset)
  try {
    await retrieve(session, {
      ...{ path, type: 'I', offset, receiver, isWhole: () => receiver.isWhole, endsAtEnd: false, signal },
    })
  } catch (error) {
    // A drop box shows nobody what it has.
    if (error instanceof FtpReplyError && error.reply.code !== 421) return false
    throw error
  }
  return receiver.isWhole && Buffer.concat(ours).equals(receiver.bytes)
}

class EndReceiver implements DataReceiver {
  readonly #room: Buffer
  #count = 0

  /** One byte more than is wanted: more than that is another file. */
  constructor(wanted: number) {
    this.#room = Buffer.alloc(wanted + 1)
  }

  get isWhole(): boolean {
    return this.#count === this.#room.length - 1
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#count)
  }

  space(): Uint8Array {
    return this.#room.subarray(this.#count)
  }

  received(count: number): 'more' | 'stop' {
    this.#count += count
    return this.#count === this.#room.length ? 'stop' : 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}
