/**
 * The workers of one download, one for each connection.
 *
 * A worker borrows a session of its source, takes a segment that waits or a part of one that is under way
 * elsewhere, fetches it, and gives the session back; that is a turn. A segment that fails waits again, and the
 * worker that failed waits before it goes on. A worker that finds nothing to do parks until something changes.
 * While the transfer is paused nobody has a session.
 *
 * A source that fails, while there are others, is dropped, and its workers go over to those. The first failure
 * that cannot be mended stops everybody.
 */
import { FtpError } from '../errors.ts'
import type { PartFile } from '../local/part-file.ts'
import type { Lease } from '../pool/lease.ts'
import type { Session, TransferType } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import { delay } from '../util/timer.ts'
import type { Board } from './board.ts'
import type { ConnectionCount } from './controller.ts'
import { fetchSegment, type FetchResult, type FetchSource } from './fetch-segment.ts'
import { MIRROR_ATTEMPTS } from './gather.ts'
import type { SegmentJob } from './job.ts'
import type { Paces } from './pace.ts'
import { RetryBudget } from '../operations/retry.ts'
import type { Roster } from './roster.ts'
import { endLease } from '../operations/session-pool.ts'
import { SlowSources } from './slow-sources.ts'
import type { Source } from './source.ts'
import type { Pace } from './steal.ts'
import type { TlsTally } from './tls-tally.ts'
import { Trust } from './trust.ts'
import { Interruption, newTurn, Steps, type Turn } from './turn.ts'

export interface CrewOptions {
  readonly board: Board
  readonly paces: Paces
  /** The most there can be. */
  readonly connections: number
  /** Says how many there should be, where that is not settled. */
  readonly controller: ConnectionCount | undefined
  /** All sources in the order of their rank; who has brought bytes may be dropped since. */
  readonly sources: readonly Source[]
  readonly roster: Roster
  readonly type: TransferType
  /** Bytes; `undefined` where the end of the file is where the server says it is. */
  readonly size: number | undefined
  readonly file: PartFile
  /** Whether a failed segment goes on where it was, by REST; otherwise it begins anew. */
  readonly continues: boolean
  readonly tally: TlsTally
  readonly context: TransferContext
  /** Told when the transfer has come to rest because it was paused. */
  readonly onPaused: (isStill: () => boolean) => Promise<void>
  /** Told when bytes that were written do not count any more. */
  readonly onGivenUp: () => Promise<void>
  /** Looks whether the part file may still be emptied. */
  readonly mayClear: () => Promise<void>
}

/** How long the worker of a connection that stood still leaves its segment to the others. Milliseconds. */
const ROBBED_WAITS_MS = 1_000
const MOST_ROBBERIES = 3
/** Longer than any server takes for a few bytes of a file that it is reading. Milliseconds. */
const STUCK_MS = 2_000
/** A session that is given up fetches so much more, and leaves at least so much to the new one. */
const HANDOVER_STARTS = 2
const HANDOVER_BYTES = 262_144

/** Where a start takes less, none is saved. */
const LEAST_START_SECONDS = 0.1

export class Crew {
  readonly #options: CrewOptions
  readonly #board: Board
  readonly #stop = new AbortController()
  readonly #turns = new Set<Turn>()
  /** The patience with each source while there are others. */
  readonly #patience = new Map<Source, RetryBudget>()
  readonly #slow: SlowSources
  readonly trust: Trust
  /** The connections, those first that are given back last. */
  readonly #order: number[]
  #change = deferred<undefined>()
  #pauses = 0
  #failure: { readonly reason: unknown } | undefined

