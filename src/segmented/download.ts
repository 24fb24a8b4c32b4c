/**
 * A download from the first question to the finished file.
 *
 *   lock ─► SIZE, MDTM ─► part file, journal ─► segments ─► seams ─► SIZE, MDTM again ─► sync, rename
 *
 * Segments by several connections where the server tells the size and takes REST; otherwise, and wherever the
 * server shows that it does not begin where it is told to, one connection from 0.
 */
import { FtpConnectionError, FtpError, FtpReplyError, FtpTimeoutError, FtpTransferError } from '../errors.ts'
import { LockFile } from '../local/lock-file.ts'
import { exists, existsAlready, resolveTarget } from '../local/part-file.ts'
import { explainRefusal, isAmbiguous } from '../operations/explain-refusal.ts'
import type { Lease } from '../pool/lease.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { strongestShared, type ChecksumAlgorithm } from '../protocol/checksum.ts'
import { checksumOf } from '../session/checksum.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { onAbort } from '../util/abort.ts'
import { delay } from '../util/timer.ts'
import { Board } from './board.ts'
import type { JournalFacts } from './checkpoints.ts'
import { KeptLease } from './kept-lease.ts'
import { fetchAll } from './fetch-all.ts'
import type { FetchSource } from './fetch-segment.ts'
import { SegmentJob } from './job.ts'
import type { JournalSource } from './journal.ts'
import type { DownloadSettings } from './options.ts'
import { Paces } from './pace.ts'
import { planGaps, type Segment } from './plan.ts'
import { coveredBytes, gapsIn, type ByteRange } from './ranges.ts'
import { RestartDistrusted, ResumeDistrusted } from './restart.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { OVERLAP_BYTES } from './segment-writer.ts'
import { endLease, type SessionPool } from './session-pool.ts'
import { askSource, expectUnchanged, type SourceFacts } from './source-facts.ts'
import { TlsTally, type TransferTls } from './tls-tally.ts'
import { verifyChecksum, type ChecksumResult, type ServerChecksum } from './verify-checksum.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

export type VerifiedState = 'matched' | 'unavailable' | 'not asked'

export interface DownloadResult {
  /** The absolute path of the file. */
  readonly path: string
  readonly bytes: number
  /** Bytes that an earlier run had brought. */
  readonly resumedBytes: number
  /** Bytes that were fetched and given up, and so fetched more than once. */
  readonly refetchedBytes: number
  /** Bytes that were read past the ends of segments, to be compared with what stands there. */
  readonly overfetchedBytes: number
  /** Whether nothing was fetched, since a file stands at the target and `overwrite` is `'skip'`. */
  readonly skipped: boolean
  readonly elapsedSeconds: number
  readonly averageBytesPerSecond: number
  /** The most data connections that worked at once. */
  readonly connections: number
  /** `undefined` for a plain connection. */
  readonly tls: TransferTls | undefined
  readonly verified: {
    /** The bytes received against SIZE, before and after. */
    readonly size: VerifiedState
    /** MDTM before against MDTM after. */
    readonly modified: VerifiedState
    /** The checksums that were expected, and the server's own. */
    readonly checksum: VerifiedState
  }
  /** What matched; of several the caller's own, and of those the strongest. `undefined` where none was compared. */
  readonly checksum: MatchedChecksum | undefined
}

export interface MatchedChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Hexadecimal, lower case. */
  readonly value: string
  /** Whose value it is that the file was compared with. */
  readonly origin: 'expected' | 'server'
}

export interface DownloadRequest {
  readonly pool: SessionPool
  /** What the journal says of where the file is from. */
  readonly source: JournalSource
  readonly remote: RemotePath
  /** The remote path for messages. */
  readonly shownPath: string
  /** The local path. */
  readonly target: string
  readonly settings: DownloadSettings
  readonly retry: RetryPolicy
  /** Shared by every transfer of the client. */
  readonly limit: BandwidthLimit
}

/** Does the download. The target is replaced by the last step or stays as it was. */
export async function runDownload(
  request: DownloadRequest,
  context: TransferContext,
): Promise<DownloadResult> {
  const target = await resolveTarget(request.target)
  const { overwrite } = request.settings
  if (overwrite !== 'replace' && (await exists(target))) {
    if (overwrite === 'error') throw existsAlready(target)
    return skipped(target)
  }
  context.enter('connecting')
  const { lease, value: before } = await withSession(request, context, (session) => learnOf(session, request))
  // Only now: of many downloads begun at once all have to wait for the one login that is tried.
  let lock: LockFile
  try {
    lock = await LockFile.take(target, context.signal)
  } catch (error) {
    lease.release()
    throw error
  }
  try {
    return await downloadTo(target, { lock, lease, before }, request, context)
  } finally {
    await lock.release()
  }
}

