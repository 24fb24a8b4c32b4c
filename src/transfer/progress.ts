/** Counts what a transfer has brought. Pure but for the clock it is given, in milliseconds. */
import type { SegmentProgress, TransferProgress } from './events.ts'
import { RateMeter } from './rate.ts'

/** One segment as its owner sees it; read when a snapshot is taken. */
export interface MeasuredSegment {
  readonly start: number
  readonly end: number
  readonly position: number
  readonly rate: RateMeter | undefined
}

export class ProgressMeter {
  readonly #clock: () => number
  readonly #startedAt: number
  readonly #rate: RateMeter
  #bytes = 0
  #total: number | undefined
  #activeConnections = 0
  #mostConnections = 0
  #refetched = 0
  #finishedAt: number | undefined
  #segments: () => readonly MeasuredSegment[] = () => []

  constructor(clock: () => number) {
    this.#clock = clock
    this.#startedAt = clock()
    this.#rate = new RateMeter(this.#startedAt)
  }

  set total(bytes: number | undefined) {
    this.#total = bytes
  }

  /** Where the segments of a snapshot come from. */
  set segments(read: () => readonly MeasuredSegment[]) {
    this.#segments = read
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Bytes that were fetched and given up. */
  get refetchedBytes(): number {
    return this.#refetched
  }

  /** The most data connections that worked at once. */
  get mostConnections(): number {
    return this.#mostConnections
  }

  received(bytes: number): void {
    this.#bytes += bytes
    this.#rate.add(bytes, this.#clock())
  }

  /** Bytes that had counted do not any more. */
  givenUp(bytes: number): void {
    this.#bytes -= bytes
    this.#refetched += bytes
  }

  connectionStarted(): void {
    this.#activeConnections += 1
    this.#mostConnections = Math.max(this.#mostConnections, this.#activeConnections)
  }

  connectionEnded(): void {
    this.#activeConnections -= 1
  }

  newRate(): RateMeter {
    return new RateMeter(this.#clock())
  }

  /** Stops the clock. */
  finish(): void {
    this.#finishedAt ??= this.#clock()
  }

  snapshot(): TransferProgress {
    const now = this.#finishedAt ?? this.#clock()
    const elapsedSeconds = (now - this.#startedAt) / 1_000
    const bytesPerSecond = this.#rate.bytesPerSecond(now)
    const left = this.#total === undefined ? undefined : Math.max(0, this.#total - this.#bytes)
    return {
      bytes: this.#bytes,
      total: this.#total,
      fraction: fraction(this.#bytes, this.#total),
      bytesPerSecond,
      averageBytesPerSecond: elapsedSeconds > 0 ? this.#bytes / elapsedSeconds : 0,
      etaSeconds: eta(left, bytesPerSecond),
      elapsedSeconds,
      activeConnections: this.#activeConnections,
      segments: this.#segments().map((segment) => segmentProgress(segment, now)),
    }
  }
}

function fraction(bytes: number, total: number | undefined): number | undefined {
  if (total === undefined) return undefined
  return total === 0 ? 1 : Math.min(1, bytes / total)
}

function eta(left: number | undefined, bytesPerSecond: number): number | undefined {
  if (left === 0) return 0
  if (left === undefined || bytesPerSecond <= 0) return undefined
  return left / bytesPerSecond
}

function segmentProgress({ start, end, position, rate }: MeasuredSegment, now: number): SegmentProgress {
  return { start, end, position, bytesPerSecond: rate?.bytesPerSecond(now) ?? 0 }
}
