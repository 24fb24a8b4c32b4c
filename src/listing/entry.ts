/** What a line of a listing tells of one file, whatever the format. */
import type { ModifiedPrecision, ModifiedTime } from './modified.ts'

/** What an entry is. `other`: a device, a socket, what the server does not tell, a line that nobody can read. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'other'

/**
 * One entry of a directory. What the server did not tell is `undefined`, never a guess; every field is there
 * in every entry.
 */
export interface Entry {
  /** As the server sent it, blanks at its ends included where the format lets them be known. Never `.` or `..`. */
  readonly name: string
  /** Where the entry is, if that was asked with it: a listing alone does not know. */
  readonly path: string | undefined
  /** `other`: a device, a socket, what the server does not tell, and a line that could not be read. */
  readonly type: EntryType
  /** In bytes; `undefined` too for one that no number holds exactly. */
  readonly size: number | undefined
  /** When it was last modified, as exactly as {@link modifiedPrecision} says. */
  readonly modifiedAt: Date | undefined
  /** How finely {@link modifiedAt} was told. */
  readonly modifiedPrecision: ModifiedPrecision | undefined
  /** Where a link leads, as the server wrote it. */
  readonly target: string | undefined
  /** Nine letters as `ls` prints them, `rwxr-x---`. */
  readonly permissions: string | undefined
  /** A name, or a number where the server tells no names. */
  readonly owner: string | undefined
  /** A name, or a number where the server tells no names. */
  readonly group: string | undefined
  /** The same for all names of one file (RFC 3659 §7.5.2). */
  readonly unique: string | undefined
  /** All facts of a machine listing as they were sent, by their names in lower case. */
  readonly facts: ReadonlyMap<string, string> | undefined
  /** The line as it came; an entry that took several has them with `\n` in between. */
  readonly raw: string
}

/** What a parser knows; {@link entryOf} fills in the rest. */
export interface KnownOfEntry {
  readonly name: string
  readonly type: EntryType
  readonly raw: string
  readonly size?: number | undefined
  readonly modified?: ModifiedTime | undefined
  readonly target?: string | undefined
  readonly permissions?: string | undefined
  readonly owner?: string | undefined
  readonly group?: string | undefined
  readonly unique?: string | undefined
  readonly facts?: ReadonlyMap<string, string> | undefined
}

/** The only place that makes entries: so they have one shape, with their fields in one order. */
export function entryOf(known: KnownOfEntry): Entry {
  return {
    name: known.name,
    path: undefined,
    type: known.type,
    size: known.size,
    modifiedAt: known.modified?.time,
    modifiedPrecision: known.modified?.precision,
    target: known.target,
    permissions: known.permissions,
    owner: known.owner,
    group: known.group,
    unique: known.unique,
    facts: known.facts,
    raw: known.raw,
  }
}

/** What a server sends empty, it does not tell. */
export function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
