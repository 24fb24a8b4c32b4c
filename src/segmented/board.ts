/**
 * What is done, what waits and what is under way of one file; where a connection that runs dry finds work; and
 * which source has brought what.
 *
 *   0                                                    size
 *   ├─ done ─┤├─ running ──►   ├─ waiting ─┤├─ running ─►  ┤
 *
 * Every byte of the file is in exactly one place, and what has come of a segment is all of one source. Knows no
 * session and no clock; a source is any object.
 */
import type { MeasuredSegment } from '../transfer/progress.ts'
import { SegmentJob } from './job.ts'
import { planSegments } from './plan.ts'
import { mergeRanges, type ByteRange } from './ranges.ts'
import type { RetryBudget } from './retry.ts'
import { chooseSteal, type Pace, type Steal } from './steal.ts'

export interface BoardOptions {
  /** The size of the file; `undefined` where the server does not tell. */
  readonly size?: number | undefined
  readonly jobs: readonly SegmentJob[]
  /** What an earlier run has left on disk; together with the jobs it is the whole file. */
  readonly done: readonly ByteRange[]
  /** A budget for a segment that was split off. */
  readonly newBudget: () => RetryBudget
  /** Bytes per second of a running segment; `undefined` while it cannot be said. */
  readonly speedOf: (job: SegmentJob) => number | undefined
}

/** A shorter one is not worth a start. */
const LEAST_SHARE_BYTES = 262_144

/** Bytes that are on disk, and their source; that of an earlier run's is not known. */
interface Piece extends ByteRange {
  readonly by: object | undefined
}

export class Board {
  readonly #options: BoardOptions
  #done: readonly Piece[]
  #jobs: SegmentJob[]
  readonly #waiting: SegmentJob[]
  readonly #running = new Set<SegmentJob>()

