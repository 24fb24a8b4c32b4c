/**
 * How far a transfer is, and how fast. Pure but for the clock it is given, in milliseconds.
 *
 * It looks at the segments when it is asked, ten times a second, and is told of nothing in between: a transfer
 * at full speed reads some ten thousand times a second.
 */
import type { FilesProgress, SegmentProgress, TransferProgress } from './events.ts'
import { RateMeter } from './rate.ts'
import { secondsLeft } from './together.ts'

/** One segment as its owner keeps it: the same object as long as it is the same segment. */
export interface MeasuredSegment {
  readonly start: number
  readonly end: number
  /** The offset up to which its bytes have arrived. */
  readonly arrived: number
  /** Whether it stands still for good. */
  readonly isDone?: boolean
}

/** What had arrived when it was last looked at, and the speed since. */
interface Gauge {
  seen: number
  readonly rate: RateMeter
}

export class ProgressMeter {
  readonly #clock: () => number
  readonly #startedAt: number
  readonly #whole: Gauge
  readonly #gauges = new WeakMap<MeasuredSegment, Gauge>()
  #total: number | undefined
  #activeConnections = 0
  #mostConnections = 0
  #above: ProgressMeter | undefined
  #refetched = 0
  #overfetched = 0
  #resumed = 0
  #pausedAt: number | undefined
  #pausedMs = 0
  #finishedAt: number | undefined
  #segments: () => readonly MeasuredSegment[] = () => []
  #files: () => FilesProgress | undefined = () => undefined

  constructor(clock: () => number) {
    this.#clock = clock
    this.#startedAt = clock()
    this.#whole = { seen: 0, rate: new RateMeter(this.#startedAt) }
  }

  set total(bytes: number | undefined) {
    this.#total = bytes
  }

  /** Where the segments come from. */
  set segments(read: () => readonly MeasuredSegment[]) {
    this.#segments = read
  }

  /** What this is a part of: its connections are counted there, too. */
  set partOf(meter: ProgressMeter) {
    this.#above = meter
  }

  /** Where the count of files comes from, where there are several. */
  set files(read: () => FilesProgress) {
    this.#files = read
  }

  /** Bytes that have arrived and will be kept. */
  get bytes(): number {
    return this.#segments().reduce((sum, { start, arrived }) => sum + arrived - start, 0)
  }

  /** Bytes that were fetched and given up. */
  get refetchedBytes(): number {
    return this.#refetched
  }

  /** Bytes that were read past the ends of segments, for the comparison. */
  get overfetchedBytes(): number {
    return this.#overfetched
  }

  /** Bytes that an earlier run had brought, as far as they still count. */
  get resumedBytes(): number {
    return this.#resumed
  }

  /** The most data connections that worked at once. */
  get mostConnections(): number {
    return this.#mostConnections
  }

  /** Bytes that had arrived do not count any more. */
  givenUp(bytes: number): void {
    this.#refetched += bytes
  }

  overfetched(bytes: number): void {
    this.#overfetched += bytes
  }

  /** So many of the bytes that are there were there before: they are no part of any speed. */
  resumed(bytes: number): void {
    this.#resumed = bytes
    this.#whole.seen = bytes
  }

  paused(): void {
    this.#pausedAt ??= this.#clock()
  }

  unpaused(): void {
    if (this.#pausedAt !== undefined) this.#pausedMs += this.#clock() - this.#pausedAt
    this.#pausedAt = undefined
  }

  connectionStarted(): void {
    this.#above?.connectionStarted()
    this.#activeConnections += 1
    this.#mostConnections = Math.max(this.#mostConnections, this.#activeConnections)
  }

  connectionEnded(): void {
    this.#above?.connectionEnded()
    this.#activeConnections -= 1
  }

  /** Stops the clock. */
  finish(): void {
    this.#finishedAt ??= this.#clock()
  }

  snapshot(): TransferProgress {
    const now = this.#finishedAt ?? this.#clock()
    const bytes = this.bytes
    const elapsedSeconds = (now - this.#startedAt) / 1_000
    const stoodStillMs = this.#pausedMs + (this.#pausedAt === undefined ? 0 : now - this.#pausedAt)
    const workedSeconds = elapsedSeconds - stoodStillMs / 1_000
    const bytesPerSecond = measure(this.#whole, bytes, now)
    const left = this.#total === undefined ? undefined : this.#total - bytes
    return {
      bytes,
      total: this.#total,
      fraction: fraction(bytes, this.#total),
      bytesPerSecond,
      averageBytesPerSecond: workedSeconds > 0 ? Math.max(0, bytes - this.#resumed) / workedSeconds : 0,
      etaSeconds: left === undefined ? undefined : secondsLeft(left, bytesPerSecond),
      elapsedSeconds,
      files: this.#files(),
      activeConnections: this.#activeConnections,
      segments: this.#segments().map((segment) => this.#progressOf(segment, now)),
    }
  }

  #progressOf(segment: MeasuredSegment, now: number): SegmentProgress {
    const { start, end, arrived: position } = segment
    if (segment.isDone === true) return { start, end, position, bytesPerSecond: 0 }
    const gauge = this.#gauges.get(segment) ?? { seen: 0, rate: new RateMeter(this.#startedAt) }
    this.#gauges.set(segment, gauge)
    return { start, end, position, bytesPerSecond: measure(gauge, position - start, now) }
  }
}

/** Enters what has arrived since the last look, and gives the speed in bytes per second. */
function measure(gauge: Gauge, bytes: number, now: number): number {
  if (bytes > gauge.seen) gauge.rate.add(bytes - gauge.seen, now)
  gauge.seen = bytes
  return gauge.rate.bytesPerSecond(now)
}

function fraction(bytes: number, total: number | undefined): number | undefined {
  if (total === undefined) return undefined
  return total === 0 ? 1 : Math.min(1, bytes / total)
}
