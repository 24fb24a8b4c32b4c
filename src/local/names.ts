/** The names beside a target that belong to its transfer. Pure. */
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'

/** What a name may be long, in bytes, on the file systems in use (ext4, XFS, APFS, NTFS in UTF-16 units). */
const LONGEST_NAME_BYTES = 255

/** The path of the unfinished file: `<target>.octoftp-part`, or a hash where that name would grow too long. */
export function partPath(target: string): string {
  return join(dirname(target), `${stem(basename(target), '.octoftp-part')}.octoftp-part`)
}

function stem(name: string, suffix: string): string {
  if (Buffer.byteLength(name) + suffix.length <= LONGEST_NAME_BYTES) return name
  return createHash('sha256').update(name).digest('hex')
}
