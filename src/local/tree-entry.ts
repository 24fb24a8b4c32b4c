/** What one side of a mirror knows of a name in a directory, whichever side it is. */

/** Unknown is `undefined`, never a guess. */
export interface TreeEntry {
  /** One name, no path. */
  readonly name: string
  /** `other`: a device, a socket, what nobody can tell. */
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  /** Bytes, of a file. */
  readonly size: number | undefined
  /** Milliseconds since 1970, UTC. */
  readonly modifiedMs: number | undefined
  /** How exactly {@link TreeEntry.modifiedMs} is known. */
  readonly precision: 'millisecond' | 'second' | 'minute' | 'day' | undefined
  /** Where a symbolic link leads, as it is written in the link. */
  readonly target: string | undefined
  /** The same for all names of one file or directory, where a server tells it (RFC 3659 §7.5.2). */
  readonly unique?: string | undefined
}
