/** What a mirror does about one name: plain data, which a dry run gives to its caller. */
import type { FtpProtocolError, FtpTransferError } from '../errors.ts'
import type { TreeEntry } from '../local/tree-entry.ts'

/**
 * `'missing'`: the target has no such name. `'type'`: it has something else of that name. `'size'`, `'modified'`,
 * `'checksum'`: that is what differs. `'unknown'`: neither sizes nor times are known on both sides. `'always'`: option
 * `compare` says so.
 */
export type TransferReason = 'missing' | 'type' | 'size' | 'modified' | 'checksum' | 'unknown' | 'always'

/**
 * By what two were found equal. `'size'`: the sizes alone, as asked, or since a time is not known. `'modified'`: the
 * times alone, since a size is not known. `'not older'`: the target, which cannot have the source's time, is not older,
 * and its size does not differ. `'directory'`: both are directories. `'link'`: both links lead to the same.
 */
export type EqualRule =
  'size+modified' | 'size' | 'modified' | 'not older' | 'checksum' | 'directory' | 'link'

/**
 * `'exists'`: something stands there, and option `overwrite` says not to replace it. `'link'`: links are not mirrored.
 * `'other'`: neither file, directory nor link; what is not known is not deleted either. `'depth'`: a directory beyond
 * `maxDepth`. `'older'`: not newer than `newerThan`. `'duplicate'`: the listing had the name before.
 */
export type SkipReason = 'exists' | 'link' | 'other' | 'depth' | 'excluded' | 'older' | 'duplicate'

/** A file of the source, as its listing tells. */
interface SourceFile {
  /** From the root of the mirror, names joined by `/`; so in every action. */
  readonly path: string
  /** Bytes. */
  readonly size: number | undefined
  /** Milliseconds since 1970, UTC. */
  readonly modifiedMs: number | undefined
  /** How finely the time was told. */
  readonly precision: TreeEntry['precision']
}

/** A file is brought over. */
export interface TransferAction extends SourceFile {
  /** Which step it is. */
  readonly type: 'transfer'
  /** Why. */
  readonly reason: TransferReason
  /** What stands there and is replaced. A link: itself, and never what it leads to. */
  readonly replaces: TreeEntry | undefined
}

/** What the listings tell is equal, and both sides are to be asked for a checksum. */
export interface CompareChecksumAction extends SourceFile {
  /** Which step it is. */
  readonly type: 'compare-checksum'
  /** What stands there now. */
  readonly replaces: TreeEntry
}

/** A directory is missing at the target. */
export interface MakeDirectoryAction {
  /** Which step it is. */
  readonly type: 'make-directory'
  /** From the root of the mirror. */
  readonly path: string
}

/** A symbolic link is made, with `symlinks: 'recreate'`. */
export interface LinkAction {
  /** Which step it is. */
  readonly type: 'link'
  /** From the root of the mirror. */
  readonly path: string
  /** Where the link leads, as it is written in the source's. */
  readonly target: string
  /** What stands there now. */
  readonly replaces: TreeEntry | undefined
}

/** Nothing is to be done. */
export interface EqualAction {
  /** Which step it is. */
  readonly type: 'equal'
  /** From the root of the mirror. */
  readonly path: string
  /** By what they were found equal. */
  readonly rule: EqualRule
}

/** What the target alone has, or has as something else, goes. */
export interface DeleteAction {
  /** Which step it is. */
  readonly type: 'delete'
  /** Of what the target has there, in its own writing. */
  readonly path: string
  /** What it is. */
  readonly entry: TreeEntry
  /**
   * Whether something else comes in its place, by the next action: it has to be gone before. Where something in it
   * stays, nothing can come.
   */
  readonly first: boolean
  /**
   * Whether it is a directory. What is in it is not in the plan yet: to be listed, planned as if the source had
   * nothing there, and counted; and the directory is deleted last, if nothing in it stays.
   */
  readonly isTree: boolean
}

/** Left out on purpose. */
export interface SkipAction {
  /** Which step it is. */
  readonly type: 'skip'
  /** From the root of the mirror. */
  readonly path: string
  /** Why. */
  readonly reason: SkipReason
}

/** What is not to be done, such as a name that leads elsewhere. */
export interface RefuseAction {
  /** Which step it is. */
  readonly type: 'refuse'
  /** From the root of the mirror. */
  readonly path: string
  /** Of a transfer: its `path` is that of the action. */
  readonly error: FtpTransferError | FtpProtocolError
}

/** One step of a mirror's plan: by `type`. */
export type Action =
  | TransferAction
  | CompareChecksumAction
  | MakeDirectoryAction
  | LinkAction
  | EqualAction
  | DeleteAction
  | SkipAction
  | RefuseAction
