/**
 * What a download has on the local side: the part file, and the journal where it can be continued. The target is
 * locked before it is opened.
 */
import { JournalFile, removeJournal } from '../local/journal-file.ts'
import { journalPath } from '../local/names.ts'
import { PartFile } from '../local/part-file.ts'
import { Checkpoints, type JournalFacts } from './checkpoints.ts'
import { decodeJournal, type JournalRecord } from './journal.ts'
import type { ByteRange } from './ranges.ts'

export interface Workplace {
  readonly file: PartFile
  /** What an earlier run of the same source has left in the file. */
  readonly resumed: readonly ByteRange[]
  /** `undefined` where the download cannot be continued. */
  readonly checkpoints: Checkpoints | undefined
}

/** Opens what is there if it is of the same source, and makes it anew otherwise. */
export async function openWorkplace(
  target: string,
  facts: JournalFacts | undefined,
  resume: boolean,
  isOurs: () => Promise<boolean>,
): Promise<Workplace> {
  const path = journalPath(target)
  if (facts === undefined || !resume) {
    await removeJournal(path)
    return { file: await PartFile.create(target), resumed: [], checkpoints: undefined }
  }
  const record = await readRecord(path, facts)
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

async function readRecord(path: string, facts: JournalFacts): Promise<JournalRecord | undefined> {
  const bytes = await JournalFile.read(path)
  const record = bytes === undefined ? undefined : decodeJournal(bytes)
  return record !== undefined && isSameSource(record, facts) ? record : undefined
}

function isSameSource(record: JournalRecord, facts: JournalFacts): boolean {
  const { source, size, modified } = record
  const names = ['scheme', 'host', 'port', 'path'] as const
  return (
    size === facts.size &&
    modified === facts.modified &&
    names.every((name) => source[name] === facts.source[name])
  )
}
