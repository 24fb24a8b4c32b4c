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
import { chooseOnward, isSooner } from './onward.ts'
import { planSegments } from './plan.ts'
import { mergeRanges, type ByteRange } from './ranges.ts'
import type { RetryBudget } from '../operations/retry.ts'
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
  /** The same by what has come of it so far, were it ever so little; `undefined` before its first byte. */
  readonly currentSpeedOf: (job: SegmentJob) => number | undefined
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
    // One that only compares a seam is nothing to show; an empty file is one segment.
    const shown = this.#jobs.filter(({ start, isEmpty }) => !isEmpty || start === 0)
    return [...done, ...shown].sort((a, b) => a.start - b.start)
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

  /**
   * What a connection to `by` goes on with that has received all of `job` and read up to `from`: what is missing
   * behind it, which then is a part of `job`, or a segment further on, which is under way from here on and begins
   * at `from` or behind it. Who was only starting there is left with nothing to do.
   *
   * @param others what those are like from whom it may take something
   */
  goOn(
    job: SegmentJob,
    from: number,
    pace: Pace,
    others: Pace,
    by: object | undefined,
  ): SegmentJob | undefined {
    const behind = this.#untouched(job.end, pace, others)
    if (behind !== undefined) {
      job.absorb(behind)
      if (!this.#running.has(behind)) this.#forget(behind)
      return job
    }
    const running = [...this.#running].filter((one) => one !== job && !one.isGivenUp)
    const waiting = this.#waiting.filter(
      ({ start, position, knownBytes }) => position >= from && (position > start || knownBytes === 0),
    )
    const ahead = [
      ...running.map((one) => ({
        ...{ position: one.arrived, end: one.end },
        bytesPerSecond: this.#options.currentSpeedOf(one) ?? 0,
      })),
      ...waiting.map(({ position, end }) => ({ position, end, bytesPerSecond: undefined })),
    ]
    const chosen = chooseOnward(ahead, from, pace, others)
    if (chosen === undefined) return undefined
    const slower = running[chosen.index]
    if (slower !== undefined) return this.split(slower, chosen.at, by)
    const next = waiting[chosen.index - running.length]
    return next && this.#rest(next, by)
  }

  /** What begins at `start`, and of which nothing has come. */
  #untouched(start: number, pace: Pace, others: Pace): SegmentJob | undefined {
    const isUntouched = (one: SegmentJob): boolean =>
      one.start === start && !one.isEmpty && one.arrived === start && one.knownBytes === 0 && !one.isGivenUp
    const isStarting = (one: SegmentJob): boolean => this.#options.currentSpeedOf(one) === undefined
    return (
      this.#waiting.find(isUntouched) ??
      [...this.#running].find(
        (one) => isUntouched(one) && isStarting(one) && isSooner(one.end - start, pace, others),
      )
    )
  }

  /** What is missing of one that waits, under way from here on. */
  #rest(waiting: SegmentJob, by: object | undefined): SegmentJob {
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
    const rest = waiting.position > waiting.start ? waiting.leaveRest(this.#options.newBudget()) : waiting
    if (rest !== waiting) this.#jobs.push(rest)
    rest.by = by
    this.#running.add(rest)
    return rest
  }

  #forget(job: SegmentJob): void {
    this.#running.delete(job)
    this.#waiting.splice(this.#waiting.indexOf(job), this.#waiting.includes(job) ? 1 : 0)
    this.#jobs.splice(this.#jobs.indexOf(job), 1)
  }

  finished(job: SegmentJob): void {
    if (job.isGivenUp) return this.putBack(job)
    this.#running.delete(job)
  }

  /** It did not come to its end, and is taken up again where it was. */
  putBack(job: SegmentJob): void {
    // All of it has gone to another while it was starting. An empty file is a segment, too.
    if (job.isLeft) return this.#forget(job)
    this.#running.delete(job)
    if (job.isGivenUp) job.beginAnew()
    this.#waiting.push(job)
  }

  /** The same, in as many pieces as there are connections that have nothing to do. */
  putBackShared(job: SegmentJob, connections: number): void {
    if (job.isLeft) return this.#forget(job)
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
