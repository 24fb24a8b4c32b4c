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

/** Where a stretch ends; asked again and again, since another connection may take the rest of it meanwhile. */
export interface StretchEnd {
  /** Never moved to or before what has arrived. */
  readonly end: number
  /** How many bytes past `end` are read: 0 where `end` is the end of the file. */
  readonly overlapBytes: number
}

export interface SegmentWriterOptions {
  readonly file: SegmentFile
  readonly start: number
  readonly until: StretchEnd
  /** The bytes before `start` as they stand in the file; the server is asked to begin with them. */
  readonly known: Uint8Array
  /** Called when all has arrived, the bytes past the end included, with the offset of the last one; may move the end. */
  readonly onEnd?: ((streamPosition: number) => void) | undefined
  /** Called once, when the first bytes arrive. */
  readonly onFirstByte?: (() => void) | undefined
}

/** Why a stretch was stopped by our own side. */
export type StopReason = 'full' | 'excess' | 'mismatch' | 'write-failed'

export class SegmentWriter implements DataReceiver {
  readonly #options: SegmentWriterOptions
  /** What has come of the bytes past the end, kept where a buffer was full among them. */
  #overlap: Uint8Array = new Uint8Array(0)
  #overlapStart = 0
  #overlapLength = 0
  readonly #free: Uint8Array[] = []
  #allocated = 0
  #buffer: Uint8Array
  /** Bytes in the buffer, the first of them at `#bufferStart` in the file. */
  #filled = 0
  #bufferStart: number
  /** Writes under way and those done behind one that is not, in the order of their places. */
  readonly #writes: { readonly start: number; isDone: boolean }[] = []
  #resume: () => void = () => {}
  #isPaused = false
  #hasBegun = false
  #onIdle: () => void = () => {}
  #stopped: StopReason | undefined
  #writeError: Error | undefined

  constructor(options: SegmentWriterOptions) {
    this.#options = options
    this.#bufferStart = options.start - options.known.length
    this.#buffer = this.#take() ?? new Uint8Array(LEAST_ROOM)
  }

  /** The offset up to which bytes of the segment have arrived. */
  get position(): number {
    const { start, until } = this.#options
    return Math.min(until.end, Math.max(start, this.streamPosition))
  }

  /** The offset before which every byte of the segment is written. */
  get written(): number {
    const { start, until } = this.#options
    const first = this.#writes[0]?.start ?? this.#bufferStart
    return Math.min(until.end, Math.max(start, first))
  }

  /** The offset up to which bytes of the file have been received, wherever they belong. */
  get streamPosition(): number {
    return this.#bufferStart + this.#filled
  }