interface Begun {
  readonly lock: LockFile
  readonly lease: Lease<Session>
  readonly before: SourceFacts
}

async function downloadTo(
  target: string,
  { lock, lease, before }: Begun,
  request: DownloadRequest,
  context: TransferContext,
): Promise<DownloadResult> {
  const canContinue = before.size !== undefined && lease.value.profile.restart !== 'unusable'
  context.enter('transferring')
  let place: Workplace
  try {
    const facts = canContinue ? journalFacts(request, before) : undefined
    place = await openWorkplace(target, facts, request.settings.resume, () => lock.check())
  } catch (error) {
    lease.release()
    throw error
  }
  const download = new Download(request, context, before, place)
  const { overwrite } = request.settings
  try {
    const bytes = await download.fetch(lease, lock)
    context.enter('verifying')
    const checks = await download.verify()
    if (!(await lock.check())) throw lostLock(target)
    const { preserveModified } = request.settings
    await place.file.publish(bytes, preserveModified ? before.modified : undefined, overwrite === 'replace')
    // Left behind, it does no harm: it counts for nothing without a part file.
    await place.checkpoints?.forget().catch(() => {})
    return download.result(target, bytes, checks)
  } catch (error) {
    const isOurs = await lock.check()
    if (isOurs && overwrite === 'skip' && (await appeared(target, error))) {
      await discardAll(place)
      return skipped(target)
    }
    await leave(place, request.settings, error, isOurs)
    throw await explained(error, request, before, context)
  } finally {
    download.release()
  }
}

function skipped(path: string): DownloadResult {
  return {
    ...{ path, bytes: 0, resumedBytes: 0, refetchedBytes: 0, overfetchedBytes: 0, skipped: true },
    ...{ elapsedSeconds: 0, averageBytesPerSecond: 0, connections: 0, tls: undefined },
    verified: { size: 'not asked', modified: 'not asked', checksum: 'not asked' },
    checksum: undefined,
  }
}

function lostLock(path: string): FtpTransferError {
  const message = `Cannot write ${path}: another program has taken it over`
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path })
}

function journalFacts({ source }: DownloadRequest, { size = 0, modified }: SourceFacts): JournalFacts {
  return { source, size, modified: modified?.getTime() }
}

/** More than this has to be there for `keepPartial: 'auto'`. */
const WORTH_KEEPING_BYTES = 1_048_576
/** After these, what is there is of no use: it belongs to another file, or is wrong. */
const BEYOND_RESUMING: ReadonlySet<string> = new Set([
  'ERR_FTP_SOURCE_CHANGED',
  'ERR_FTP_SIZE_MISMATCH',
  'ERR_FTP_CHECKSUM_MISMATCH',
  'ERR_FTP_NOT_FOUND',
  'ERR_FTP_IS_DIRECTORY',
])

/** Keeps what is there for a later run, or takes it away; on the way out of another failure, so it never rejects. */
async function leave(
  { file, checkpoints }: Workplace,
  { keepPartial }: DownloadSettings,
  failure: unknown,
  isOurs: boolean,
): Promise<void> {
  const isUseless = failure instanceof FtpError && BEYOND_RESUMING.has(failure.code)
  const isWanted =
    keepPartial === true || (keepPartial === 'auto' && (checkpoints?.bytes ?? 0) > WORTH_KEEPING_BYTES)
  // Another program's lock: the files beside the target are its own now.
  if (!isOurs || (checkpoints !== undefined && isWanted && !isUseless)) {
    if (isOurs) await checkpoints?.checkpoint().catch(() => {})
    await checkpoints?.keep()
    await file.keep()
    return
  }
  await discardAll({ file, checkpoints })
}

async function discardAll({ file, checkpoints }: Pick<Workplace, 'file' | 'checkpoints'>): Promise<void> {
  try {
    await checkpoints?.forget()
  } catch {
    await file.keep() // A journal without its file is harmless; one beside a new file would not be.
    return
  }
  await file.discard()
}

/** Whether something stands at the target now that was not there when the download began. */
async function appeared(target: string, failure: unknown): Promise<boolean> {
  return failure instanceof FtpError && failure.code === 'ERR_FTP_LOCAL_FILE' && (await exists(target))
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof FtpTimeoutError) return error.phase === 'connect'
  return error instanceof FtpConnectionError && error.attempts.length > 0
}

