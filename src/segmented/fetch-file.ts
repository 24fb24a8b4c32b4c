/**
 * Every byte of one file into its part file, and the checks behind it: again from other sources, or from 0, as
 * long as something can be mended that way.
 */
import { FtpError, FtpTransferError } from '../errors.ts'
import type { LockFile } from '../local/lock-file.ts'
import { strongestShared, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { checksumOf } from '../session/checksum.ts'
import { sizeAndModificationTime, type FileFacts } from '../session/facts.ts'
import { TRANSFER_TYPES, type Session } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort } from '../util/abort.ts'
import { Board } from './board.ts'
import { AskedCount } from './asked-count.ts'
import type { ConnectionCount } from './controller.ts'
import type { DownloadResult, MatchedChecksum, VerifiedState } from './download-result.ts'
import { fetchAll } from './fetch-all.ts'
import { MIRROR_ATTEMPTS, type Gathered } from './gather.ts'
import { giveUp } from './give-up.ts'
import { SegmentJob } from './job.ts'
import type { DownloadSettings } from './options.ts'
import { Paces } from './pace.ts'
import { planGaps, type Segment } from './plan.ts'
import { coveredBytes, gapsIn, type ByteRange } from './ranges.ts'
import { isRestartTrouble, RestartDistrusted, ResumeDistrusted } from './restart.ts'
import { RetryBudget } from '../operations/retry.ts'
import { Roster } from './roster.ts'
import { OVERLAP_BYTES } from './segment-writer.ts'
import { expectUnchanged } from './source-facts.ts'
import type { Source } from './source.ts'
import { TlsTally } from './tls-tally.ts'
import { verifyChecksum, type ChecksumResult, type ServerChecksum } from './verify-checksum.ts'
import { lostLock, type Workplace } from './workplace.ts'

export interface FileFetchOptions {
  /** All of them, in the order of the call. */
  readonly sources: readonly Source[]
  readonly gathered: Gathered
  readonly settings: DownloadSettings
  /** Who says how many connections there are, up to those of the settings. */
  readonly count: ConnectionCount | undefined
  readonly context: TransferContext
  readonly place: Workplace
  readonly lock: LockFile
}

export type Checks = Pick<DownloadResult, 'verified' | 'checksum'>

/** What is compared where nothing but the bytes themselves vouches for them: no time, or another source. */
const LONG_OVERLAP_BYTES = 65_536

export class FileFetch {
  readonly #options: FileFetchOptions
  readonly #before: FileFacts
  readonly #tally = new TlsTally()
  readonly #paces = new Paces(() => performance.now())
  /** Those that the checksum has shown to send another file, and those that were tried by themselves. */
  readonly #triedAlone = new Set<Source>()
  #roster: Roster
  #board: Board | undefined

  constructor(options: FileFetchOptions) {
    this.#options = options
    this.#roster = options.gathered.roster
    this.#before = options.gathered.reference.facts
    const { meter } = options.context
    meter.total = this.#before.size
    meter.segments = () => this.#board?.segments ?? []
  }

  /** Resolves when the part file is whole and has passed every check. */
  async run(): Promise<{ readonly bytes: number; readonly checks: Checks }> {
    const { context } = this.#options
    let bytes = await this.#fetch()
    for (;;) {
      context.enter('verifying')
      const checks = await this.#verify()
      if (checks !== undefined) return { bytes, checks }
      context.enter('transferring')
      bytes = await this.#fetchRest()
    }
  }

  result(path: string, bytes: number, checks: Checks): DownloadResult {
    const { context, sources } = this.#options
    const { meter } = context
    const { elapsedSeconds, averageBytesPerSecond } = meter.snapshot()
    return {
      path,
      bytes,
      resumedBytes: meter.resumedBytes,
      refetchedBytes: meter.refetchedBytes,
      overfetchedBytes: meter.overfetchedBytes,
      skipped: false,
      elapsedSeconds,
      averageBytesPerSecond,
      connections: meter.mostConnections,
      tls: this.#tally.result(),
      ...checks,
      sources: sources.map((source) => ({
        url: source.url,
        bytes: this.#board?.bytesOf(source) ?? 0,
        dropped: source.dropped,
      })),
    }
  }

