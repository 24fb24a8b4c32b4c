/**
 * What is done, what waits and what is under way of one file; where a connection that runs dry finds work.
 *
 *   0                                                    size
 *   ├─ done ─┤├─ running ──►   ├─ waiting ─┤├─ running ─►  ┤
 *
 * Every byte of the file is in exactly one place. Knows no session and no clock.
 */
import type { MeasuredSegment } from '../transfer/progress.ts'
import type { SegmentJob } from './job.ts'
import { mergeRanges, type ByteRange } from './ranges.ts'
import type { RetryBudget } from './retry.ts'
import { chooseSteal, type Pace, type Steal } from './steal.ts'

export interface BoardOptions {
  readonly jobs: readonly SegmentJob[]
  /** What an earlier run has left on disk; together with the jobs it is the whole file. */
  readonly done: readonly ByteRange[]
  /** A budget for a segment that was split off. */
  readonly newBudget: () => RetryBudget
  /** Bytes per second of a running segment; `undefined` while it cannot be said. */
  readonly speedOf: (job: SegmentJob) => number | undefined
}

export class Board {
  readonly #options: BoardOptions
  #done: readonly ByteRange[]
  #jobs: SegmentJob[]
  readonly #waiting: SegmentJob[]
  readonly #running = new Set<SegmentJob>()

  constructor(options: BoardOptions) {
    this.#options = options
    this.#done = mergeRanges(options.done)
    this.#jobs = [...options.jobs]
    this.#waiting = [...options.jobs]
  }

  /** Every segment that is not yet a part of {@link done}, in no order. */
  get jobs(): readonly SegmentJob[] {
    return this.#jobs
  }

  get isDone(): boolean {
    return this.#running.size === 0 && this.#waiting.length === 0
  }

  /** Segments under way or waiting. */
  get unfinished(): number {
    return this.#running.size + this.#waiting.length
  }

  /** What is written of the whole file. */
  get written(): ByteRange[] {
    const ofJobs = this.#jobs.map((job) => ({ start: job.start, end: claimed(job) }))
    return mergeRanges([...this.#done, ...ofJobs])
  }

  /** All of the file for the progress: what is done, and each segment that is not. */
  get segments(): readonly MeasuredSegment[] {
    const done = this.#done.map(({ start, end }) => ({ start, end, arrived: end, isDone: true }))
    return [...done, ...this.#jobs].sort((a, b) => a.start - b.start)
  }

  /** Whether a connection of that pace would find something to do. */
  hasWork(pace: Pace): boolean {
    return this.#waiting.length > 0 || this.#steal(pace) !== undefined
  }

  /** Work for a connection of that pace, which is under way from here on; or a segment that it should be given. */
  take(
    pace: Pace,
  ):
    | { readonly job: SegmentJob; readonly from: SegmentJob | undefined }
    | { readonly rob: SegmentJob }
    | undefined {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      this.#running.add(waiting)
      return { job: waiting, from: undefined }
    }
    const steal = this.#steal(pace)
    if (steal === undefined) return undefined
    const victim = [...this.#running][steal.victim]
    if (victim === undefined) return undefined
    if (steal.is === 'rob') return { rob: victim }
    const job = victim.splitAt(steal.at, this.#options.newBudget())
    this.#jobs.push(job)
    this.#running.add(job)
    return { job, from: victim }
  }

  finished(job: SegmentJob): void {
    this.#running.delete(job)
  }

  /** It did not come to its end, and is taken up again where it was. */
  putBack(job: SegmentJob): void {
    this.#running.delete(job)
    this.#waiting.push(job)
  }

  /** Enters finished segments as done, once there is no seam left on them to be compared. */
  settle(): void {
    const isSettled = (job: SegmentJob): boolean =>
      job.isDone && job.overlap.length === 0 && !this.#waiting.includes(job) && !this.#running.has(job)
    const settled = this.#jobs.filter(isSettled)
    if (settled.length === 0) return
    this.#done = mergeRanges([...this.#done, ...settled.map(({ start, end }) => ({ start, end }))])
    this.#jobs = this.#jobs.filter((job) => !settled.includes(job))
  }

  #steal(pace: Pace): Steal | undefined {
    const running = [...this.#running].map((job) => ({
      position: job.arrived,
      end: job.end,
      bytesPerSecond: this.#options.speedOf(job),
    }))
    return chooseSteal(running, pace)
  }
}

/** What lies before a seam that is not compared yet is left out, so that a later run has to compare both its sides. */
function claimed({ start, end, written, overlap }: SegmentJob): number {
  return overlap.length === 0 ? written : Math.max(start, Math.min(written, end - overlap.length))
}
