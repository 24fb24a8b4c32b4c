/**
 * What a download has on the local side: the part file, and the journal where it can be continued. The target is
 * locked before it is opened.
 */
import { FtpTransferError } from '../errors.ts'
import { JournalFile, removeJournal } from '../local/journal-file.ts'
import { journalPath } from '../local/names.ts'
import { PartFile } from '../local/part-file.ts'
import { Checkpoints, type JournalFacts } from './checkpoints.ts'
import { decodeJournal, type JournalRecord, type JournalSource } from './journal.ts'
import type { ByteRange } from './ranges.ts'

export interface Workplace {
  readonly file: PartFile
  /** What an earlier run of the same source has left in the file. */
  readonly resumed: readonly ByteRange[]
  /** `undefined` where the download cannot be continued. */
  readonly checkpoints: Checkpoints | undefined
}

export interface WorkplaceOptions {
  /** `undefined` where the download cannot be continued. */
  readonly facts: JournalFacts | undefined
  /** The sources whose bytes count as the file's. */
  readonly isFrom: readonly JournalSource[]
  readonly resume: boolean
  readonly isOurs: () => Promise<boolean>
}

/** Opens what is there if it is of the same file, and makes it anew otherwise. */
export async function openWorkplace(
  target: string,
  { facts, isFrom, resume, isOurs }: WorkplaceOptions,
): Promise<Workplace> {
  const path = journalPath(target)
  if (facts === undefined || !resume) {
    await removeJournal(path)
    return { file: await PartFile.create(target), resumed: [], checkpoints: undefined }
  }
  const record = await readRecord(path, facts, isFrom)
  const end = record?.ranges.at(-1)?.end
  const file = end === undefined ? undefined : await PartFile.reopen(target, end, facts.size)
  if (record !== undefined && file !== undefined) {
    const journal = await JournalFile.open(path).catch(async (error: unknown) => {
      await file.keep()
      throw error
    })
    return {
      file,
      resumed: record.ranges,
      checkpoints: new Checkpoints({ path, facts, file, isOurs, journal }),
    }
  }
  // A journal without its part file would claim bytes that are not there.
  await removeJournal(path)
  const fresh = await PartFile.create(target)
  const checkpoints = new Checkpoints({ path, facts, file: fresh, isOurs, journal: undefined })
  return { file: fresh, resumed: [], checkpoints }
}

async function readRecord(
  path: string,
  facts: JournalFacts,
  isFrom: readonly JournalSource[],
): Promise<JournalRecord | undefined> {
  const bytes = await JournalFile.read(path)
  const record = bytes === undefined ? undefined : decodeJournal(bytes)
  return record !== undefined && isSameFile(record, facts, isFrom) ? record : undefined
}

function isSameFile(
  { source, size, modified }: JournalRecord,
  facts: JournalFacts,
  isFrom: readonly JournalSource[],
): boolean {
  const names = ['scheme', 'host', 'port', 'path'] as const
  return (
    size === facts.size &&
    modified === facts.modified &&
    isFrom.some((one) => names.every((name) => source[name] === one[name]))
  )
}

/** Another program's lock stands where ours did. */
export function lostLock(target: string): FtpTransferError {
  const message = `Cannot write ${target}: another program has taken it over`
  return new FtpTransferError('ERR_FTP_LOCAL_FILE', message, { path: target })
}
