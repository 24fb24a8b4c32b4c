/** One segment and how far it is. Changed by the worker that has it, read by the progress and the journal. */
import type { MeasuredSegment } from '../transfer/progress.ts'
import type { Segment } from './plan.ts'
import type { RetryBudget } from '../operations/retry.ts'
import { OVERLAP_BYTES, type StretchEnd } from './segment-writer.ts'

/** A writer at work: it knows what has arrived and what is written beyond {@link SegmentJob.position}. */
export interface LivePosition {
  readonly position: number
  readonly written: number
}

export interface SegmentJobOptions extends Segment {
  /** The size of the file; `undefined` where the server does not tell. */
  readonly size: number | undefined
  readonly retries: RetryBudget
  /** How many bytes before `start` are on disk and have to come again the same. @default 0 */
  readonly knownBytes?: number
  /** Who has brought those bytes; `undefined` for an earlier run. */
  readonly knownBy?: object | undefined
  /** How many bytes are read past the end and compared with what stands there. @default OVERLAP_BYTES */
  readonly overlapLimit?: number
  /** How many of its own bytes have to come again the same when it is continued. @default OVERLAP_BYTES */
  readonly repeatedBytes?: number
}

export class SegmentJob implements MeasuredSegment, StretchEnd {
  readonly start: number
  readonly retries: RetryBudget
  readonly knownBytes: number
  readonly knownBy: object | undefined
  readonly repeatedBytes: number
  readonly #size: number | undefined
  readonly #overlapLimit: number
  #end: number
  /** Bytes before this offset are written. */
  position: number
  live: LivePosition | undefined
  /** How often it was taken from a connection that stood still. */
  robberies = 0
  /** The source of its bytes; all of them are of one. */
  by: object | undefined
  /** All of it has gone to another. */
  isLeft = false
  /** Its source is not believed: what has come of it counts for nothing, and it begins anew. */
  isGivenUp = false
  /** Bytes past the end, read where the segment was cut; compared with what its successor wrote there. */
  overlap: Uint8Array = new Uint8Array(0)

  constructor({
    start,
    end,
    size,
    retries,
    knownBytes = 0,
    knownBy,
    overlapLimit = OVERLAP_BYTES,
    repeatedBytes = OVERLAP_BYTES,
  }: SegmentJobOptions) {
    this.start = start
    this.#end = end
    this.#size = size
    this.#overlapLimit = overlapLimit
    this.retries = retries
    this.knownBytes = knownBytes
    this.knownBy = knownBy
    this.repeatedBytes = repeatedBytes
    this.position = start
  }

  get end(): number {
    return this.#end
  }

  /** Whether its last byte is the file's, so that the connection runs to the end of the file. */
  get isLast(): boolean {
    return this.#size === undefined || this.#end === this.#size
  }

  get overlapBytes(): number {
    return this.#size === undefined ? 0 : Math.min(this.#overlapLimit, this.#size - this.#end)
  }

  /** The offset up to which its bytes have arrived. */
  get arrived(): number {
    return this.isGivenUp ? this.start : (this.live?.position ?? this.position)
  }

  /** The offset before which its bytes are in the file. */
  get written(): number {
    return this.isGivenUp ? this.start : (this.live?.written ?? this.position)
  }

  get isEmpty(): boolean {
    return this.#end === this.start
  }

  get isDone(): boolean {
    return this.live === undefined && this.position >= this.#end
  }

  /** Leaves what lies behind `at` to another; gives the new segment, which is nobody's yet. */
  splitAt(at: number, retries: RetryBudget): SegmentJob {
    if (at <= this.arrived || at >= this.#end) throw new RangeError(`Cannot split at ${at}`)
    return this.#cutAt(at, retries, 0)
  }

  /**
   * Leaves what has not come yet to another source, which has to bring the last bytes before it the same. Only
   * while nobody fetches it.
   */
  handOver(retries: RetryBudget): SegmentJob {
    return this.#cutAt(this.position, retries, Math.min(this.#overlapLimit, this.position - this.start))
  }

  /** Takes all of the one behind it, of which nothing has come, and leaves it empty. */
  absorb(next: SegmentJob): void {
    if (next.start !== this.#end || next.arrived > next.start) throw new RangeError('It cannot go on there')
    this.#end = next.end
    next.#end = next.start
    next.isLeft = true
  }

  /** Leaves what has not come yet to a connection whose bytes have been compared already. */
  leaveRest(retries: RetryBudget): SegmentJob {
    return this.#cutAt(this.position, retries, 0)
  }

  /** As if nothing of it had ever come. Only while nobody fetches it. */
  beginAnew(): void {
    this.position = this.start
    this.overlap = new Uint8Array(0)
    this.by = undefined
    this.isGivenUp = false
  }

  #cutAt(at: number, retries: RetryBudget, knownBytes: number): SegmentJob {
    const end = this.#end
    this.#end = at
    const known = knownBytes === 0 ? {} : { knownBytes, knownBy: this.by }
    return new SegmentJob({
      ...{ start: at, end, size: this.#size, retries, overlapLimit: this.#overlapLimit },
      ...{ ...known, repeatedBytes: this.repeatedBytes },
    })
  }
}
