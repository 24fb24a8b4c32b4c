/** What a killed process has left under a temporary name: taken away, but never from under one that still runs. */
import type { Stats } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { delay } from '../util/timer.ts'
import { removeJournal } from './journal-file.ts'
import { refused } from './local-error.ts'
import { lstatIfThere } from './lstat-if-there.ts'
import { LockFile } from './lock-file.ts'
import { journalPath, partPath } from './names.ts'
import { isText, systemPath } from './system-path.ts'

/** A small file has its temporary name for a few milliseconds: one that stays as it is for so long nobody is writing. */
const WATCH_MS = 500

/**
 * Makes room for the temporary name beside `target`. Rejects with `ERR_FTP_LOCAL_FILE` where another process is
 * writing there, or something stands there that is not of this user.
 */
export async function clearLeftover(target: string, signal: AbortSignal): Promise<void> {
  // Large files have their temporary name for hours, and a lock. Paths that are no text are never theirs.
  const lock = isText(target) ? await LockFile.take(target, signal) : undefined
  try {
    // A journal without its part file would claim bytes that are not there.
    if (lock !== undefined) await removeJournal(journalPath(target))
    await removeUnused(partPath(target), signal)
  } finally {
    await lock?.release()
  }
}

async function removeUnused(path: string, signal: AbortSignal): Promise<void> {
  const seen = await lstatIfThere(path)
  if (seen === undefined) return
  if (!isOwn(seen)) throw refused(path, 'something that is not an unfinished download stands there')
  // However old it seems: a clock that was set, or a file server's, says nothing of it.
  await delay(WATCH_MS, signal)
  const now = await lstatIfThere(path)
  if (now === undefined) return
  const isSame = now.ino === seen.ino && now.ctimeMs === seen.ctimeMs && now.size === seen.size
  if (!isSame) throw refused(path, 'another program is writing it')
  await unlink(systemPath(path))
}

/** A link too: it is removed, not followed. */
function isOwn(facts: Stats): boolean {
  const foreign = process.getuid !== undefined && facts.uid !== process.getuid()
  return (facts.isFile() || facts.isSymbolicLink()) && !foreign
}
