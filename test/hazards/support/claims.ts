/** What the journal beside a target claims, held against what the part file really has. */
import { open } from 'node:fs/promises'
import { expect } from 'vitest'
import { JournalFile } from '../../../src/local/journal-file.ts'
import { journalPath, partPath } from '../../../src/local/names.ts'
import { decodeJournal } from '../../../src/segmented/journal.ts'
import { coveredBytes, type ByteRange } from '../../../src/segmented/ranges.ts'
import type { VirtualFile } from '../../support/pattern-file.ts'

const PIECE = 1 << 20

/** Fails if a byte that is claimed is not there; gives the number of those that are. */
export async function expectClaimsTrue(target: string, content: VirtualFile): Promise<number> {
  const bytes = await JournalFile.read(journalPath(target))
  const record = bytes === undefined ? undefined : decodeJournal(bytes)
  if (record === undefined || record.ranges.length === 0) return 0
  const part = await open(partPath(target))
  try {
    for (const range of record.ranges) await expectThere(part, range, content)
  } finally {
    await part.close()
  }
  return coveredBytes(record.ranges)
}

type Part = Awaited<ReturnType<typeof open>>

async function expectThere(part: Part, { start, end }: ByteRange, content: VirtualFile): Promise<void> {
  for (let at = start; at < end; at += PIECE) {
    const length = Math.min(PIECE, end - at)
    const { buffer, bytesRead } = await part.read(Buffer.alloc(length), 0, length, at)
    const isThere = bytesRead === length && buffer.equals(content.content(at, length))
    expect(isThere, `[${start}, ${end}) is claimed, and wrong behind ${at}`).toBe(true)
  }
}
