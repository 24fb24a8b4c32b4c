/**
 * How fast it went: samples of half a second over the last two minutes, to draw. Pure but for the clock and the
 * timer that it is given.
 *
 * It looks at running totals of bytes, twice a second while there is one to look at and when it is asked. A look
 * that comes late spreads what has come over the time in which it came, so that neither a late timer nor a
 * question in between makes a peak. Its timer does not keep the process alive.
 *
 *   looks     │        │          │   │
 *   samples   ├────────┼────────┼────────┼──  the last, unfinished one is not told yet
 */
import { startIdleTimer } from '../util/timer.ts'

const SAMPLE_MS = 500
/** 120 seconds. */
const SAMPLES = 240

/** The speed of the last two minutes, as plain data. All speeds are bytes per second. */
export interface Bandwidth {
  /** Oldest first, at most 240; fewer in the first two minutes. */
  readonly samples: readonly number[]
  /** How long a sample is. */
  readonly sampleMilliseconds: 500
  /** The newest sample; 0 while there is none. */
  readonly now: number
  /** Over all samples, those in which nothing ran included; 0 while there is none. */
  readonly average: number
  /** The highest sample; 0 while there is none. */
  readonly maximum: number
}

interface Watched {
  readonly total: () => number
  seen: number
}

export class BandwidthHistory {
  readonly #clock: () => number
  readonly #startTimer: (ms: number, expire: () => void) => () => void
  readonly #watched = new Set<Watched>()
  /** Bytes of each sample, by number; sample `n` is kept at `n % SAMPLES`. */
  readonly #bytes = new Float64Array(SAMPLES)
  /** When sample 0 began: with the first total to look at. */
  #startedAt: number | undefined
  #lookedAt = 0
  /** Bytes of the sample that is not finished. */
  #unfinished = 0
  #stopTimer: () => void = () => {}

  /** @param clock in milliseconds, monotonic */
  constructor(
    clock: () => number = () => performance.now(),
    startTimer: (ms: number, expire: () => void) => () => void = startIdleTimer,
  ) {
    this.#clock = clock
    this.#startTimer = startTimer
  }

  /**
   * Counts what is added to a running total of bytes from now on. A total that falls, since bytes were given up,
   * counts as one that stands still. The returned function has a last look and ends it; idempotent.
   */
  watch(total: () => number): () => void {
    this.#look()
    const watched = { total, seen: total() }
    this.#watched.add(watched)
    if (this.#watched.size === 1) this.#begin()
    return () => {
      if (!this.#watched.has(watched)) return
      this.#look()
      this.#watched.delete(watched)
      if (this.#watched.size === 0) this.#stopTimer()
    }
  }

  snapshot(): Bandwidth {
    this.#look()
    const samples = this.#samples()
    const sum = samples.reduce((all, sample) => all + sample, 0)
    return {
      samples,
      sampleMilliseconds: SAMPLE_MS,
      now: samples.at(-1) ?? 0,
      average: samples.length === 0 ? 0 : sum / samples.length,
      maximum: Math.max(0, ...samples),
    }
  }

  #begin(): void {
    if (this.#startedAt === undefined) {
      this.#startedAt = this.#clock()
      this.#lookedAt = this.#startedAt
    }
    this.#lookLater()
  }

  #lookLater(): void {
    this.#stopTimer = this.#startTimer(SAMPLE_MS, () => {
      this.#look()
      this.#lookLater()
    })
  }

  #samples(): number[] {
    if (this.#startedAt === undefined) return []
    const current = this.#sampleAt(this.#lookedAt)
    const count = Math.min(current, SAMPLES)
    return Array.from({ length: count }, (_, index) => {
      const bytes = this.#bytes[(current - count + index) % SAMPLES] ?? 0
      return (bytes * 1_000) / SAMPLE_MS
    })
  }

  #look(): void {
    if (this.#startedAt === undefined) return
    const from = this.#lookedAt
    this.#lookedAt = Math.max(from, this.#clock())
    this.#spread(this.#added(), from)
  }

  /** Bytes that have come since the last look. */
  #added(): number {
    let added = 0
    for (const watched of this.#watched) {
      const total = watched.total()
      added += Math.max(0, total - watched.seen)
      watched.seen = total
    }
    return added
  }

  /** Enters bytes that came between `from` and now, evenly. */
  #spread(bytes: number, from: number): void {
    const to = this.#lookedAt
    const last = this.#sampleAt(to)
    const share = (sample: number): number => {
      const start = Math.max(from, this.#startOf(sample))
      const end = Math.min(to, this.#startOf(sample + 1))
      return to > from ? (bytes * Math.max(0, end - start)) / (to - from) : bytes
    }
    const first = this.#sampleAt(from)
    // After a long sleep only the samples that are still kept are worth the work.
    for (let sample = Math.max(first, last - SAMPLES); sample < last; sample++) {
      this.#bytes[sample % SAMPLES] = share(sample) + (sample === first ? this.#unfinished : 0)
    }
    this.#unfinished = share(last) + (last === first ? this.#unfinished : 0)
  }

  #sampleAt(time: number): number {
    return Math.floor((time - (this.#startedAt ?? time)) / SAMPLE_MS)
  }

  #startOf(sample: number): number {
    return (this.#startedAt ?? 0) + sample * SAMPLE_MS
  }
}
