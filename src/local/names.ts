/** The names beside a target that belong to its transfer. Pure. */
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { encodeText } from '../protocol/text.ts'

/** What a name may be long, in bytes, on the file systems in use (ext4, XFS, APFS, NTFS in UTF-16 units). */
const LONGEST_NAME_BYTES = 255

const PART = '.octoftp-part'
const JOURNAL = '.octoftp-journal'
const LOCK = '.octoftp-lock'
const MODE = '.octoftp-mode'
const CASE = '.octoftp-case'
const WHOLE = '.octoftp-whole'
/** All of these, ranges that come together, and what an atomic upload may leave on a server. */
const OWN_NAME = /\.octoftp-(?:part|journal|lock|mode|case|whole|[0-9a-f]{8})$/i
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

/** The path of the directory in which ranges of a file come together, of one version and cut in one way: `key`. */
export function rangesPath(target: string, key: string): string {
  return beside(target, `.octoftp-${key}`)
}

/** The path of a file that is there for a moment, to see the permissions of new files. */
export function modePath(target: string): string {
  return beside(target, MODE)
}

/** The path of a file that is there for a moment, to see whether it is found in capital letters too. */
export function casePath(directory: string, random: string): string {
  return join(directory, random + CASE)
}

/** The path of a whole file in `directory` until it gets the name `relativePath`: the same in every run. */
export function standInPath(directory: string, relativePath: string): string {
  return join(directory, createHash('sha256').update(encodeText(relativePath)).digest('hex') + WHOLE)
}

/** Whether a name is one of ours: mirrors neither list, transfer nor compare such files. Ignores case, as disks may. */
export function isOwnName(name: string): boolean {
  return OWN_NAME.test(name)
}

/** All of them have one stem, so that a person who finds one finds the others. */
function beside(target: string, suffix: string): string {
  return join(dirname(target), stem(basename(target), Math.max(LONGEST_SUFFIX_BYTES, suffix.length)) + suffix)
}

function stem(name: string, suffixBytes: number): string {
  if (Buffer.byteLength(name) + suffixBytes <= LONGEST_NAME_BYTES) return name
  return createHash('sha256').update(name).digest('hex')
}
