/** How fast each connection is and how long it takes to start: what work stealing decides by. */
import { RateMeter } from '../transfer/rate.ts'
import type { SegmentJob } from './job.ts'
import type { Pace } from './steal.ts'

/** Of a connection about which nothing is known, and no other either. */
const UNKNOWN: Pace = { bytesPerSecond: 1_000_000, startSeconds: 0.25 }
/** A shorter time says nothing of a connection's speed. Milliseconds. */
const MEASURABLE_MS = 100
/** Without a byte for so long, and for so many times the usual start, an attempt stands still. Milliseconds. */
const PATIENCE_MS = 2_000
const PATIENCE_STARTS = 5

interface Attempt {
  readonly beganAt: number
  readonly from: number
  firstByteAt: number | undefined
  seen: number
  meter: RateMeter | undefined
}

/** Sessions are only compared by identity; they need not be kept for it. */
export class Paces {
  readonly #clock: () => number
  readonly #attempts = new Map<SegmentJob, Attempt>()
  readonly #measured = new WeakMap<object, Pace>()
  #typical: Pace | undefined

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Of a session; what is typical here where it has not been measured. */
  of(session: object): Pace {
    return this.#measured.get(session) ?? this.typical
  }

  get typical(): Pace {
    return this.#typical ?? UNKNOWN
  }

  began(job: SegmentJob): void {
    const { arrived } = job
    this.#attempts.set(job, {
      beganAt: this.#clock(),
      from: arrived,
      firstByteAt: undefined,
      seen: arrived,
      meter: undefined,
    })
  }

  firstByte(job: SegmentJob): void {
    const attempt = this.#attempts.get(job)
    if (attempt === undefined) return
    attempt.firstByteAt = this.#clock()
    attempt.meter = new RateMeter(attempt.firstByteAt)
  }

  /** Looks at every running segment; to be called a few times a second. */
  look(): void {
    const now = this.#clock()
    for (const [job, attempt] of this.#attempts) {
      attempt.meter?.add(Math.max(0, job.arrived - attempt.seen), now)
      attempt.seen = job.arrived
    }
  }

  /** Bytes per second of a running segment; `undefined` while it is too young. */
  speedOf(job: SegmentJob): number | undefined {
    const attempt = this.#attempts.get(job)
    if (attempt === undefined) return undefined
    const now = this.#clock()
    if (attempt.meter === undefined || attempt.firstByteAt === undefined) {
      const patience = Math.max(PATIENCE_MS, this.typical.startSeconds * 1_000 * PATIENCE_STARTS)
      return now - attempt.beganAt > patience ? 0 : undefined
    }
    if (now - attempt.firstByteAt < MEASURABLE_MS) return undefined
    attempt.meter.add(Math.max(0, job.arrived - attempt.seen), now)
    attempt.seen = job.arrived
    return attempt.meter.bytesPerSecond(now)
  }

  /** The attempt is over; what it showed of the session is remembered. */
  ended(job: SegmentJob, session: object): void {
    const attempt = this.#attempts.get(job)
    this.#attempts.delete(job)
    if (attempt?.firstByteAt === undefined) return
    const seconds = (this.#clock() - attempt.firstByteAt) / 1_000
    const bytes = job.arrived - attempt.from
    if (seconds * 1_000 < MEASURABLE_MS || bytes <= 0) return
    const pace = {
      bytesPerSecond: attempt.meter === undefined ? bytes / seconds : this.#rateOf(attempt, job),
      startSeconds: (attempt.firstByteAt - attempt.beganAt) / 1_000,
    }
    this.#measured.set(session, pace)
    this.#typical = this.#typical === undefined ? pace : mixed(this.#typical, pace)
  }

  #rateOf(attempt: Attempt, job: SegmentJob): number {
    const now = this.#clock()
    attempt.meter?.add(Math.max(0, job.arrived - attempt.seen), now)
    attempt.seen = job.arrived
    return attempt.meter?.bytesPerSecond(now) ?? 0
  }
}

function mixed(old: Pace, fresh: Pace): Pace {
  return {
    bytesPerSecond: (old.bytesPerSecond * 3 + fresh.bytesPerSecond) / 4,
    startSeconds: (old.startSeconds * 3 + fresh.startSeconds) / 4,
  }
}
