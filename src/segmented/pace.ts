/**
 * How fast each connection is and what it costs to start one: what work stealing decides by. Pure but for its clock.
 *
 *   began        first byte                                   ended
 *   ├── start ───┤── ramp ──┤────────── speed ─────────────────┤
 *
 * TCP, and many a server, begin slowly. What that costs counts as a part of the start, and the speed is that of the
 * later half of what is known.
 */
import type { SegmentJob } from './job.ts'
import type { Pace } from './steal.ts'

/** Of a connection about which nothing is known, and no other either. */
const UNKNOWN: Pace = { bytesPerSecond: 1_000_000, startSeconds: 0.25 }
/** A shorter time says nothing of a connection's speed. Milliseconds. */
const MEASURABLE_MS = 100
/** Speeds are measured over so much at most. Milliseconds. */
const WINDOW_MS = 3_000
/** And over so much at least, as soon as there is as much: servers that keep to a rate send and sleep in turn. */
const LEAST_WINDOW_MS = 1_000
/** As long as that a connection may still be on its way to the speed that its session had before. Milliseconds. */
const RAMP_MS = 1_000
/** Against what is typical. */
const SLOW_AT_FIRST = 1 / 20
/** Without a byte for so long, and for so many times the usual start, an attempt stands still. Milliseconds. */
const PATIENCE_MS = 2_000
const PATIENCE_STARTS = 5
/** When nobody has looked for longer, nothing has been read either: the program was busy, or the machine asleep. */
const BLIND_MS = 1_000

interface Sample {
  readonly at: number
  readonly position: number
}

interface Attempt {
  readonly session: object | undefined
  beganAt: number
  firstByteAt: number | undefined
  /** Of the connection, where it came from another segment; what is skipped on the way says nothing. */
  speedBefore: number
  /** Those of the last {@link WINDOW_MS} and one before, the oldest first. */
  samples: Sample[]
}

/** Sessions are only compared by identity; they need not be kept for it. */
export class Paces {
  readonly #clock: () => number
  readonly #attempts = new Map<SegmentJob, Attempt>()
  readonly #measured = new WeakMap<object, Pace>()
  #typical: Pace | undefined
  #lookedAt: number | undefined

  /** @param clock in milliseconds, monotonic */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Of a session; what is typical here where it has not been measured. */
  of(session: object): Pace {
    return this.#measured.get(session) ?? this.typical
  }

  /** What connections here are like; until one has ended, by those that are under way. */
  get typical(): Pace {
    return this.#typical ?? this.#ofRunning() ?? UNKNOWN
  }

  /** Whether anything is known of the connections here. */
  get isKnown(): boolean {
    return this.typical !== UNKNOWN
  }