  constructor(options: CrewOptions) {
    this.#options = options
    this.#board = options.board
    this.#slow = new SlowSources(() => performance.now())
    const { board, sources, roster, file, tally, context } = options
    this.trust = new Trust({
      ...{ board, sources, roster, file, tally, context, signal: this.#stop.signal },
      onGivenUp: () => {
        this.#wake()
        return options.onGivenUp()
      },
    })
    this.#order = Array.from({ length: options.connections }, (_, connection) => connection)
  }

  /** Throws the first failure that stopped the crew. */
  throwIfFailed(): void {
    if (this.#failure !== undefined && !this.#board.isDone) throw this.#failure.reason
  }

  /** Ends every worker, unless all is done. */
  stop(reason: unknown): void {
    this.#failure ??= { reason }
    this.#halt(reason)
  }

  /** The transfer was paused, or goes on. */
  gateChanged(): void {
    if (this.#isPaused) {
      this.#pauses += 1
      this.#options.controller?.interrupted()
      for (const { controller } of this.#turns) controller.abort(new Interruption('paused'))
      for (const { kept } of this.#options.sources) kept.release()
      this.#tellIfQuiet()
    }
    this.#wake()
  }

  /** A source has joined, or was dropped. */
  rosterChanged(): void {
    const { roster } = this.#options
    for (const { connection, source, controller } of this.#turns) {
      if (roster.sourceOf(connection) !== source) controller.abort(new Interruption('moved'))
    }
    this.#wake()
  }

  /** Whoever is parked looks again: speeds have changed. */
  look(): void {
    const { paces, roster } = this.#options
    paces.look()
    this.#rotateAged()
    this.#freeStuck()
    if (roster.live.length > 1) this.#dropSlow()
    this.#wake()
  }

  /** As many workers as are of use. */
  adjust(): void {
    const { controller, context, paces, roster, size } = this.#options
    const { meter } = context
    if (controller === undefined || this.#isPaused) return
    const before = controller.wanted
    controller.limit(roster.live.reduce((sum, { place }) => sum + place.pool.ceiling, 0))
    controller.look({
      now: performance.now(),
      // Bytes that were given up have been received, too.
      bytes: meter.bytes + meter.refetchedBytes,
      speeds: this.#atWork.flatMap(({ job, isFlowing }) =>
        isFlowing && job !== undefined ? [paces.currentSpeedOf(job) ?? 0] : [],
      ),
      startSeconds: paces.typical.startSeconds,
      left: (size ?? Infinity) - meter.bytes,
    })
    if (controller.wanted < before) this.#giveBack()
    else if (controller.wanted > before) this.#wake()
  }

  /** One worker, until all is done. Never rejects; when it resolves, none of its leases or writes is left. */
  async work(connection: number): Promise<void> {
    const { roster, size, context } = this.#options
    let hasBegun = false
    try {
      while (!this.#board.isDone) {
        this.#stop.signal.throwIfAborted()
        if (!this.#isEmployed(connection)) roster.leave(connection)
        if (!this.#isEmployed(connection) || !this.#hasWork) {
          await this.#parked()
          continue
        }
        const source = roster.sourceOf(connection)
        const turn = newTurn(connection, source, size)
        await this.#take(turn, () => {
          if (!hasBegun) context.emit('connection', { type: 'open', connection, error: undefined })
          hasBegun = true
        })
        if (turn.isLast) return roster.leave(connection)
      }
    } catch (error) {
      // Once all is done, nobody needs the session that this worker was waiting for.
      if (!this.#board.isDone) this.stop(error)
    }
  }

  /** Until something changes; speeds do so a few times a second. */
  #parked(): Promise<undefined> {
    return waitOrAbort(this.#change.promise, this.#stop.signal)
  }

  get #isPaused(): boolean {
    return this.#options.context.gate.isClosed
  }

  #isEmployed(connection: number): boolean {
    const { controller, connections } = this.#options
    return !this.#isPaused && this.#order.indexOf(connection) < (controller?.wanted ?? connections)
  }

  /** How many have nothing to do, or are on their way to it. */
  get #idle(): number {
    const { controller, connections } = this.#options
    return Math.max(1, (controller?.wanted ?? connections) - this.#atWork.length)
  }

  get #hasWork(): boolean {
    return this.#board.hasWork(this.#options.paces.typical, this.#idle - 1)
  }

  get #atWork(): readonly Turn[] {
    return [...this.#turns].filter(({ job }) => job !== undefined)
  }

  /** The fastest stay. */
  #giveBack(): void {
    const { paces } = this.#options
    const speedOf = ({ job, connection }: Turn): [number, number] => [
      connection,
      (job && paces.currentSpeedOf(job)) ?? 0,
    ]
    const speeds = new Map([...this.#turns].map(speedOf))
    this.#order.sort((a, b) => (speeds.get(b) ?? -1) - (speeds.get(a) ?? -1))
    for (const { connection, controller } of this.#turns) {
      if (!this.#isEmployed(connection)) controller.abort(new Interruption('given back'))
    }
  }

  async #take(turn: Turn, begins: () => void): Promise<void> {
    this.#turns.add(turn)
    try {
      const lease = await this.#borrow(turn)
      if (lease === undefined) return
      begins()
      await this.#rest(turn, await this.#workWith(turn, lease))
    } finally {
      this.#turns.delete(turn)
      this.#tellIfQuiet()
    }
  }

  /**
   * A session, however often the server has to be asked; none if the turn is over meanwhile, or if the others have
   * to do without this worker.
   */
  async #borrow(turn: Turn): Promise<Lease<Session> | undefined> {
    const { context } = this.#options
    const { signal } = turn.controller
    for (;;) {
      try {
        return await turn.source.acquire(signal)
      } catch (error) {
        this.#stop.signal.throwIfAborted()
        if (signal.aborted) return undefined
        const delayMs = this.#delayBeforeLogin(turn, error)
        if (delayMs === undefined) return undefined
        context.emit('retry', { attempt: turn.budget.failures, delayMs, error })
        await this.#rest(turn, delayMs)
      }
    }
  }

  /** One that cannot log in does not end what others are doing well. */
  #delayBeforeLogin(turn: Turn, error: unknown): number | undefined {
    const { context } = this.#options
    try {
      return this.#delayAfter(turn, turn.budget, error, context.meter.bytes)
    } catch (failure) {
      const isAlone = this.#atWork.length === 0
      if (isAlone) throw failure
      context.emit('connection', { type: 'refused', connection: undefined, error })
      turn.isLast = true
      return undefined
    }
  }

