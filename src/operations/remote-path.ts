/** Remote paths as callers give them. */
import { decodeName, printable } from '../protocol/text.ts'
import type { RemotePath } from '../session/session.ts'

const LONGEST_SHOWN = 1_024

export interface CheckedPath {
  readonly path: RemotePath
  /** For messages. */
  readonly shownPath: string
}

/** Throws a `TypeError` for what is no path, or would be read as a second command. */
export function remotePath(remote: RemotePath): CheckedPath {
  const isText = typeof remote === 'string'
  if (!isText && !(remote instanceof Uint8Array))
    throw new TypeError('The remote path must be a string or bytes')
  if (remote.length === 0) throw new TypeError('The remote path is empty')
  const bytes = isText ? new TextEncoder().encode(remote) : remote
  if (bytes.some((byte) => byte === 0 || byte === 10 || byte === 13)) {
    throw new TypeError('The remote path may not hold CR, LF or NUL')
  }
  return { path: remote, shownPath: printable(isText ? remote : decodeName(bytes), LONGEST_SHOWN) }
}
