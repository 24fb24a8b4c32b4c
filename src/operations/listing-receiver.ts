/**
 * Receives a listing as fast as the server sends it, into a buffer that is bounded: who reads it may be slow without
 * holding up the session. Holds bytes, not entries, as those take ten times the room.
 */
import { isAscii } from 'node:buffer'
import type { DataReceiver } from '../connection/receiver.ts'
import { FtpProtocolError } from '../errors.ts'
import type { TextCodec } from '../protocol/text-codec.ts'
import { deferred } from '../util/deferred.ts'

/** Beyond this the server has to wait. A directory of some 300,000 entries fits. */
const MOST_BYTES = 33_554_432
const CHUNK_BYTES = 65_536
const LF = 0x0a
const CR = 0x0d

export class ListingReceiver implements DataReceiver {
  #chunks: Buffer[] = []
  #held = 0
  #room: Buffer = Buffer.alloc(0)
  #isOver = false
  #hasReceived = false
  #pausedSince: number | undefined
  #resume: () => void = () => {}
  #change = deferred<undefined>()

  /** Whether anything has come. */
  get hasReceived(): boolean {
    return this.#hasReceived
  }

  /** Since when the server waits for the reader, by `performance.now()`. */
  get pausedSince(): number | undefined {
    return this.#pausedSince
  }

  space(): Uint8Array {
    if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    return this.#room
  }

  received(bytes: number): 'more' | 'pause' {
    this.#hasReceived = true
    this.#chunks.push(this.#room.subarray(0, bytes))
    this.#room = this.#room.subarray(bytes)
    this.#held += bytes
    this.#tell()
    if (this.#held < MOST_BYTES) return 'more'
    this.#pausedSince = performance.now()
    return 'pause'
  }

  onResume(resume: () => void): void {
    this.#resume = resume
  }

  /** No more will come. */
  end(): void {
    this.#isOver = true
    this.#tell()
  }

  /** What has come since the last call, as soon as there is something; `undefined` at the end. */
  async next(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#isOver) return undefined
      await this.#change.promise
    }
    const chunk = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks.splice(0, 64))
    if (this.#chunks[0] === chunk) this.#chunks.shift()
    this.#held -= chunk?.length ?? 0
    if (this.#pausedSince !== undefined) this.#goOn()
    return chunk
  }

  /** The reader is slow, and not gone. */
  #goOn(): void {
    if (this.#held >= MOST_BYTES / 2) {
      this.#pausedSince = performance.now()
      return
    }
    this.#pausedSince = undefined
    this.#resume()
  }

  #tell(): void {
    const change = this.#change
    this.#change = deferred()
    change.resolve(undefined)
  }
}

/** A longer one is no name: what sends it is no FTP server, or wants our memory. */
const LONGEST_LINE_BYTES = 1_048_576

/** Bytes to lines, as they come. */
export class LineSplitter {
  readonly #codec: TextCodec
  #rest: Buffer = Buffer.alloc(0)

  constructor(codec: TextCodec) {
    this.#codec = codec
  }

  /**
   * The lines that `chunk` completes, without their ends.
   * @throws FtpProtocolError `ERR_FTP_LISTING_TOO_LARGE` for one that never ends
   */
  push(chunk: Buffer): string[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const end = bytes.lastIndexOf(LF) + 1
    this.#rest = bytes.subarray(end)
    if (this.#rest.length > LONGEST_LINE_BYTES) {
      const received = this.#rest.toString('latin1', 0, 80)
      throw new FtpProtocolError('ERR_FTP_LISTING_TOO_LARGE', 'A line of the listing does not end', {
        received,
      })
    }
    return end === 0 ? [] : linesOf(bytes.subarray(0, end), this.#codec)
  }

  /** The last line, where it had no end. */
  end(): string[] {
    return this.#rest.length === 0 ? [] : linesOf(this.#rest, this.#codec)
  }
}

function linesOf(bytes: Buffer, codec: TextCodec): string[] {
  const lines: string[] = []
  const text = asciiText(bytes)
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(LF, start)
    const next = newline < 0 ? bytes.length : newline
    const end = next > start && bytes[next - 1] === CR ? next - 1 : next
    lines.push(text === undefined ? codec.decode(bytes.subarray(start, end)) : text.slice(start, end))
    start = next + 1
  }
  return lines
}

/** All at once is ten times as fast, where a character is a byte. */
function asciiText(bytes: Buffer): string | undefined {
  return isAscii(bytes) ? bytes.toString('latin1') : undefined
}
