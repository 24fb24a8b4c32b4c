/** The names beside a target that belong to its transfer. Pure. */
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'

/** What a name may be long, in bytes, on the file systems in use (ext4, XFS, APFS, NTFS in UTF-16 units). */
const LONGEST_NAME_BYTES = 255

const PART = '.octoftp-part'
const JOURNAL = '.octoftp-journal'
const LOCK = '.octoftp-lock'
const MODE = '.octoftp-mode'
const LONGEST_SUFFIX_BYTES = Math.max(PART.length, JOURNAL.length, LOCK.length)

/** The path of the unfinished file: `<target>.octoftp-part`, or a hash where a name beside it would grow too long. */
export function partPath(target: string): string {
  return beside(target, PART)
}

/** The path of the journal that says what of the unfinished file is there: `<target>.octoftp-journal`. */
export function journalPath(target: string): string {
  return beside(target, JOURNAL)
}

/** The path of the lock that keeps other processes from the unfinished file: `<target>.octoftp-lock`. */
export function lockPath(target: string): string {
  return beside(target, LOCK)
}

/** The path of a file that is there for a moment, to see the permissions of new files. */
export function modePath(target: string): string {
  return beside(target, MODE)
}

/** All of them have one stem, so that a person who finds one finds the others. */
function beside(target: string, suffix: string): string {
  return join(dirname(target), stem(basename(target)) + suffix)
}

function stem(name: string): string {
  if (Buffer.byteLength(name) + LONGEST_SUFFIX_BYTES <= LONGEST_NAME_BYTES) return name
  return createHash('sha256').update(name).digest('hex')
}
