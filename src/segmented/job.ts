/** One segment and how far it is. Changed by the worker that has it, read by the progress. */
import type { MeasuredSegment } from '../transfer/progress.ts'
import type { Segment } from './plan.ts'
import type { RetryBudget } from './retry.ts'

export class SegmentJob implements Segment, MeasuredSegment {
  readonly start: number
  readonly end: number
  /** Whether its last byte is the file's, so that the connection runs to the end of the file. */
  readonly isLast: boolean
  readonly retries: RetryBudget
  /** Bytes before this offset are written. */
  position: number
  /** The writer at work, if one is: it knows what has arrived beyond `position`. */
  live: { readonly position: number } | undefined
  /** Bytes past the end, read where the segment was cut; compared with what its successor wrote there. */
  overlap: Uint8Array = new Uint8Array(0)

  constructor({ start, end }: Segment, isLast: boolean, retries: RetryBudget) {
    this.start = start
    this.end = end
    this.isLast = isLast
    this.retries = retries
    this.position = start
  }

  /** The offset up to which its bytes have arrived. */
  get arrived(): number {
    return this.live?.position ?? this.position
  }
}
