/** A turn of a worker: a session, and the segments that it fetches one after the other. */
import { RetryBudget } from '../operations/retry.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session } from '../session/session.ts'
import type { SegmentJob } from './job.ts'
import type { Source } from './source.ts'

/** Why a turn was ended although nothing failed: its segment waits again, and no retry is counted. */
export class Interruption extends Error {
  readonly why: 'paused' | 'robbed' | 'moved' | 'given back'

  constructor(why: Interruption['why']) {
    super(`The segment was ${why}`)
    this.why = why
  }
}

/** What a worker does at the moment. */
export interface Turn {
  readonly connection: number
  readonly source: Source
  readonly controller: AbortController
  /** For the logins and the retries of the worker. */
  readonly budget: RetryBudget
  lease: Lease<Session> | undefined
  job: SegmentJob | undefined
  isFlowing: boolean
  /** Whether the worker ends with it. */
  isLast: boolean
  /** A new session takes over the rest of its segment: resolves when that is fetched, too. */
  successor: Promise<number> | undefined
}

export function newTurn(connection: number, source: Source, size: number | undefined): Turn {
  const budget = new RetryBudget(source.place.retry, size, Math.random)
  const controller = new AbortController()
  return {
    ...{ connection, source, controller, budget, lease: undefined, job: undefined },
    ...{ isFlowing: false, isLast: false, successor: undefined },
  }
}

/** The segments that one connection fetches in one attempt, one after the other. */
export class Steps {
  /** The one that is being fetched. */
  job: SegmentJob
  /** Resolves when those before it are settled. Never rejects. */
  passed: Promise<unknown> = Promise.resolve()
  readonly #from = new Map<SegmentJob, number>()

  constructor(first: SegmentJob) {
    this.job = first
    this.#from.set(first, first.position)
  }

  goOnWith(next: SegmentJob): void {
    this.job = next
    this.#from.set(next, next.position)
  }

  isPassing(end: Promise<void>): void {
    this.passed = Promise.all([this.passed, end])
  }

  /** What this attempt has brought of it. */
  bytesOf(job: SegmentJob): number {
    return job.position - (this.#from.get(job) ?? job.position)
  }
}
