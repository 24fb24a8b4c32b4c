/** The comparison of what two connections brought of the same bytes (DESIGN: seams are checked). */
import { SeamDisagreement } from './restart.ts'
import type { SegmentJob } from './job.ts'

export interface SeamFile {
  read(position: number, length: number): Promise<Uint8Array>
}

/**
 * Compares the bytes that each finished segment read past its end with those that stand there now.
 * Only seams whose right side is written are compared; `true` if all were. Throws {@link SeamDisagreement}.
 */
export async function compareSeams(jobs: readonly SegmentJob[], file: SeamFile): Promise<boolean> {
  let isComplete = true
  for (const job of jobs) {
    // Held on to: two workers that finish together compare the same seams.
    const { overlap } = job
    if (overlap.length === 0 || job.isGivenUp) continue
    if (!isWritten(jobs, job.end, job.end + overlap.length)) {
      isComplete = false
      continue
    }
    const written = await file.read(job.end, overlap.length)
    if (Buffer.compare(written, overlap) !== 0) {
      // Given up while we were reading, by itself or with what stood there: then this says nothing.
      isComplete = false
      if (job.overlap !== overlap || !isWritten(jobs, job.end, job.end + overlap.length)) continue
      throw new SeamDisagreement(job.end, overlap, job.by)
    }
    if (job.overlap === overlap) job.overlap = new Uint8Array(0)
  }
  return isComplete
}

/** Whether every byte of `[from, to)` is on disk; it may lie in several short segments. */
function isWritten(jobs: readonly SegmentJob[], from: number, to: number): boolean {
  return jobs.every((job) => job.end <= from || job.start >= to || job.written >= Math.min(to, job.end))
}
