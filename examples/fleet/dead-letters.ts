/** What was tried as often as it may be, and failed: BullMQ's failed jobs, each with what was wrong in its reason. */
import type { Job, Queue } from 'bullmq'
import type { MirrorJob } from 'octoftp'

export interface DeadLetter {
  readonly path: string
  /** Of an `FtpError`, or of the system; `UNKNOWN` where there is none. */
  readonly code: string
  readonly message: string
}

const PAGE = 500

/** An error whose message is data: what BullMQ keeps of an error is its message. */
export function deadLetterError(letters: readonly DeadLetter[]): Error {
  return new Error(JSON.stringify(letters))
}

export function letterOf(path: string, error: unknown): DeadLetter {
  const { code = 'UNKNOWN', message = String(error) } = error as { code?: string; message?: string }
  return { path, code, message }
}

export async function* deadLetters(queue: Queue<MirrorJob>): AsyncGenerator<DeadLetter> {
  for (let start = 0; ; start += PAGE) {
    const jobs = await queue.getFailed(start, start + PAGE - 1)
    if (jobs.length === 0) return
    for (const job of jobs) yield* lettersOf(job)
  }
}

/** Puts all of them back, with all their attempts. */
export async function retryDeadLetters(queue: Queue<MirrorJob>): Promise<number> {
  let count = 0
  for (;;) {
    const jobs = await queue.getFailed(0, PAGE - 1)
    if (jobs.length === 0) return count
    for (const job of jobs) await job.retry('failed', { resetAttemptsMade: true })
    count += jobs.length
  }
}

function lettersOf({ id, failedReason }: Job<MirrorJob>): readonly DeadLetter[] {
  try {
    return JSON.parse(failedReason) as readonly DeadLetter[]
  } catch {
    // BullMQ's own, such as that of a job that was lost too often.
    return [{ path: `job ${id}`, code: 'UNKNOWN', message: failedReason }]
  }
}
