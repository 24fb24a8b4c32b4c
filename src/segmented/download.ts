/**
 * A download from the first question to the finished file.
 *
 *   SIZE, MDTM ─► lock ─► part file, journal ─► segments ─► seams ─► SIZE, MDTM again ─► sync, rename
 *
 * Segments by several connections where the server tells the size and takes REST; otherwise, and wherever the
 * server shows that it does not begin where it is told to, one connection from 0. With mirrors, from all that
 * agree on what the file is.
 */
import { FtpError } from '../errors.ts'
import { LockFile } from '../local/lock-file.ts'
import { removeJournal } from '../local/journal-file.ts'
import { journalPath } from '../local/names.ts'
import { dropSecondName, exists, existsAlready, resolveTarget } from '../local/part-file.ts'
import { explainRefusal, isAmbiguous } from '../operations/explain-refusal.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import type { JournalFacts } from './checkpoints.ts'
import type { ConnectionCount } from './controller.ts'
import { skipped, type DownloadResult } from './download-result.ts'
import { FileFetch } from './fetch-file.ts'
import { gather, type Gathered } from './gather.ts'
import type { DownloadSettings } from './options.ts'
import type { DroppedSource } from './roster.ts'
import { endLease } from '../operations/session-pool.ts'
import { Source, type SourcePlace } from './source.ts'
import { lostLock, openWorkplace, type Workplace } from './workplace.ts'

export interface DownloadRequest {
  /** At least one; more of them are mirrors of one file. */
  readonly places: readonly SourcePlace[]
  /** The local path. */
  readonly target: string
  readonly settings: DownloadSettings
  /** Who says how many connections there are, up to those of the settings. */
  readonly count?: ConnectionCount | undefined
}

/** Does the download. The target is replaced by the last step or stays as it was. */
export async function runDownload(
  { places, target: path, settings, count }: DownloadRequest,
  context: TransferContext,
): Promise<DownloadResult> {
  const target = await resolveTarget(path)
  const { overwrite } = settings
  if (overwrite !== 'replace' && (await exists(target))) {
    // Killed on the way out, an earlier run may have left more than the target.
    if (await dropSecondName(target)) await removeJournal(journalPath(target)).catch(() => {})
    if (overwrite === 'error') throw existsAlready(target)
    return skipped(target)
  }
  context.enter('connecting')
  const sources = places.map((place) => new Source(place))
  const gathered = await gather(
    {
      sources,
      // In ASCII the file arrives in another length than SIZE tells.
      isSized: settings.type === 'binary' && settings.verifySize,
      isDated: settings.verifyModified,
      onDropped: (dropped) => tellDropped(dropped, context),
    },
    context,
  )
  try {
    return await lockAndDownload(target, { sources, gathered, settings, count }, context)
  } finally {
    await gathered.stop()
    for (const { kept } of sources) kept.release()
  }
}

interface Job {
  readonly sources: readonly Source[]
  readonly gathered: Gathered
  readonly settings: DownloadSettings
  readonly count: ConnectionCount | undefined
}

/** Locked not before there is an answer: of many downloads begun at once all wait for the one login that is tried. */
async function lockAndDownload(target: string, job: Job, context: TransferContext): Promise<DownloadResult> {
  const lock = await LockFile.take(target, context.signal)
  try {
    return await downloadTo(target, lock, job, context)
  } finally {
    await lock.release()
  }
}

async function downloadTo(
  target: string,
  lock: LockFile,
  { sources, gathered, settings, count }: Job,
  context: TransferContext,
): Promise<DownloadResult> {
  context.enter('transferring')
  const place = await openWorkplace(target, {
    facts: gathered.reference.canContinue ? journalFacts(gathered.reference) : undefined,
    isFrom: sources.filter(({ dropped }) => dropped === undefined).map(({ place: { journal } }) => journal),
    resume: settings.resume,
    isOurs: () => lock.check(),
  })
  const fetch = new FileFetch({ sources, gathered, settings, count, context, place, lock })
  const { overwrite, preserveModified } = settings
  try {
    const { bytes, checks } = await fetch.run()
    if (!(await lock.check())) throw lostLock(target)
    const { modified } = gathered.reference.facts
    await place.file.publish(bytes, preserveModified ? modified : undefined, overwrite === 'replace')
    // Left behind, it does no harm: it counts for nothing without a part file.
    await place.checkpoints?.forget().catch(() => {})
    return fetch.result(target, bytes, checks)
  } catch (error) {
    const isOurs = await lock.check()
    if (isOurs && overwrite === 'skip' && (await appeared(target, error))) {
      await discardAll(place)
      return skipped(target)
    }
    await leave(place, settings, error, isOurs)
    throw await explained(error, gathered, context)
  }
}

function tellDropped({ source, reason, error }: DroppedSource, { emit }: TransferContext): void {
  emit('source', { type: 'dropped', url: source.url, reason, error })
}

function journalFacts({ place, facts: { size = 0, modified } }: Source): JournalFacts {
  return { source: place.journal, size, modified: modified?.getTime() }
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

/** Puts the reason for a refusal in place of the bare refusal, if the server can still be asked. */
async function explained(
  error: unknown,
  { roster }: Gathered,
  { signal }: TransferContext,
): Promise<unknown> {
  const [source] = roster.live
  if (source === undefined || !isAmbiguous(error) || signal.aborted) return error
  const { remote, shownPath } = source.place
  try {
    const lease = await source.acquire(signal)
    const session = lease.value
    const isListed = source.facts.size !== undefined
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