  /** Bytes that came although they belong to the next segment. */
  get excessBytes(): number {
    return Math.max(0, this.streamPosition - this.#options.until.end)
  }

  /** Whether all has arrived, the bytes behind a cut included, and nothing that should not be there. */
  get isWhole(): boolean {
    const isGood = this.#stopped === undefined || this.#stopped === 'full'
    return isGood && this.streamPosition >= this.#enough
  }

  get stopped(): StopReason | undefined {
    return this.#stopped
  }

  /** The bytes read past the end. */
  get overlap(): Uint8Array {
    return this.#overlap.subarray(0, this.excessBytes)
  }

  /** No more than is missing, if something is. */
  space(): Uint8Array {
    const missing = this.#enough - this.streamPosition
    const end = missing > 0 ? Math.min(this.#buffer.length, this.#filled + missing) : this.#buffer.length
    return this.#buffer.subarray(this.#filled, end)
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    if (this.#stopped !== undefined) return 'stop'
    if (!this.#hasBegun) this.#begin()
    this.#filled += bytes
    const enough = this.#whetherEnough()
    if (this.streamPosition >= enough && enough > this.#options.until.end) this.#stopped = 'full'
    else if (this.streamPosition > enough) this.#stopped = 'excess'
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
    if (this.#areWritesUnderWay) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    if (this.#writeError !== undefined) throw this.#writeError
  }

  /** Where it is, its end may be moved: what follows is still at hand. */
  #whetherEnough(): number {
    const { until, onEnd } = this.#options
    let end: number | undefined
    // At the end of the file, where less is read past each end, it may have what follows behind a moved end, too.
    while (end !== until.end && this.streamPosition >= this.#enough && this.#enough > until.end) {
      end = until.end
      onEnd?.(this.streamPosition)
      this.#writeOverlap()
    }
    return this.#enough
  }

  /** Where the end has been moved on, what was kept behind it is part of the segment after all. */
  #writeOverlap(): void {
    const [bytes, from] = [this.#overlap.subarray(0, this.#overlapLength), this.#overlapStart]
    const count = clamp(this.#options.until.end - from, bytes.length)
    if (count === 0) return
    this.#overlap = new Uint8Array(0)
    this.#overlapLength = 0
    if (count < bytes.length) this.#keepOverlap(bytes.subarray(count), 0)
    this.#write(bytes.subarray(0, count), from, undefined)
  }

  #begin(): void {
    this.#hasBegun = true
    this.#options.onFirstByte?.()
  }

  get #enough(): number {
    const { end, overlapBytes } = this.#options.until
    return end + overlapBytes
  }

  get #areWritesUnderWay(): boolean {
    return this.#writes.some(({ isDone }) => !isDone)
  }

  /** Hands the buffer's bytes to where each belongs, and goes on with a free buffer. */
  #flush(): void {
    const { start, until } = this.#options
    const { end } = until
    const bytes = this.#buffer.subarray(0, this.#filled)
    const from = this.#bufferStart
    const bodyStart = clamp(start - from, bytes.length)
    const bodyEnd = clamp(end - from, bytes.length)
    if (bytes.length === 0 || !this.#matchesKnown(bytes.subarray(0, bodyStart), from)) return
    if (bytes.length > bodyEnd) this.#keepOverlap(bytes.subarray(bodyEnd), from + bodyEnd - end)

    this.#bufferStart += bytes.length
    this.#filled = 0
    if (bodyEnd === bodyStart) return
    this.#write(bytes.subarray(bodyStart, bodyEnd), from + bodyStart, this.#buffer)
    this.#buffer = this.#take() ?? new Uint8Array(LEAST_ROOM)
  }

  /** Gives `buffer` back when the bytes in it are written. */
  #write(bytes: Uint8Array, start: number, buffer: Uint8Array | undefined): void {
    const entry = { start, isDone: false }
    this.#writes.push(entry)
    this.#options.file.write(bytes, start, (error) => {
      // One that failed stays: behind it nothing counts as written.
      entry.isDone = true
      if (error === undefined) this.#forgetWritten()
      if (buffer !== undefined) this.#free.push(buffer)
      this.#writeEnded(error)
    })
  }

  #forgetWritten(): void {
    while (this.#writeError === undefined && this.#writes[0]?.isDone === true) this.#writes.shift()
  }

  #writeEnded(error: Error | undefined): void {
    if (error !== undefined) {
      this.#writeError ??= error
      this.#stopped = 'write-failed'
    }
    if (!this.#areWritesUnderWay) this.#onIdle()
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
    const { end, overlapBytes } = this.#options.until
    if (this.#overlap.length === 0) this.#overlap = new Uint8Array(overlapBytes)
    this.#overlapStart = end
    const kept = bytes.subarray(0, Math.max(0, overlapBytes - offset))
    this.#overlap.set(kept, offset)
    this.#overlapLength = offset + kept.length
  }

  #take(): Uint8Array | undefined {
    const free = this.#free.pop()
    if (free !== undefined || this.#allocated === BUFFERS) return free
    this.#allocated += 1
    return Buffer.allocUnsafeSlow(this.#bufferBytes())
  }

  /** A short segment takes no more memory than it needs. */
  #bufferBytes(): number {
    const { start, known } = this.#options
    const all = known.length + (this.#enough - start)
    return Math.min(BUFFER_BYTES, Math.max(all + 1, LEAST_ROOM * 2))
  }
}

function clamp(value: number, max: number): number {
  return Math.min(max, Math.max(0, value))
}
