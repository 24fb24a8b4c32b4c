/**
 * Receives one stretch of a segment and writes it straight to its place in the part file.
 *
 * What arrives is one run of bytes from `start - known.length` on:
 *
 *   ├── known ──┼────────── body ──────────┼── overlap ──┤ stop
 *   compared    start, written             end           kept for the seam
 *   with what
 *   is there
 *
 * Large buffers are filled by successive reads and written by one call each: every write is a trip to a thread,
 * and 1 MiB is where larger ones gain no more (bench/RESULTS.md). One buffer is always held back, since Node asks
 * where the next read goes even while reading is paused.
 */
import type { DataReceiver } from '../connection/receiver.ts'

/** A server's own read-ahead: these bytes are in flight anyway when a segment ends. */
export const OVERLAP_BYTES = 4_096

const BUFFER_BYTES = 1_048_576
const BUFFERS = 3
/** A buffer with less room than this is full: reads into what is left would be small ones. */
const LEAST_ROOM = 65_536

export interface SegmentFile {
  write(bytes: Uint8Array, position: number, done: (error: Error | undefined) => void): void
}

export interface SegmentWriterOptions {
  readonly file: SegmentFile
  readonly start: number
  readonly end: number
  /** How many bytes past `end` are read: 0 where `end` is the end of the file. */
  readonly overlap: number
  /** The bytes before `start` as they stand in the file; the server is asked to begin with them. */
  readonly known: Uint8Array
}

/** Why a stretch was stopped by our own side. */
export type StopReason = 'full' | 'excess' | 'mismatch' | 'write-failed'

export class SegmentWriter implements DataReceiver {
  readonly #options: SegmentWriterOptions
  readonly #overlap: Uint8Array
  readonly #free: Uint8Array[] = []
  #allocated = 0
  #buffer: Uint8Array
  /** Bytes in the buffer, the first of them at `#bufferStart` in the file. */
  #filled = 0
  #bufferStart: number
  #writesUnderWay = 0
  #resume: () => void = () => {}
  #isPaused = false
  #onIdle: () => void = () => {}
  #stopped: StopReason | undefined
  #writeError: Error | undefined

  constructor(options: SegmentWriterOptions) {
    this.#options = options
    this.#overlap = new Uint8Array(options.overlap)
    this.#bufferStart = options.start - options.known.length
    this.#buffer = this.#take() ?? new Uint8Array(LEAST_ROOM)
  }

  /** The offset up to which bytes of the segment have arrived. */
  get position(): number {
    const { start, end } = this.#options
    return Math.min(end, Math.max(start, this.#streamPosition))
  }

  /** Whether all has arrived, the bytes behind a cut included, and nothing that should not be there. */
  get isWhole(): boolean {
    const isGood = this.#stopped === undefined || this.#stopped === 'full'
    return isGood && this.#streamPosition >= this.#options.end + this.#overlap.length
  }

  get stopped(): StopReason | undefined {
    return this.#stopped
  }

  /** The bytes read past the end. */
  get overlap(): Uint8Array {
    const count = Math.max(0, Math.min(this.#overlap.length, this.#streamPosition - this.#options.end))
    return this.#overlap.subarray(0, count)
  }

  space(): Uint8Array {
    return this.#filled === 0 ? this.#buffer : this.#buffer.subarray(this.#filled)
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    if (this.#stopped !== undefined) return 'stop'
    this.#filled += bytes
    const enough = this.#options.end + this.#overlap.length
    if (this.#streamPosition >= enough && this.#overlap.length > 0) this.#stopped = 'full'
    else if (this.#streamPosition > enough) this.#stopped = 'excess'
    else if (this.#buffer.length - this.#filled >= LEAST_ROOM) return 'more'
    this.#flush()
    if (this.#stopped !== undefined) return 'stop'
    this.#isPaused = this.#free.length === 0 && this.#allocated === BUFFERS
    return this.#isPaused ? 'pause' : 'more'
  }

  onResume(resume: () => void): void {
    this.#resume = resume
  }

  /** Writes what is still held and waits until everything is written. Rejects with the error of a failed write. */
  async finish(): Promise<void> {
    this.#flush()
    if (this.#writesUnderWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    if (this.#writeError !== undefined) throw this.#writeError
  }

  get #streamPosition(): number {
    return this.#bufferStart + this.#filled
  }

  /** Hands the buffer's bytes to where each belongs, and goes on with a free buffer. */
  #flush(): void {
    const { start, end, file } = this.#options
    const bytes = this.#buffer.subarray(0, this.#filled)
    const from = this.#bufferStart
    const bodyStart = clamp(start - from, bytes.length)
    const bodyEnd = clamp(end - from, bytes.length)
    if (bytes.length === 0 || !this.#matchesKnown(bytes.subarray(0, bodyStart), from)) return
    if (bytes.length > bodyEnd) this.#keepOverlap(bytes.subarray(bodyEnd), from + bodyEnd - end)

    this.#bufferStart += bytes.length
    this.#filled = 0
    if (bodyEnd === bodyStart) return
    const buffer = this.#buffer
    this.#writesUnderWay += 1
    file.write(bytes.subarray(bodyStart, bodyEnd), from + bodyStart, (error) => this.#written(buffer, error))
    this.#buffer = this.#take() ?? new Uint8Array(LEAST_ROOM)
  }

  #written(buffer: Uint8Array, error: Error | undefined): void {
    this.#writesUnderWay -= 1
    this.#free.push(buffer)
    if (error !== undefined) {
      this.#writeError ??= error
      this.#stopped = 'write-failed'
    }
    if (this.#writesUnderWay === 0) this.#onIdle()
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#resume()
  }

  #matchesKnown(bytes: Uint8Array, from: number): boolean {
    const { known, start } = this.#options
    const offset = from - (start - known.length)
    if (bytes.every((byte, index) => byte === known[offset + index])) return true
    this.#stopped = 'mismatch'
    this.#filled = 0
    return false
  }

  #keepOverlap(bytes: Uint8Array, offset: number): void {
    const room = this.#overlap.length - offset
    if (room > 0) this.#overlap.set(bytes.subarray(0, room), offset)
  }

  #take(): Uint8Array | undefined {
    const free = this.#free.pop()
    if (free !== undefined || this.#allocated === BUFFERS) return free
    this.#allocated += 1
    return Buffer.allocUnsafeSlow(this.#bufferBytes())
  }

  /** A short segment takes no more memory than it needs. */
  #bufferBytes(): number {
    const { start, end, known } = this.#options
    const all = known.length + (end - start) + this.#overlap.length
    return Math.min(BUFFER_BYTES, Math.max(all + 1, LEAST_ROOM * 2))
  }
}

function clamp(value: number, max: number): number {
  return Math.min(max, Math.max(0, value))
}