  began(job: SegmentJob, session?: object): void {
    this.#attempts.set(job, {
      ...{ session, beganAt: this.#clock(), firstByteAt: undefined, speedBefore: 0, samples: [] },
    })
  }

  firstByte(job: SegmentJob): void {
    const attempt = this.#attempts.get(job)
    if (attempt === undefined) return
    const now = this.#clock()
    attempt.firstByteAt = now
    attempt.samples = [{ at: now, position: job.arrived }]
  }

  /** Looks at every running segment; to be called a few times a second. */
  look(): void {
    const now = this.#clock()
    const blindMs = now - (this.#lookedAt ?? now)
    this.#lookedAt = now
    for (const [job, attempt] of this.#attempts) {
      if (blindMs > BLIND_MS) forget(attempt, blindMs)
      if (attempt.firstByteAt === undefined) continue
      attempt.samples.push({ at: now, position: job.arrived })
      while ((attempt.samples[1]?.at ?? now) < now - WINDOW_MS) attempt.samples.shift()
    }
  }

  /** Bytes per second of a running segment; `undefined` while it is too young. */
  speedOf(job: SegmentJob): number | undefined {
    const attempt = this.#attempts.get(job)
    if (attempt === undefined) return undefined
    const now = this.#clock()
    if (attempt.firstByteAt === undefined) {
      const patience = Math.max(PATIENCE_MS, this.typical.startSeconds * 1_000 * PATIENCE_STARTS)
      return now - attempt.beganAt > patience ? 0 : undefined
    }
    const ageMs = now - attempt.firstByteAt
    if (ageMs < MEASURABLE_MS) return undefined
    const speed = laterHalf(attempt, job.arrived, now)
    return ageMs < RAMP_MS ? this.#ofYoung(attempt, speed) : speed
  }

  /** Bytes per second of a running segment by what has come of it; `undefined` before its first byte. */
  currentSpeedOf(job: SegmentJob): number | undefined {
    const attempt = this.#attempts.get(job)
    if (attempt?.firstByteAt === undefined) return undefined
    const now = this.#clock()
    const isFresh = now - attempt.firstByteAt < RAMP_MS
    return Math.max(laterHalf(attempt, job.arrived, now), isFresh ? attempt.speedBefore : 0)
  }

  /** The connection of one segment, which is done, goes on with another, without a start. */
  wentOn(job: SegmentJob, next: SegmentJob, session: object): void {
    const speedBefore = this.currentSpeedOf(job) ?? 0
    this.ended(job, session)
    this.began(next, session)
    this.firstByte(next)
    const attempt = this.#attempts.get(next)
    if (attempt !== undefined) attempt.speedBefore = speedBefore
  }

  /** At first the bytes come in bursts, a round trip apart: nobody is called slow for that. */
  #ofYoung({ session }: Attempt, speed: number): number | undefined {
    const known = session && this.#measured.get(session)
    if (known !== undefined) return Math.max(speed, known.bytesPerSecond)
    return speed < this.typical.bytesPerSecond * SLOW_AT_FIRST ? undefined : speed
  }

  /** Whether nothing of a segment has come for so many milliseconds, although it had begun to. */
  standsStill(job: SegmentJob, ms: number): boolean {
    const samples = this.#attempts.get(job)?.samples ?? []
    const last = samples.findLast(({ at }) => at <= this.#clock() - ms)
    return last?.position === job.arrived
  }

  /** The attempt is over; what it showed of the session is remembered. */
  ended(job: SegmentJob, session: object): void {
    const attempt = this.#attempts.get(job)
    this.#attempts.delete(job)
    const [first] = attempt?.samples ?? []
    if (attempt?.firstByteAt === undefined || first === undefined) return
    const now = this.#clock()
    if (now - attempt.firstByteAt < MEASURABLE_MS || job.arrived <= first.position) return
    const pace = paceOf(attempt, job.arrived, now)
    // One that stood still in the end says nothing of what it can do when it moves.
    if (pace.bytesPerSecond === 0) return
    this.#measured.set(session, pace)
    this.#typical = this.#typical === undefined ? pace : mixed(this.#typical, pace)
  }

  #ofRunning(): Pace | undefined {
    const now = this.#clock()
    const paces = [...this.#attempts].flatMap(([job, attempt]) => {
      const isYoung = attempt.firstByteAt === undefined || now - attempt.firstByteAt < MEASURABLE_MS
      return isYoung
        ? []
        : [paceOf(attempt, job.arrived, now)].filter(({ bytesPerSecond }) => bytesPerSecond > 0)
    })
    if (paces.length === 0) return undefined
    return {
      bytesPerSecond: average(paces.map(({ bytesPerSecond }) => bytesPerSecond)),
      startSeconds: average(paces.map(({ startSeconds }) => startSeconds)),
    }
  }
}

/** Its speed, and what it has cost to come to it. */
function paceOf(attempt: Attempt, position: number, now: number): Pace {
  const { beganAt, firstByteAt = now, samples } = attempt
  const bytesPerSecond = laterHalf(attempt, position, now)
  const [first] = samples
  // Of a long one the beginning is not known any more, and its ramp has been of little weight.
  const isWhole = first?.at === firstByteAt
  const atSpeed = isWhole && bytesPerSecond > 0 ? (position - first.position) / bytesPerSecond : Infinity
  const rampSeconds = Math.max(0, (now - firstByteAt) / 1_000 - atSpeed)
  return { bytesPerSecond, startSeconds: (firstByteAt - beganAt) / 1_000 + rampSeconds }
}

/** Bytes per second over the later half of what is known. */
function laterHalf({ samples }: Attempt, position: number, now: number): number {
  const oldest = Math.max(samples[0]?.at ?? now, now - WINDOW_MS)
  const from = Math.max(oldest, Math.min((oldest + now) / 2, now - LEAST_WINDOW_MS))
  if (now <= from) return 0
  return ((position - positionAt(samples, from, { at: now, position })) * 1_000) / (now - from)
}

/** Between two samples it moves evenly. */
function positionAt(samples: readonly Sample[], at: number, last: Sample): number {
  const after = samples.find((sample) => sample.at >= at) ?? last
  const before = samples.findLast((sample) => sample.at < at)
  if (before === undefined || after.at === before.at) return after.position
  const part = (at - before.at) / (after.at - before.at)
  return before.position + part * (after.position - before.position)
}

/** What has been seen, as if the time in which nobody looked had not been. */
function forget(attempt: Attempt, ms: number): void {
  attempt.beganAt += ms
  if (attempt.firstByteAt !== undefined) attempt.firstByteAt += ms
  attempt.samples = attempt.samples.map(({ at, position }) => ({ at: at + ms, position }))
}

function mixed(old: Pace, fresh: Pace): Pace {
  return {
    bytesPerSecond: (old.bytesPerSecond * 3 + fresh.bytesPerSecond) / 4,
    startSeconds: (old.startSeconds * 3 + fresh.startSeconds) / 4,
  }
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