  constructor(options: BoardOptions) {
    this.#options = options
    this.#done = mergeRanges(options.done).map((range) => ({ ...range, by: undefined }))
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
    const done = mergeRanges(this.#done).map(({ start, end }) => ({ start, end, arrived: end, isDone: true }))
    return [...done, ...this.#jobs].sort((a, b) => a.start - b.start)
  }

  /** Whether a connection of that pace would find something to do. */
  hasWork(pace: Pace, others = 0): boolean {
    return this.#waiting.length > 0 || this.#steal(pace, others) !== undefined
  }

  /**
   * Work for a connection to `by` of that pace, which is under way from here on; or a segment that it should be
   * given.
   *
   * @param others how many more connections have nothing to do
   */
  take(
    pace: Pace,
    by?: object,
    others = 0,
  ):
    | { readonly job: SegmentJob; readonly from: SegmentJob | undefined }
    | { readonly rob: SegmentJob }
    | undefined {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      const job = this.#madeOver(waiting, by)
      this.#running.add(job)
      return { job, from: undefined }
    }
    const steal = this.#steal(pace, others)
    if (steal === undefined) return undefined
    const victim = [...this.#running][steal.victim]
    if (victim === undefined) return undefined
    if (steal.is === 'rob') return { rob: victim }
    return { job: this.split(victim, steal.at, by), from: victim }
  }

  /** Takes what lies behind `at` from a running segment; it is under way from here on. */
  split(victim: SegmentJob, at: number, by?: object): SegmentJob {
    const job = victim.splitAt(at, this.#options.newBudget())
    job.by = by
    this.#jobs.push(job)
    this.#running.add(job)
    return job
  }

  /** Those that are nearly done go on with the next segment, if nobody has begun that: it saves a start. */
  extend(isNearlyDone: (job: SegmentJob) => boolean): void {
    for (const job of this.#running) {
      if (job.isGivenUp || job.arrived >= job.end || !isNearlyDone(job)) continue
      const next = this.#waiting.find(
        ({ start, position, knownBytes }) => start === job.end && position === start && knownBytes === 0,
      )
      if (next === undefined) continue
      job.absorb(next)
      this.#waiting.splice(this.#waiting.indexOf(next), 1)
      this.#jobs.splice(this.#jobs.indexOf(next), 1)
    }
  }

  finished(job: SegmentJob): void {
    if (job.isGivenUp) return this.putBack(job)
    this.#running.delete(job)
  }

  /** It did not come to its end, and is taken up again where it was. */
  putBack(job: SegmentJob): void {
    this.#running.delete(job)
    if (job.isGivenUp) job.beginAnew()
    this.#waiting.push(job)
  }

  /** The same, in as many pieces as there are connections that have nothing to do. */
  putBackShared(job: SegmentJob, connections: number): void {
    const rest = planSegments(job.end - job.position, connections, LEAST_SHARE_BYTES)
    const { position } = job
    for (const { start } of rest.slice(1).reverse()) {
      const piece = job.splitAt(position + start, this.#options.newBudget())
      this.#jobs.push(piece)
      this.#waiting.push(piece)
    }
    this.putBack(job)
  }

  /** Enters finished segments as done, once there is no seam left on them to be compared. */
  settle(): void {
    const isSettled = (job: SegmentJob): boolean =>
      job.isDone && job.overlap.length === 0 && !this.#waiting.includes(job) && !this.#running.has(job)
    const settled = this.#jobs.filter(isSettled)
    if (settled.length === 0) return
    this.#done = mergePieces([...this.#done, ...settled.map(({ start, end, by }) => ({ start, end, by }))])
    this.#jobs = this.#jobs.filter((job) => !settled.includes(job))
  }

  /** Who has brought what is on disk of `[start, end)`; `undefined` if some of it is not there. */
  sourcesOf({ start, end }: ByteRange): readonly (object | undefined)[] | undefined {
    const ofJobs = this.#jobs.map((job) => ({ start: job.start, end: job.written, by: job.by }))
    const pieces = [...this.#done, ...ofJobs].filter((piece) => piece.start < end && piece.end > start)
    const [whole] = mergeRanges(pieces)
    if (whole === undefined || whole.start > start || whole.end < end) return undefined
    return [...new Set(pieces.map(({ by }) => by))]
  }

  /** How many bytes of the file `by` has brought. */
  bytesOf(by: object | undefined): number {
    const done = this.#done.filter((piece) => piece.by === by)
    const jobs = this.#jobs.filter((job) => job.by === by)
    return (
      done.reduce((sum, { start, end }) => sum + end - start, 0) +
      jobs.reduce((sum, { start, arrived }) => sum + arrived - start, 0)
    )
  }

  /** All that `by` has brought is to be fetched again; gives what that is. What it fetches now has to be stopped. */
  giveUp(by: object | undefined): ByteRange[] {
    const given = mergeRanges([
      ...this.#done.filter((piece) => piece.by === by),
      ...this.#jobs.filter((job) => job.by === by).map(({ start, arrived }) => ({ start, end: arrived })),
    ])
    for (const job of this.#jobs.filter((one) => one.by === by)) {
      if (this.#running.has(job)) job.isGivenUp = true
      else {
        job.beginAnew()
        if (!this.#waiting.includes(job)) this.#waiting.push(job)
      }
    }
    for (const { start, end } of this.#done.filter((piece) => piece.by === by)) {
      const retries = this.#options.newBudget()
      const job = new SegmentJob({ start, end, size: this.#options.size, retries })
      this.#jobs.push(job)
      this.#waiting.push(job)
    }
    this.#done = this.#done.filter((piece) => piece.by !== by)
    return given
  }

  /** As it is for a connection to `by`: what another source has brought of it stays that source's. */
  #madeOver(job: SegmentJob, by: object | undefined): SegmentJob {
    const isOthers = job.by !== by && job.position > job.start
    const taken = isOthers ? job.handOver(this.#options.newBudget()) : job
    taken.by = by
    if (isOthers) this.#jobs.push(taken)
    return taken
  }

  #steal(pace: Pace, others: number): Steal | undefined {
    const running = [...this.#running].map((job) => ({
      position: job.arrived,
      end: job.end,
      bytesPerSecond: this.#options.speedOf(job),
    }))
    return chooseSteal(running, pace, others)
  }
}

/** What lies before a seam that is not compared yet is left out, so that a later run has to compare both its sides. */
function claimed({ start, end, written, overlap }: SegmentJob): number {
  return overlap.length === 0 ? written : Math.max(start, Math.min(written, end - overlap.length))
}

/** Pieces that touch and are of one source are one piece. */
function mergePieces(pieces: readonly Piece[]): Piece[] {
  const sources = new Set(pieces.map(({ by }) => by))
  return [...sources].flatMap((by) =>
    mergeRanges(pieces.filter((piece) => piece.by === by)).map((range) => ({ ...range, by })),
  )
}