  /**
   * How long to wait after a failure; nothing if the source was dropped for it. Throws `error` where neither waiting
   * nor another source helps.
   */
  #delayAfter({ source }: Turn, budget: RetryBudget, error: unknown, bytes: number): number | undefined {
    const { roster, size } = this.#options
    if (source.dropped !== undefined) return undefined
    // The other sources could not mend these either.
    if (!(error instanceof FtpError) || error.code === 'ERR_FTP_LOCAL_FILE') throw error
    if (!roster.hasOther(source)) return budget.delayAfter(error, bytes)
    const policy = { ...source.place.retry, attempts: MIRROR_ATTEMPTS }
    const patience = this.#patience.get(source) ?? new RetryBudget(policy, size, Math.random)
    this.#patience.set(source, patience)
    try {
      return patience.delayAfter(error, this.#board.bytesOf(source))
    } catch {
      roster.drop(source, 'failed', error)
      return undefined
    }
  }

  /** Waits before the next attempt; what ends the turn ends the wait. */
  async #rest(turn: Turn, ms: number): Promise<void> {
    if (ms === 0) return
    await delay(ms, turn.controller.signal).catch(() => this.#stop.signal.throwIfAborted())
  }

  /** One segment, or a part of one. Gives the milliseconds to wait before the next; throws what cannot be mended. */
  async #workWith(turn: Turn, lease: Lease<Session>): Promise<number> {
    const { paces } = this.#options
    const isOver = turn.controller.signal.aborted || this.#stop.signal.aborted
    const found = isOver ? undefined : this.#board.take(paces.of(lease.value), turn.source, this.#idle - 1)
    if (found === undefined || 'rob' in found) {
      lease.release()
      // Its worker puts it back, and whoever is parked takes it up.
      if (found !== undefined) this.#rob(found.rob)
      if (!isOver) await this.#parked()
      return 0
    }
    const { job, from } = found
    if (from !== undefined) this.#tell('split', turn.connection, job, 0)
    return this.#attemptAll(turn, lease, job)
  }

  /** An attempt, and those of the sessions that take over from it. */
  async #attemptAll(turn: Turn, lease: Lease<Session>, job: SegmentJob): Promise<number> {
    turn.lease = lease
    const delayMs = await this.#attempt(turn, lease, job)
    return Math.max(delayMs, (await turn.successor) ?? 0)
  }

  /** One that stands still behind the end of its segment, where there is nothing left to steal, begins anew there. */
  #freeStuck(): void {
    for (const { job } of this.#atWork) {
      if (job === undefined || job.arrived < job.end || job.isLast) continue
      const { paces } = this.#options
      if (paces.standsStill(job, STUCK_MS) || paces.speedOf(job) === 0) this.#rob(job)
    }
  }

  /** Sessions that are due are replaced while they work, so that nothing waits for a login. */
  #rotateAged(): void {
    if (!this.#options.continues || this.#isPaused) return
    for (const turn of this.#atWork) {
      const { lease, source, isFlowing, successor } = turn
      if (lease === undefined || !isFlowing || successor !== undefined) continue
      if (!source.place.pool.isAged(lease) || this.#handoverOf(turn) === undefined) continue
      turn.successor = this.#rotate(turn, lease).catch((error: unknown) => {
        this.stop(error)
        return 0
      })
    }
  }

  async #rotate(turn: Turn, lease: Lease<Session>): Promise<number> {
    const { connection, source, controller } = turn
    const { emit } = this.#options.context
    let fresh: Lease<Session>
    try {
      fresh = await source.place.pool.replace(lease, controller.signal)
    } catch (error) {
      // The old one goes on; it is tried again later.
      turn.successor = undefined
      if (!controller.signal.aborted) emit('connection', { type: 'refused', connection, error })
      return 0
    }
    const at = controller.signal.aborted ? undefined : this.#handoverOf(turn)
    if (turn.job === undefined || at === undefined) {
      fresh.release()
      return 0
    }
    const next = newTurn(connection, source, this.#options.size)
    const job = this.#board.split(turn.job, at, source)
    emit('connection', { type: 'rotate', connection, error: undefined })
    this.#turns.add(next)
    try {
      return await this.#attemptAll(next, fresh, job)
    } finally {
      this.#turns.delete(next)
      this.#tellIfQuiet()
    }
  }

  /** Where a new session takes over: far enough ahead that it has begun when the old one comes there. */
  #handoverOf({ job, lease }: Turn): number | undefined {
    const { paces } = this.#options
    const speed = job && paces.speedOf(job)
    if (job === undefined || lease === undefined || speed === undefined || speed === 0) return undefined
    const at =
      job.arrived + Math.ceil(speed * paces.of(lease.value).startSeconds * HANDOVER_STARTS) + HANDOVER_BYTES
    return job.end - at >= HANDOVER_BYTES ? at : undefined
  }

  /** A few times: where every start takes so long, robbing it helps nobody. */
  #rob(job: SegmentJob): void {
    if (job.robberies >= MOST_ROBBERIES) return
    job.robberies += 1
    const turn = [...this.#turns].find((one) => one.job === job)
    turn?.controller.abort(new Interruption('robbed'))
  }

  async #attempt(turn: Turn, lease: Lease<Session>, first: SegmentJob): Promise<number> {
    const { context, paces } = this.#options
    const steps = new Steps(first)
    context.meter.connectionStarted()
    this.#tell('start', turn.connection, first, 0)
    paces.began(first, lease.value)
    turn.job = first
    let result: FetchResult
    try {
      result = await this.#fetch(turn, lease.value, steps).finally(() => {
        // Before the lease ends, since the next worker begins the moment it does.
        context.meter.connectionEnded()
        paces.ended(steps.job, lease.value)
        turn.job = undefined
        turn.isFlowing = false
      })
    } catch (error) {
      // One that stood still would be the next that is lent, and stand still again.
      if (error instanceof Interruption && error.why === 'robbed') lease.discard(error)
      else endLease(lease, error)
      await steps.passed
      return await this.#failed(turn, steps.job, error)
    }
    if (this.#board.unfinished === 1) turn.source.kept.keep(lease)
    else lease.release()
    const { job } = steps
    context.meter.overfetched(result.excessBytes)
    this.#tell('finish', turn.connection, job, steps.bytesOf(job), result)
    await steps.passed
    await this.#finished(job)
    return 0
  }

  async #fetch(turn: Turn, session: Session, steps: Steps): Promise<FetchResult> {
    const { source, controller, connection } = turn
    const { file, paces, context, type, size, tally } = this.#options
    const { remote: path, shownPath, limit } = source.place
    const fetched: FetchSource = { path, shownPath, type, size }
    const stopListening = onAbort(this.#stop.signal, (reason) => controller.abort(reason))
    try {
      return await fetchSegment(session, steps.job, fetched, file, {
        signal: controller.signal,
        onFirstByte: () => {
          paces.firstByte(steps.job)
          turn.isFlowing = true
        },
        onSecured: (tls) => tally.add(tls),
        limits: [context.limit, limit],
        goOn: (from) => this.#goOn(turn, session, steps, from),
        onPassed: (job) => {
          this.#tell('finish', connection, job, steps.bytesOf(job))
          steps.isPassing(this.#finished(job).catch((error: unknown) => this.stop(error)))
        },
      })
    } finally {
      stopListening()
    }
  }

  /** What is missing a little further on, when that is sooner reached by the connection that runs than by a new one. */
  #goOn(turn: Turn, session: Session, steps: Steps, from: number): SegmentJob | undefined {
    const { paces, context, continues } = this.#options
    const { job } = steps
    const isOver =
      turn.controller.signal.aborted || turn.successor !== undefined || job.isGivenUp || job.isLeft
    if (isOver || !continues || !paces.isKnown || !this.#isEmployed(turn.connection)) return undefined
    const known = paces.of(session)
    if (known.startSeconds < LEAST_START_SECONDS) return undefined
    const pace: Pace = { ...known, bytesPerSecond: paces.speedOf(job) ?? known.bytesPerSecond }
    const end = job.end
    const next = this.#board.goOn(job, from, pace, paces.typical, turn.source)
    if (next === undefined) return undefined
    this.#tell('split', turn.connection, { position: end, start: end, end: next.end }, 0)
    if (next === job) return job
    paces.wentOn(job, next, session)
    context.meter.overfetched(next.position - end)
    steps.goOnWith(next)
    turn.job = next
    this.#tell('start', turn.connection, next, 0)
    return next
  }

  async #finished(job: SegmentJob): Promise<void> {
    // A server that starts at the wrong place shows at the first seam, long before the end.
    await this.trust.compare()
    this.#board.finished(job)
    this.#board.settle()
    if (this.#board.isDone) this.#halt(new Error('every segment is done'))
    else this.#wake()
  }

  async #failed(turn: Turn, job: SegmentJob, error: unknown): Promise<number> {
    if (this.#stop.signal.aborted) throw error
    if (error instanceof Interruption) return this.#interrupted(turn, job, error)
    const { emit } = this.#options.context
    emit('connection', { type: 'lost', connection: turn.connection, error })
    if (await this.trust.isMirrorsFault(turn.source, error)) {
      this.#putBack(job)
      return 0
    }
    const delayMs = this.#delayAfter(turn, job.retries, error, job.arrived - job.start)
    if (delayMs !== undefined) emit('retry', { attempt: job.retries.failures, delayMs, error })
    if (delayMs !== undefined && !this.#options.roster.hasOther(turn.source)) {
      return this.#again(turn, job, error, delayMs)
    }
    // The others need not wait for it.
    this.#putBack(job)
    return delayMs ?? 0
  }

  async #interrupted(turn: Turn, job: SegmentJob, why: Interruption): Promise<number> {
    if (!this.#options.continues) return this.#again(turn, job, why, 0)
    if (why.why !== 'robbed' || job.isGivenUp) {
      this.#putBack(job)
      return 0
    }
    this.#board.putBackShared(job, this.#idle)
    this.#wake()
    return ROBBED_WAITS_MS
  }

  async #again(turn: Turn, job: SegmentJob, error: unknown, delayMs: number): Promise<number> {
    if (!this.#options.continues) await this.#beginAnew(job, error)
    // Until then it is nobody's: idle connections would spend its retries in a moment.
    await this.#rest(turn, delayMs)
    this.#putBack(job)
    return 0
  }

  #putBack(job: SegmentJob): void {
    this.#board.putBack(job)
    this.#wake()
  }

  async #beginAnew(job: SegmentJob, error: unknown): Promise<void> {
    const { meter, emit } = this.#options.context
    await this.#options.mayClear()
    await this.#options.file.clear()
    const given = job.position - job.start
    if (given === 0) return
    meter.givenUp(given)
    const end = job.position
    job.position = job.start
    emit('restart', { start: job.start, end, reason: (error as Error).message })
  }

  #dropSlow(): void {
    const { roster, paces } = this.#options
    const working = [...this.#turns].flatMap(({ source, job }) =>
      job === undefined ? [] : [{ source, bytesPerSecond: paces.speedOf(job) }],
    )
    const slow = this.#slow.look(working)
    if (slow === undefined) return
    roster.drop(slow, 'slow', undefined)
  }

  #halt(reason: unknown): void {
    this.#stop.abort(reason)
    for (const { controller } of this.#turns) controller.abort(reason)
    this.#wake()
  }

  #wake(): void {
    const change = this.#change
    this.#change = deferred()
    change.resolve(undefined)
  }

  #tellIfQuiet(): void {
    if (this.#turns.size > 0 || !this.#isPaused || this.#stop.signal.aborted) return
    const pauses = this.#pauses
    const isStill = (): boolean => pauses === this.#pauses && this.#turns.size === 0
    this.#options.onPaused(isStill).catch((error: unknown) => this.stop(error))
  }

  #tell(
    type: 'start' | 'split' | 'finish',
    connection: number,
    { position, start, end }: Pick<SegmentJob, 'position' | 'start' | 'end'>,
    bytes: number,
    result?: FetchResult,
  ): void {
    const at = type === 'finish' ? position - bytes : type === 'split' ? start : position
    this.#options.context.emit('segment', { type, connection, start: at, end, bytes, tls: result?.tls })
  }
}