async function learnOf(session: Session, { remote, settings }: DownloadRequest): Promise<SourceFacts> {
  const facts = await askSource(session, remote)
  // In ASCII the file arrives in another length than SIZE tells.
  return settings.type === 'ascii' || !settings.verifySize ? { ...facts, size: undefined } : facts
}

/** Runs `ask` on a session, with the patience of the retry policy, and gives the session with the answer. */
async function withSession<T>(
  { pool, retry }: DownloadRequest,
  { signal, emit }: TransferContext,
  ask: (session: Session) => Promise<T>,
  kept?: KeptLease,
): Promise<{ readonly lease: Lease<Session>; readonly value: T }> {
  const budget = new RetryBudget(retry, undefined, Math.random)
  for (;;) {
    let lease: Lease<Session> | undefined
    try {
      lease = (await kept?.take()) ?? (await pool.acquire(signal))
      const session = lease.value
      return { lease, value: await session.abortable(signal, () => ask(session)) }
    } catch (error) {
      if (lease !== undefined) endLease(lease, error)
      signal.throwIfAborted()
      // Where nothing has ever answered, the address is more likely wrong than the server down.
      if (!pool.isProven && isUnreachable(error)) throw error
      const delayMs = budget.delayAfter(error, 0)
      emit('retry', { attempt: budget.failures, delayMs, error })
      await delay(delayMs, signal)
    }
  }
}

/** Puts the reason for a refusal in place of the bare refusal, if the server can still be asked. */
async function explained(
  error: unknown,
  { pool, remote, shownPath }: DownloadRequest,
  before: SourceFacts,
  { signal }: TransferContext,
): Promise<unknown> {
  if (!isAmbiguous(error) || signal.aborted) return error
  try {
    const lease = await pool.acquire(signal)
    const session = lease.value
    const isListed = before.size !== undefined
    try {
      return await session.abortable(signal, () =>
        explainRefusal(session, remote, shownPath, error, isListed),
      )
    } finally {
      endLease(lease, error)
    }
  } catch (failure) {
    // The refusal is telling enough, unless it was the caller who stopped the question.
    return failure === signal.reason ? failure : error
  }
}

/** What is compared of a file that an earlier run has begun, where the server tells no modification time. */
const RESUME_OVERLAP_BYTES = 65_536

class Download {
  readonly #request: DownloadRequest
  readonly #context: TransferContext
  readonly #before: SourceFacts
  readonly #place: Workplace
  readonly #tally = new TlsTally()
  readonly #kept = new KeptLease()
  #board: Board | undefined
  #lock: LockFile | undefined

  constructor(request: DownloadRequest, context: TransferContext, before: SourceFacts, place: Workplace) {
    this.#request = request
    this.#context = context
    this.#before = before
    this.#place = place
    context.meter.total = before.size
    context.meter.segments = () => this.#board?.segments ?? []
  }

  /** Fetches every byte into the part file; gives their number. */
  async fetch(first: Lease<Session>, lock: LockFile): Promise<number> {
    this.#lock = lock
    const { profile } = first.value
    const { connections } = this.#request.settings
    let lease = first
    if (this.#before.size !== undefined && profile.restart !== 'unusable') {
      const resumed = this.#trusted(this.#place.resumed)
      for (const done of resumed.length > 0 ? [resumed, []] : [[]]) {
        try {
          return await this.#fetchAll(lease, connections, done)
        } catch (error) {
          const next = await this.#mended(error, done.length > 0)
          // For this client's further files, too. A refusal of one file or moment says nothing of the next.
          if (error instanceof RestartDistrusted && done.length === 0) profile.restart = 'unusable'
          lease = next
        }
      }
    }
    if (this.#place.resumed.length > 0 && this.#board === undefined) await this.#clear()
    try {
      return await this.#fetchAll(lease, 1, undefined)
    } catch (error) {
      await this.#askAgain(error)
      if (error instanceof RestartDistrusted) throw this.#sizeMismatch(error)
      throw error
    }
  }

  /** Where no time vouches for a source whose bytes are all there, its last ones are fetched again. */
  #trusted(resumed: readonly ByteRange[]): readonly ByteRange[] {
    const { size = 0, modified } = this.#before
    if (modified !== undefined || coveredBytes(resumed) < size) return resumed
    return [{ start: 0, end: Math.max(0, size - RESUME_OVERLAP_BYTES) }]
  }