  async #fetch(): Promise<number> {
    const { place } = this.#options
    if (this.#dropUnable()) {
      const resumed = this.#trusted(place.resumed)
      for (const done of resumed.length > 0 ? [resumed, []] : [[]]) {
        try {
          return await this.#fetchMissing(done)
        } catch (error) {
          const source = this.#onlySource()
          await this.#mend(error, source, done.length > 0)
          // For this client's further files, too. A refusal of one file or moment says nothing of the next.
          if (error instanceof RestartDistrusted && done.length === 0 && source.profile) {
            source.profile.restart = 'unusable'
          }
        }
      }
    }
    if (place.resumed.length > 0 && this.#board === undefined) await this.#clear()
    return this.#fetchFromZero()
  }

  /** Leaves the sources that can start in the middle of the file, if there is one. */
  #dropUnable(): boolean {
    const isAble = this.#roster.live.some(({ canContinue }) => canContinue)
    if (!isAble) return false
    for (const source of this.#roster.live) {
      if (!source.canContinue) this.#roster.drop(source, 'failed', new RestartDistrusted('it refuses REST'))
    }
    return true
  }

  #onlySource(): Source {
    const [source] = this.#roster.live
    if (source === undefined) throw new Error('There is no source')
    return source
  }

  /** By one connection from one source, and if that fails from the next. */
  async #fetchFromZero(): Promise<number> {
    for (;;) {
      const source = this.#onlySource()
      try {
        return await this.#fetchAll(1, undefined, new Roster([source], () => {}))
      } catch (error) {
        const failure = await this.#explainedByChange(error, source)
        const isLocal = !(failure instanceof FtpError) || failure.code === 'ERR_FTP_LOCAL_FILE'
        if (isLocal || !this.#roster.drop(source, 'failed', failure)) throw failure
        await this.#beginAnew(failure)
      }
    }
  }

  async #explainedByChange(error: unknown, source: Source): Promise<unknown> {
    try {
      await this.#askAgain(error, source)
      return error instanceof RestartDistrusted ? this.#sizeMismatch(source, error) : error
    } catch (changed) {
      return changed
    }
  }

  /** Where no time vouches for a source whose bytes are all there, its last ones are fetched again. */
  #trusted(resumed: readonly ByteRange[]): readonly ByteRange[] {
    const { size = 0, modified } = this.#before
    if (modified !== undefined || coveredBytes(resumed) < size) return resumed
    return [{ start: 0, end: Math.max(0, size - LONG_OVERLAP_BYTES) }]
  }

  /** Begins anew, if that is of use after `error`; throws it otherwise. */
  async #mend(error: unknown, source: Source, wasResumed: boolean): Promise<void> {
    await this.#askAgain(error, source)
    if (!isRestartTrouble(error) && !(wasResumed && error instanceof ResumeDistrusted)) throw error
    await this.#beginAnew(error)
  }

  /** What came does not fit what was said: a source that has changed says why. */
  async #askAgain(error: unknown, source: Source): Promise<void> {
    const isTruncated = error instanceof FtpTransferError && error.code === 'ERR_FTP_TRUNCATED'
    if (isTruncated || isRestartTrouble(error)) await this.#expectUnchanged(source)
  }

  /**
   * Whether the file is the right one: SIZE and MDTM again, and the checksum. Nothing, if one of several sources
   * turned out wrong and what it brought has to be fetched again.
   */
  async #verify(): Promise<Checks | undefined> {
    const { emit } = this.#options.context
    const after = await this.#expectAllUnchangedAndSync()
    if (after === undefined) return undefined
    const { verifySize, verifyModified } = this.#options.settings
    const size = this.#stateOf(verifySize, 'size', after)
    const modified = this.#stateOf(verifyModified, 'modified', after)
    const checksum = await this.#verifyChecksum()
    if (checksum === undefined) return undefined
    emit('verify', { check: 'size', outcome: size })
    emit('verify', { check: 'modified', outcome: modified })
    emit('verify', { check: 'checksum', outcome: checksum.state })
    return { verified: { size, modified, checksum: checksum.state }, checksum: matched(checksum) }
  }

  #stateOf(
    isAsked: boolean,
    name: keyof FileFacts,
    after: readonly (FileFacts | undefined)[],
  ): VerifiedState {
    if (!isAsked) return 'not asked'
    // An empty file has a size, too.
    const isKnown = this.#before[name] !== undefined && after.some((facts) => facts?.[name] !== undefined)
    return isKnown ? 'matched' : 'unavailable'
  }

  /** The answers take round trips, and the disk its time: both at once. */
  async #expectAllUnchangedAndSync(): Promise<readonly (FileFacts | undefined)[] | undefined> {
    // A failure is told once more when the file is published.
    const synced = this.#options.place.file.sync().catch(() => {})
    try {
      return await this.#expectAllUnchanged()
    } finally {
      await synced // The file must not be closed under it.
    }
  }

  /**
   * What those say now that have brought bytes and can still be asked; nothing, if one of them has changed and the
   * others have to make up for it.
   */
  async #expectAllUnchanged(): Promise<readonly (FileFacts | undefined)[] | undefined> {
    const brought = this.#roster.live.filter((source) => (this.#board?.bytesOf(source) ?? 0) > 0)
    const asked = brought.length > 0 ? brought : [this.#onlySource()]
    const answers = await Promise.all(
      asked.map((source) =>
        this.#expectUnchanged(source).then(
          (facts) => ({ source, facts, isFailed: false, reason: undefined as unknown }),
          (reason: unknown) => ({ source, facts: undefined, isFailed: true, reason }),
        ),
      ),
    )
    this.#options.context.signal.throwIfAborted()
    let isGivenUp = false
    for (const { source, reason } of answers.filter(({ isFailed }) => isFailed)) {
      const hasChanged = reason instanceof FtpTransferError
      // Gone since: what it brought was compared with the others' at the seams.
      if (!this.#roster.drop(source, hasChanged ? 'changed' : 'failed', reason)) throw reason
      if (!hasChanged) continue
      await this.#giveUp(source, `${source.url} has changed`)
      isGivenUp = true
    }
    return isGivenUp ? undefined : answers.map(({ facts }) => facts)
  }

  /** Gives what the source says now, if it was asked; throws if that is not what it said before. */
  async #expectUnchanged(source: Source): Promise<FileFacts | undefined> {
    const { settings, context } = this.#options
    const { verifySize, verifyModified } = settings
    if (!verifySize && !verifyModified) return undefined
    const { remote, retry, shownPath } = source.place
    const attempts = this.#roster.hasOther(source) ? MIRROR_ATTEMPTS : retry.attempts
    const ask = (session: Session): Promise<FileFacts> => sizeAndModificationTime(session, remote)
    const { lease, value: after } = await source.ask(context, ask, { ...retry, attempts })
    lease.release()
    const { size, modified } = source.facts
    const compared = { size: verifySize ? size : undefined, modified: verifyModified ? modified : undefined }
    expectUnchanged(compared, after, shownPath)
    return after
  }

  /** Nothing, if the bytes of several sources made a wrong file and one of them is tried by itself. */
  async #verifyChecksum(): Promise<ChecksumResult | undefined> {
    try {
      const { shownPath } = this.#onlySource().place
      const { settings, place, context } = this.#options
      const result = await verifyChecksum({
        settings: settings.checksum,
        file: place.file.path,
        path: shownPath,
        ask: (algorithm) => this.#askChecksum(algorithm),
        signal: context.signal,
      })
      this.#dropOthers()
      return result
    } catch (error) {
      const isWrong = error instanceof FtpTransferError && error.code === 'ERR_FTP_CHECKSUM_MISMATCH'
      if (!isWrong || !(await this.#tryAlone(error))) throw error
      return undefined
    }
  }

  async #askChecksum(algorithm: ChecksumAlgorithm | undefined): Promise<ServerChecksum | undefined> {
    const { signal } = this.#options.context
    const source =
      this.#roster.live.find(({ profile }) => strongestShared(profile?.features ?? NO_FEATURES)) ??
      this.#onlySource()
    const { size } = source.facts
    const { lease, value } = await source.ask(this.#options.context, async (session) => {
      const { features } = session.profile
      const asked = algorithm ?? (features && strongestShared(features))
      const { checksum: timeoutMs } = session.options.timeouts
      const { remote } = source.place
      const sum = asked && (await checksumOf(session, remote, asked, { size, timeoutMs, signal }))
      return asked === undefined || sum === undefined ? undefined : { algorithm: asked, value: sum }
    })
    lease.release()
    return value
  }

  /**
   * The bytes of several sources make a wrong file, and nothing says whose are wrong: each is tried by itself, and
   * keeps what it has brought. Those first that have brought most.
   */
  async #tryAlone(error: FtpTransferError): Promise<boolean> {
    const { gathered, sources } = this.#options
    const board = this.#board
    if (board === undefined || sources.length === 1) return false
    const bytesOf = (source: Source): number => board.bytesOf(source)
    const before = this.#triedAlone.size
    if (before > 0) gathered.roster.drop(this.#onlySource(), 'checksum', error)
    const [next] = gathered.roster.live
      .filter((source) => !this.#triedAlone.has(source))
      .sort((a, b) => bytesOf(b) - bytesOf(a))
    if (next === undefined) return false
    this.#triedAlone.add(next)
    // What it had brought before may have been given up with the rest; it is asked again.
    next.isDistrusted = false
    for (const other of [undefined, ...sources.filter((source) => source !== next)]) {
      if (board.bytesOf(other) > 0) await this.#giveUp(other, error.message)
    }
    for (const { kept } of sources) kept.release()
    this.#roster = new Roster([next], () => {})
    return true
  }

  /** One source has brought the right file by itself: those whose bytes had to go were wrong. */
  #dropOthers(): void {
    if (this.#triedAlone.size === 0) return
    const { gathered } = this.#options
    for (const source of gathered.roster.live) {
      const error = new RestartDistrusted('with its bytes the checksum was another')
      if (source.isDistrusted) gathered.roster.drop(source, 'checksum', error)
    }
  }

  async #giveUp(source: Source | undefined, reason: string): Promise<void> {
    const { context, place } = this.#options
    if (this.#board !== undefined) giveUp(this.#board, source, reason, context)
    await place.checkpoints?.checkpoint()
  }

  /** What has been given up since, or all of it where nothing can start in the middle. */
  #fetchRest(): Promise<number> {
    const board = this.#board
    if (board === undefined || this.#before.size === undefined) return this.#fetchFromZero()
    return this.#work(board, this.#options.settings.maxConnections, true, this.#roster)
  }

  #fetchMissing(done: readonly ByteRange[]): Promise<number> {
    return this.#fetchAll(this.#options.settings.maxConnections, done, this.#roster)
  }

  /** All that is not in `done`; where that is `undefined`, all from 0 on, and nothing can be continued. */
  #fetchAll(connections: number, done: readonly ByteRange[] | undefined, roster: Roster): Promise<number> {
    const { context, count } = this.#options
    const { wanted } = count ?? new AskedCount(context.connections)
    const jobs = this.#plan(Math.min(connections, wanted), done ?? [])
    const board = new Board({
      size: this.#before.size,
      jobs,
      done: done ?? [],
      newBudget: () => this.#newBudget(),
      speedOf: (job) => this.#paces.speedOf(job),
      currentSpeedOf: (job) => this.#paces.currentSpeedOf(job),
    })
    this.#board = board
    this.#options.context.meter.resumed(coveredBytes(done ?? []))
    return this.#work(board, connections, done !== undefined, roster)
  }

  async #work(board: Board, connections: number, continues: boolean, roster: Roster): Promise<number> {
    const { sources, settings, count, context, place, lock } = this.#options
    const { file, checkpoints } = place
    const { size } = this.#before
    const stop = new AbortController()
    const stopFollowing = [
      onAbort(context.signal, (reason) => stop.abort(reason)),
      lock.onLost((error) => stop.abort(error)),
    ]
    const most = Math.min(connections, this.#worthwhile(board.jobs))
    const journal = continues ? checkpoints : undefined
    journal?.start(
      () => board.written,
      (error) => stop.abort(error),
    )
    try {
      await fetchAll({
        ...{ board, paces: this.#paces, sources, roster, size, file, continues, tally: this.#tally },
        connections: most,
        controller: most > 1 ? (count ?? new AskedCount(context.connections, { most })) : undefined,
        type: TRANSFER_TYPES[settings.type],
        context: { ...context, signal: stop.signal },
        onPaused: (isStill) => this.#paused(isStill),
        onGivenUp: async () => journal?.checkpoint(),
        mayClear: () => this.#expectLock(),
      })
    } finally {
      for (const unfollow of stopFollowing) unfollow()
      await checkpoints?.stop()
    }
    return size ?? context.meter.bytes
  }

  /** How many connections the missing bytes are worth. */
  #worthwhile(jobs: readonly SegmentJob[]): number {
    const missing = jobs.reduce((sum, { position, end }) => sum + end - position, 0)
    return Math.max(1, Math.floor(missing / this.#options.settings.minSegmentSize))
  }

  async #paused(isStill: () => boolean): Promise<void> {
    const { context, place } = this.#options
    await place.checkpoints?.checkpoint()
    // Resumed while that was written, and perhaps paused again: then another is on its way.
    if (!context.gate.isClosed || !isStill()) return
    context.enter('paused')
    context.gate.rested()
  }

  #plan(connections: number, done: readonly ByteRange[]): readonly SegmentJob[] {
    const { minSegmentSize } = this.#options.settings
    const { size, modified } = this.#before
    if (size === undefined) return [this.#job({ start: 0, end: Infinity }, 0, OVERLAP_BYTES)]
    const isVouched = modified !== undefined && this.#options.sources.length === 1
    const compared = isVouched ? OVERLAP_BYTES : LONG_OVERLAP_BYTES
    const isPlain = done.length === 0 && this.#options.sources.length === 1
    const gaps = size === 0 ? [{ start: 0, end: 0 }] : gapsIn(done, size)
    return planGaps(gaps, connections, minSegmentSize).map((segment) => {
      const before = done.find(({ end }) => end === segment.start)
      const knownBytes = before === undefined ? 0 : Math.min(compared, before.end - before.start)
      return this.#job(segment, knownBytes, isPlain ? OVERLAP_BYTES : compared)
    })
  }

  #job(segment: Segment, knownBytes: number, overlapLimit: number): SegmentJob {
    const { size, modified } = this.#before
    const repeatedBytes = modified === undefined ? LONG_OVERLAP_BYTES : OVERLAP_BYTES
    const retries = this.#newBudget()
    return new SegmentJob({ ...segment, size, retries, knownBytes, overlapLimit, repeatedBytes })
  }

  #newBudget(): RetryBudget {
    const { retry } = this.#options.gathered.reference.place
    return new RetryBudget(retry, this.#before.size, Math.random)
  }

  async #beginAnew(reason: unknown): Promise<void> {
    const { meter, emit } = this.#options.context
    const given = meter.bytes - meter.resumedBytes
    await this.#clear()
    meter.givenUp(given)
    meter.resumed(0)
    this.#board = undefined
    const message = reason instanceof Error ? reason.message : String(reason)
    emit('restart', { start: 0, end: this.#before.size ?? 0, reason: message })
  }

  async #clear(): Promise<void> {
    await this.#expectLock()
    // First the claim, then the bytes: killed in between, the next run begins at 0 too.
    await this.#options.place.checkpoints?.forget()
    await this.#options.place.file.clear()
  }

  async #expectLock(): Promise<void> {
    const { lock, place } = this.#options
    if (!(await lock.check())) throw lostLock(place.file.target)
  }

  #sizeMismatch({ place }: Source, cause: Error): FtpTransferError {
    const { shownPath: path } = place
    const message = `${path} does not have the size that the server tells: ${cause.message}`
    return new FtpTransferError('ERR_FTP_SIZE_MISMATCH', message, {
      path,
      expected: this.#before.size,
      cause,
    })
  }
}

function matched(result: ChecksumResult): MatchedChecksum | undefined {
  if (result.state !== 'matched') return undefined
  const { algorithm, value, origin } = result
  return { algorithm, value, origin }
}
