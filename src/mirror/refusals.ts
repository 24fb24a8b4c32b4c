/** Why a name is not mirrored, as an error that a person can act on. Its `path` is that from the root of the mirror. */
import { FtpTransferError } from '../errors.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import { printable } from '../protocol/text.ts'

export type Direction = 'down' | 'up'

const LONGEST_SHOWN = 1_024

/** Something stands there that is not replaced. */
export function occupied(path: string, direction: Direction, why: string): FtpTransferError {
  const code = direction === 'down' ? 'ERR_FTP_LOCAL_FILE' : 'ERR_FTP_EXISTS'
  return new FtpTransferError(code, `Cannot write ${shown(path)}: ${why}`, { path })
}

/** A name of the source that the target, which ignores case, would take for one before it. */
export function collision(path: string, other: string): FtpTransferError {
  const message = `${shown(path)} and ${shown(other)} are one name where the target is, which ignores case`
  return new FtpTransferError('ERR_FTP_UNSAFE_PATH', message, { path, expected: other })
}

/** A name that is none: as a part of a path it would mean something else. */
export function noName(path: string): FtpTransferError {
  return new FtpTransferError('ERR_FTP_UNSAFE_PATH', `${shown(path)} is not the name of one thing`, { path })
}

/** A link of the source of which nothing can be made. */
export function deadLink(path: string, direction: Direction, why: string): FtpTransferError {
  const code = direction === 'down' ? 'ERR_FTP_UNSAFE_PATH' : 'ERR_FTP_LOCAL_FILE'
  return new FtpTransferError(code, `Cannot mirror the link ${shown(path)}: ${why}`, { path })
}

/** A directory in which the mirror is already when it comes to it. */
export function loop(path: string, above: string): FtpTransferError {
  const message = `Cannot mirror ${shown(path)}: it leads back to ${above === '' ? 'the root' : shown(above)} or above it`
  return new FtpTransferError('ERR_FTP_UNSAFE_PATH', message, { path, actual: above })
}

const KINDS: Readonly<Record<TreeEntry['type'], string>> = {
  file: 'a file',
  directory: 'a directory',
  symlink: 'a link',
  other: 'neither file, directory nor link',
}

export function kindOf({ type }: TreeEntry): string {
  return KINDS[type]
}

function shown(path: string): string {
  return `"${printable(path, LONGEST_SHOWN)}"`
}
