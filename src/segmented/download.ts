/**
 * A download from the first question to the finished file.
 *
 *   SIZE, MDTM ─► part file ─► segments ─► seams ─► SIZE, MDTM again ─► sync, rename
 *
 * Segments by several connections where the server tells the size and takes REST; otherwise, and wherever the
 * server shows that it does not begin where it is told to, one connection from 0.
 */
import { FtpConnectionError, FtpReplyError, FtpTimeoutError, FtpTransferError } from '../errors.ts'
import { PartFile, resolveTarget } from '../local/part-file.ts'
import { explainRefusal, isAmbiguous } from '../operations/explain-refusal.ts'
import type { Lease } from '../pool/lease.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import { delay } from '../util/timer.ts'
import { KeptLease } from './kept-lease.ts'
import { fetchAll } from './fetch-all.ts'
import type { FetchSource } from './fetch-segment.ts'
import { SegmentJob } from './job.ts'
import type { DownloadSettings } from './options.ts'
import { planSegments } from './plan.ts'
import { RestartDistrusted } from './restart.ts'
import { RetryBudget, type RetryPolicy } from './retry.ts'
import { endLease, type SessionPool } from './session-pool.ts'
import { askSource, expectUnchanged, type SourceFacts } from './source-facts.ts'
import { TlsTally, type TransferTls } from './tls-tally.ts'

export type VerifiedState = 'matched' | 'unavailable' | 'not asked'

export interface DownloadResult {
  /** The absolute path of the file. */
  readonly path: string
  readonly bytes: number
  /** Bytes that an earlier run had brought. */
  readonly resumedBytes: number
  /** Bytes that were fetched more than once. */
  readonly refetchedBytes: number
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
    readonly checksum: 'not asked'
  }
}

export interface DownloadRequest {
  readonly pool: SessionPool
  readonly remote: RemotePath
  /** The remote path for messages. */
  readonly shownPath: string
  /** The local path. */
  readonly target: string
  readonly settings: DownloadSettings
  readonly retry: RetryPolicy
}

/** Does the download. The target is replaced by the last step or stays as it was. */
export async function runDownload(
  request: DownloadRequest,
  context: TransferContext,
): Promise<DownloadResult> {
  const target = await resolveTarget(request.target)
  context.enter('connecting')
  const { lease, value: before } = await withSession(request, context, (session) => learnOf(session, request))
  const download = new Download(request, context, before)
  context.enter('transferring')
  let file: PartFile
  try {
    file = await PartFile.create(target)
  } catch (error) {
    lease.release()
    throw error
  }
  try {
    const bytes = await download.fetch(file, lease)
    context.enter('verifying')
    const verified = await download.verify()
    await file.publish(bytes, request.settings.preserveModified ? before.modified : undefined)
    return download.result(target, bytes, verified)
  } catch (error) {
    await file.discard()
    throw await explained(error, request, before, context)
  } finally {
    download.release()
  }
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

class Download {
  readonly #request: DownloadRequest
  readonly #context: TransferContext
  readonly #before: SourceFacts
  readonly #tally = new TlsTally()
  readonly #kept = new KeptLease()
  #jobs: readonly SegmentJob[] = []

  constructor(request: DownloadRequest, context: TransferContext, before: SourceFacts) {
    this.#request = request
    this.#context = context
    this.#before = before
    context.meter.total = before.size
    context.meter.segments = () => this.#jobs
  }

  /** Fetches every byte into `file`; gives their number. */
  async fetch(file: PartFile, first: Lease<Session>): Promise<number> {
    const { profile } = first.value
    const canContinue = this.#before.size !== undefined && profile.restart !== 'unusable'
    if (canContinue) {
      try {
        return await this.#fetchAll(file, first, this.#request.settings.connections, true)
      } catch (error) {
        await this.#askAgain(error)
        if (!isRestartTrouble(error)) throw error
        // For this client's further files, too. A refusal of one file or moment says nothing of the next.
        if (error instanceof RestartDistrusted) profile.restart = 'unusable'
        await this.#beginAnew(file, error as Error)
        const { lease } = await withSession(this.#request, this.#context, () => Promise.resolve())
        first = lease
      }
    }
    try {
      return await this.#fetchAll(file, first, 1, false)
    } catch (error) {
      await this.#askAgain(error)
      if (error instanceof RestartDistrusted) throw this.#sizeMismatch(error)
      throw error
    }
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
  async verify(): Promise<DownloadResult['verified']> {
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
    return { size, modified, checksum: 'not asked' }
  }

  result(path: string, bytes: number, verified: DownloadResult['verified']): DownloadResult {
    const { meter } = this.#context
    const { elapsedSeconds, averageBytesPerSecond } = meter.snapshot()
    return {
      path,
      bytes,
      resumedBytes: 0,
      refetchedBytes: meter.refetchedBytes,
      elapsedSeconds,
      averageBytesPerSecond,
      connections: meter.mostConnections,
      tls: this.#tally.result(),
      verified,
    }
  }

  async #fetchAll(
    file: PartFile,
    first: Lease<Session>,
    connections: number,
    continues: boolean,
  ): Promise<number> {
    const { pool, retry } = this.#request
    this.#jobs = this.#plan(connections)
    await fetchAll(this.#jobs, connections, first, {
      pool,
      source: this.#source(),
      file,
      retry,
      continues,
      tally: this.#tally,
      kept: this.#kept,
      context: this.#context,
    })
    return this.#before.size ?? this.#jobs[0]?.position ?? 0
  }

  #source(): FetchSource {
    const { remote, shownPath, settings } = this.#request
    return { path: remote, shownPath, type: settings.type === 'ascii' ? 'A' : 'I', size: this.#before.size }
  }

  #plan(connections: number): readonly SegmentJob[] {
    const { settings, retry } = this.#request
    const { size } = this.#before
    const segments =
      size === undefined
        ? [{ start: 0, end: Infinity }]
        : planSegments(size, connections, settings.minSegmentSize)
    return segments.map((segment) => {
      const isLast = size === undefined || segment.end === size
      return new SegmentJob(segment, isLast, new RetryBudget(retry, size, Math.random))
    })
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

  async #beginAnew(file: PartFile, reason: Error): Promise<void> {
    const { meter, emit } = this.#context
    await file.clear()
    meter.givenUp(meter.bytes)
    this.#jobs = []
    emit('restart', { start: 0, end: this.#before.size ?? 0, reason: reason.message })
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
