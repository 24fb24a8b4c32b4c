/**
 * A mirror from the first listing to the last deletion.
 *
 *   directory ─► both sides listed ─► diff ─► actions ─┬─► directories made, and listed in turn
 *                                                      ├─► small files   one behind the other, on sessions held
 *                                                      ├─► large files   in segments, the largest first
 *                                                      └─► what is extra ──► last of all, if all was listed
 *
 * Files are under way while the walk goes on. It stops ahead when too many wait.
 */
import type { RetryPolicy } from '../operations/retry.ts'
import { withSession } from '../operations/with-session.ts'
import { AskedCount } from '../segmented/asked-count.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort, type Disposer } from '../util/abort.ts'
import { deferred } from '../util/deferred.ts'
import type { Action, LinkAction } from './action.ts'
import { Balance } from './balance.ts'
import { Directories, type Surroundings } from './directories.ts'
import type { Direction } from './direction.ts'
import { Extra } from './extra.ts'
import { Files } from './files.ts'
import { Lanes } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { MirrorFailure, MirrorResult } from './mirror-result.ts'
import type { SessionBudget } from './session-budget.ts'
import { Tally } from './tally.ts'

/** So many files wait before the walk does. */
const BACKLOG = 5_000
/** So many directories for each session: one that is being listed, and one that is next. */
const LISTED_AHEAD = 2
/** What a file costs beside its bytes, in bytes: as much as comes in the round trips that it takes. */
const FILE_WORTH_BYTES = 65_536
/** With `'auto'`: where there are many files, twice what one download begins with is soon of use. */
const FIRST_CONNECTIONS = 8
const LOOK_EVERY_MS = 100
const BALANCE_EVERY_MS = 500

const NOWHERE: Surroundings = { isExtra: false, blocked: new Set() }

export interface MirrorRunOptions {
  readonly direction: Direction
  /** Of the whole mirror. */
  readonly sessions: SessionBudget
  /** Of its large files: what those of the small ones leave. */
  readonly largeSessions: SessionBudget
  readonly retry: RetryPolicy
  readonly settings: MirrorSettings
  readonly context: TransferContext
  /** What is to be done, in place of what a walk finds. */
  readonly actions?: readonly Action[] | undefined
}

export class MirrorRun {
  readonly #options: MirrorRunOptions
  readonly #tally: Tally
  readonly #lanes: Lanes
  readonly #directories: Directories
  readonly #files: Files
  readonly #extra: Extra
  readonly #balance = new Balance()
  /** Whether there are both small and large files. */
  #isMixed = false
  #linksUnderWay = 0
  #stopped: { readonly reason: unknown } | undefined
  #end = deferred<undefined>()

