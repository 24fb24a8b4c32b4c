/** One segment and how far it is. Data; changed by the worker that has it, read by the progress. */
import type { RateMeter } from '../transfer/rate.ts'
import type { Segment } from './plan.ts'
import type { RetryBudget } from './retry.ts'

export interface SegmentJob extends Segment {
  /** Bytes before this offset are written. */
  position: number
  /** The writer at work, if one is: it knows what has arrived beyond `position`. */
  live: { readonly position: number } | undefined
  rate: RateMeter | undefined
  /** Bytes past the end, read where the segment was cut; compared with what its successor wrote there. */
  overlap: Uint8Array
  /** Whether its last byte is the file's, so that the connection runs to the end of the file. */
  readonly isLast: boolean
  readonly retries: RetryBudget
}

/** The offset up to which its bytes have arrived. */
export function arrivedUpTo(job: SegmentJob): number {
  return job.live?.position ?? job.position
}