  /** A session to begin anew with, if that is of use after `error`; throws it otherwise. */
  async #mended(error: unknown, wasResumed: boolean): Promise<Lease<Session>> {
    await this.#askAgain(error)
    if (!isRestartTrouble(error) && !(wasResumed && error instanceof ResumeDistrusted)) throw error
    await this.#beginAnew(error as Error)
    const { lease } = await withSession(this.#request, this.#context, () => Promise.resolve())
    return lease
  }

  /** Gives back what it still holds. */
  release(): void {
    this.#kept.release()
  }

  /** What came does not fit what was said: a source that has changed says why. */
  async #askAgain(error: unknown): Promise<void> {
    const isTruncated = error instanceof FtpTransferError && error.code === 'ERR_FTP_TRUNCATED'
    if (isTruncated || isRestartTrouble(error)) await this.#expectUnchanged()
  }

  /** SIZE and MDTM again: what was fetched is of one file only if they are what they were. */
  async verify(): Promise<Pick<DownloadResult, 'verified' | 'checksum'>> {
    const { verifySize, verifyModified } = this.#request.settings
    const after = await this.#expectUnchanged()
    const state = (isAsked: boolean, name: keyof SourceFacts): VerifiedState => {
      if (!isAsked) return 'not asked'
      // An empty file has a size, too.
      return this.#before[name] === undefined || after?.[name] === undefined ? 'unavailable' : 'matched'
    }
    const size = state(verifySize, 'size')
    const modified = state(verifyModified, 'modified')
    this.#context.emit('verify', { check: 'size', outcome: size })
    this.#context.emit('verify', { check: 'modified', outcome: modified })
    const checksum = await this.#verifyChecksum()
    this.#context.emit('verify', { check: 'checksum', outcome: checksum.state })
    return {
      verified: { size, modified, checksum: checksum.state },
      checksum: matched(checksum),
    }
  }

  #verifyChecksum(): Promise<ChecksumResult> {
    const { remote, shownPath, settings } = this.#request
    const { signal } = this.#context
    const ask = async (algorithm: ChecksumAlgorithm | undefined): Promise<ServerChecksum | undefined> => {
      const { size } = this.#before
      const { lease, value } = await withSession(
        this.#request,
        this.#context,
        async (session) => {
          const { features } = session.profile
          const asked = algorithm ?? (features && strongestShared(features))
          const { checksum: timeoutMs } = session.options.timeouts
          const sum = asked && (await checksumOf(session, remote, asked, { size, timeoutMs, signal }))
          return asked === undefined || sum === undefined ? undefined : { algorithm: asked, value: sum }
        },
        this.#kept,
      )
      lease.release()
      return value
    }
    return verifyChecksum({
      settings: settings.checksum,
      file: this.#place.file.path,
      path: shownPath,
      ask,
      signal,
    })
  }

  result(path: string, bytes: number, checks: Pick<DownloadResult, 'verified' | 'checksum'>): DownloadResult {
    const { meter } = this.#context
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
    }
  }

  /** All that is not in `done`; where that is `undefined`, all from 0 on, and nothing can be continued. */
  async #fetchAll(
    first: Lease<Session>,
    connections: number,
    done: readonly ByteRange[] | undefined,
  ): Promise<number> {
    const { pool, retry, limit } = this.#request
    const { file, checkpoints } = this.#place
    const { meter } = this.#context
    const paces = new Paces(() => performance.now())
    const jobs = this.#plan(connections, done ?? [])
    const board = new Board({
      jobs,
      done: done ?? [],
      newBudget: () => this.#newBudget(),
      speedOf: (job) => paces.speedOf(job),
    })
    this.#board = board
    meter.resumed(coveredBytes(done ?? []))
    const stop = new AbortController()
    const stopFollowing = [
      onAbort(this.#context.signal, (reason) => stop.abort(reason)),
      this.#lock?.onLost((error) => stop.abort(error)),
    ]
    if (done !== undefined)
      checkpoints?.start(
        () => board.written,
        (error) => stop.abort(error),
      )
    try {
      await fetchAll(first, {
        ...{ board, paces, pool, file, retry, limit, source: this.#source() },
        connections: Math.min(connections, this.#worthwhile(jobs)),
        continues: done !== undefined,
        tally: this.#tally,
        kept: this.#kept,
        context: { ...this.#context, signal: stop.signal },
        onPaused: (isStill) => this.#paused(isStill),
      })
    } finally {
      for (const unfollow of stopFollowing) unfollow?.()
      await checkpoints?.stop()
    }
    return this.#before.size ?? meter.bytes
  }

  /** How many connections the missing bytes are worth. */
  #worthwhile(jobs: readonly SegmentJob[]): number {
    const missing = jobs.reduce((sum, { start, end }) => sum + end - start, 0)
    return Math.max(1, Math.floor(missing / this.#request.settings.minSegmentSize))
  }

  async #paused(isStill: () => boolean): Promise<void> {
    await this.#place.checkpoints?.checkpoint()
    // Resumed while that was written, and perhaps paused again: then another is on its way.
    if (!this.#context.gate.isClosed || !isStill()) return
    this.#context.enter('paused')
    this.#context.gate.rested()
  }

  #source(): FetchSource {
    const { remote, shownPath, settings } = this.#request
    return { path: remote, shownPath, type: settings.type === 'ascii' ? 'A' : 'I', size: this.#before.size }
  }

  #plan(connections: number, done: readonly ByteRange[]): readonly SegmentJob[] {
    const { minSegmentSize } = this.#request.settings
    const { size, modified } = this.#before
    if (size === undefined) return [this.#job({ start: 0, end: Infinity }, 0)]
    // Where no time vouches for the source, more bytes have to.
    const compared = modified === undefined ? RESUME_OVERLAP_BYTES : OVERLAP_BYTES
    const gaps = size === 0 ? [{ start: 0, end: 0 }] : gapsIn(done, size)
    return planGaps(gaps, connections, minSegmentSize).map((segment) => {
      const before = done.find(({ end }) => end === segment.start)
      const knownBytes = before === undefined ? 0 : Math.min(compared, before.end - before.start)
      return this.#job(segment, knownBytes, done.length === 0 ? OVERLAP_BYTES : compared)
    })
  }

  #job(segment: Segment, knownBytes: number, overlapLimit?: number): SegmentJob {
    const retries = this.#newBudget()
    const more = overlapLimit === undefined ? {} : { overlapLimit }
    return new SegmentJob({ ...segment, size: this.#before.size, retries, knownBytes, ...more })
  }

  #newBudget(): RetryBudget {
    return new RetryBudget(this.#request.retry, this.#before.size, Math.random)
  }

  /** Gives what the source says now, if it was asked; throws if that is not what it said before. */
  async #expectUnchanged(): Promise<SourceFacts | undefined> {
    const { verifySize, verifyModified } = this.#request.settings
    if (!verifySize && !verifyModified) return undefined
    const ask = (session: Session): Promise<SourceFacts> => learnOf(session, this.#request)
    const { lease, value: after } = await withSession(this.#request, this.#context, ask, this.#kept)
    lease.release()
    const { size, modified } = this.#before
    const compared = { size: verifySize ? size : undefined, modified: verifyModified ? modified : undefined }
    expectUnchanged(compared, after, this.#request.shownPath)
    return after
  }

  async #beginAnew(reason: Error): Promise<void> {
    const { meter, emit } = this.#context
    const given = meter.bytes - meter.resumedBytes
    await this.#clear()
    meter.givenUp(given)
    meter.resumed(0)
    this.#board = undefined
    emit('restart', { start: 0, end: this.#before.size ?? 0, reason: reason.message })
  }

  async #clear(): Promise<void> {
    if (!(await this.#lock?.check())) throw lostLock(this.#place.file.target)
    // First the claim, then the bytes: killed in between, the next run begins at 0 too.
    await this.#place.checkpoints?.forget()
    await this.#place.file.clear()
  }

  #sizeMismatch(cause: Error): FtpTransferError {
    const { shownPath: path } = this.#request
    const message = `${path} does not have the size that the server tells: ${cause.message}`
    return new FtpTransferError('ERR_FTP_SIZE_MISMATCH', message, {
      path,
      expected: this.#before.size,
      cause,
    })
  }
}

/** RFC 1123 §4.1.2.12: what a server may say to RETR when it does not like the REST before it. */
const INVALID_RESTART = 554

/** REST was refused, or taken and not followed: several connections are of no use, one from 0 is. */
function isRestartTrouble(error: unknown): boolean {
  if (error instanceof RestartDistrusted) return true
  if (!(error instanceof FtpReplyError)) return false
  return error.command?.startsWith('REST') === true || error.reply.code === INVALID_RESTART
}

function matched(result: ChecksumResult): MatchedChecksum | undefined {
  if (result.state !== 'matched') return undefined
  const { algorithm, value, origin } = result
  return { algorithm, value, origin }
}