  constructor(options: MirrorRunOptions) {
    const { sessions, retry, context, direction, settings } = options
    const { signal } = context
    const onProgress = (): void => this.#look()
    const onFailure = (error: unknown): void => this.#stop(error)
    const onFailed = (failure: MirrorFailure): void => this.#failed(failure)
    const tally = new Tally(context.emit)
    const lanes = new Lanes(
      {
        ...{ sessions, retry, signal, onProgress, onFailure },
        onLeave: (held) => direction.leave(held),
        onLost: (session, reason) => direction.lost(session, reason),
        onRetry: (event) => context.emit('retry', event),
      },
      sessions.size,
    )
    const extra = new Extra({
      ...{ direction, settings, signal, atOnce: () => sessions.size },
      isStopped: () => this.#stopped !== undefined,
      onDeleted: (path) => tally.deleted(path),
      onFailed: (path, action, error) => this.#failed({ path, action, error }),
    })
    const shared = { direction, settings, context, lanes, tally, onFailed, onProgress, onFailure }
    this.#directories = new Directories({
      ...{ ...shared, extra },
      onAction: (action, surroundings) => this.#take(action, surroundings),
    })
    this.#files = new Files({
      ...{ ...shared, atOnce: () => sessions.size },
      onSettled: (action) => this.#take(action, NOWHERE),
    })
    this.#options = options
    this.#tally = tally
    this.#lanes = lanes
    this.#extra = extra
  }

  async run(): Promise<MirrorResult> {
    const { context, direction, sessions, retry, actions } = this.#options
    const { signal } = context
    context.enter('connecting')
    context.meter.segments = () => [{ start: 0, end: Infinity, arrived: this.#bytesArrived }]
    context.meter.files = () => this.#tally.files
    const { lease, value: root } = await withSession(sessions, { signal, retry }, (session) =>
      direction.open(session),
    )
    lease.release()
    context.enter('transferring')
    const stopWatching = context.gate.onChange(() => this.#gateChanged())
    const stopListening = onAbort(signal, (reason) => this.#stop(reason))
    const stopCounting = this.#countConnections()
    const balancing = setInterval(() => this.#rebalance(), BALANCE_EVERY_MS).unref()
    try {
      this.#gateChanged()
      if (actions === undefined) this.#directories.enterRoot(root)
      else for (const action of actions) this.#take(action, NOWHERE)
      context.meter.total = this.#tally.bytesFound
      await this.#settled()
      await this.#extra.delete()
      await this.#settled()
      return this.#result()
    } finally {
      stopWatching()
      stopListening()
      stopCounting()
      clearInterval(balancing)
      this.#lanes.isClosed = true
      const cancelled = this.#files.cancel(signal.aborted ? signal.reason : new Error('The mirror has ended'))
      await this.#lanes.idle()
      await cancelled
    }
  }

  get #bytesArrived(): number {
    return this.#tally.bytesDone + this.#files.bytesUnderWay
  }

  /** Until all that is known is done; rejects with what ends the work. */
  async #settled(): Promise<void> {
    const end = deferred<undefined>()
    end.promise.catch(() => {})
    this.#end = end
    this.#options.context.signal.throwIfAborted()
    if (this.#stopped !== undefined) throw this.#stopped.reason
    this.#look()
    await end.promise
  }

  /** Something has ended, or come to be known. */
  #look(): void {
    const [lanes, directories, files] = [this.#lanes, this.#directories, this.#files]
    const isLaneWork = !directories.isIdle || !lanes.isIdle || lanes.pending > 0
    const hasSmall = isLaneWork || files.hasSingle || this.#linksUnderWay > 0
    const { hasLarge } = files
    this.#isMixed = hasSmall && hasLarge
    this.#share(hasSmall, hasLarge)
    const most = this.#options.sessions.size * LISTED_AHEAD
    const isAhead = (): boolean => lanes.backlog + files.waiting >= BACKLOG || directories.underWay >= most
    while (directories.hasWaiting && !isAhead()) directories.listNext()
    const mayStart = !this.#isHeld && this.#stopped === undefined
    if (mayStart) files.start()
    if (!hasSmall && !hasLarge && mayStart) this.#end.resolve(undefined)
    this.#restIfPaused()
  }

  /** Among small and large files. */
  #share(hasSmall: boolean, hasLarge: boolean): void {
    const { sessions, largeSessions } = this.#options
    const forLarge = this.#balance.largeOf(sessions.size)
    this.#lanes.most = hasLarge ? Math.max(1, sessions.size - forLarge) : sessions.size
    largeSessions.size = hasSmall ? forLarge : sessions.size
    this.#files.sessionsForLarge = largeSessions.size
  }

  #rebalance(): void {
    if (!this.#isMixed || this.#isHeld) return this.#balance.interrupted()
    const { small, large } = this.#files
    this.#balance.look({ now: performance.now(), small, large }, this.#options.sessions.size)
    this.#look()
  }

  /** As many as are asked for; with `'auto'`, as bring more, by the controller that downloads use. */
  #countConnections(): Disposer {
    const { sessions, context } = this.#options
    const controller = new AskedCount(context.connections, { first: FIRST_CONNECTIONS })
    sessions.size = controller.wanted
    const timer = setInterval(() => {
      if (this.#isHeld) return controller.interrupted()
      controller.limit(sessions.poolCeiling)
      const bytes = this.#bytesArrived
      const left = this.#lanes.backlog * FILE_WORTH_BYTES + this.#tally.bytesFound - bytes
      sessions.size = controller.look({
        now: performance.now(),
        bytes: (this.#tally.filesDone + this.#directories.done) * FILE_WORTH_BYTES + bytes,
        speeds: Array.from({ length: sessions.used }, () => 1),
        startSeconds: sessions.startSeconds,
        left: this.#directories.isIdle ? left : Infinity,
      })
      this.#look()
    }, LOOK_EVERY_MS).unref()
    return () => clearInterval(timer)
  }

  #take(action: Action, { isExtra, blocked }: Surroundings): void {
    const { path } = action
    switch (action.type) {
      case 'transfer':
      case 'compare-checksum':
        return this.#orBehindDeletions(path, blocked, () => this.#files.add(action))
      case 'link':
        return this.#orBehindDeletions(path, blocked, () => this.#link(action))
      case 'make-directory':
        return
      case 'equal':
        if (action.rule !== 'directory') this.#tally.equal(path)
        return
      case 'skip':
        if (isExtra) this.#extra.stays(path)
        return this.#tally.skipped(path)
      case 'refuse':
        if (isExtra) this.#extra.stays(path)
        return this.#failed({ path, action: 'refuse', error: action.error })
      case 'delete':
        this.#extra.add(action)
        if (action.isTree) this.#directories.enterExtra(path)
        return
      default:
        return action satisfies never
    }
  }

  #orBehindDeletions(path: string, blocked: ReadonlySet<string>, work: () => void): void {
    if (blocked.has(path)) this.#extra.behind(path, work)
    else work()
  }

  #link({ path, target }: LinkAction): void {
    const { direction, settings } = this.#options
    if (settings.dryRun) return
    this.#linksUnderWay += 1
    void direction
      .makeLink(path, target)
      .then(
        () => this.#tally.linkMade(path),
        (error: unknown) => this.#failed({ path, action: 'link', error }),
      )
      .finally(() => {
        this.#linksUnderWay -= 1
        this.#look()
      })
  }

  #failed(failure: MirrorFailure): void {
    const { context, settings } = this.#options
    // What fails behind an abort, or behind the end, fails by it.
    if (context.signal.aborted || this.#stopped !== undefined) return
    this.#tally.failed(failure)
    if (settings.onError === 'stop') this.#stop(failure.error)
  }

  /** Ends all that is under way; the mirror rejects with `reason`. */
  #stop(reason: unknown): void {
    this.#stopped ??= { reason }
    this.#lanes.isClosed = true
    this.#end.reject(reason)
  }

  // Pause

  get #isHeld(): boolean {
    return this.#options.context.gate.isClosed
  }

  #gateChanged(): void {
    this.#lanes.isClosed = this.#isHeld
    if (this.#isHeld) this.#files.pause(() => this.#restIfPaused())
    else this.#files.resume()
    this.#look()
  }

  #restIfPaused(): void {
    if (!this.#isHeld || !this.#lanes.isIdle || this.#linksUnderWay > 0 || !this.#files.isPaused) return
    const { context } = this.#options
    context.enter('paused')
    context.gate.rested()
  }

  #result(): MirrorResult {
    const { context, settings } = this.#options
    const { elapsedSeconds, averageBytesPerSecond } = context.meter.snapshot()
    return {
      ...this.#tally.counts,
      ...{ bytes: this.#tally.bytesDone, elapsedSeconds, averageBytesPerSecond },
      connections: context.meter.mostConnections,
      failures: this.#tally.failures,
      plan: settings.dryRun ? this.#directories.plan : undefined,
    }
  }
}
