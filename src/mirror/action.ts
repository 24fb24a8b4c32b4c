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
  readonly precision: TreeEntry['precision']
}

export interface TransferAction extends SourceFile {
  readonly type: 'transfer'
  readonly reason: TransferReason
  /** What stands there and is replaced. A link: itself, and never what it leads to. */
  readonly replaces: TreeEntry | undefined
}

/** What the listings tell is equal, and both sides are to be asked for a checksum. */
export interface CompareChecksumAction extends SourceFile {
  readonly type: 'compare-checksum'
  readonly replaces: TreeEntry
}

export interface MakeDirectoryAction {
  readonly type: 'make-directory'
  readonly path: string
}

export interface LinkAction {
  readonly type: 'link'
  readonly path: string
  /** Where the link leads, as it is written in the source's. */
  readonly target: string
  readonly replaces: TreeEntry | undefined
}

export interface EqualAction {
  readonly type: 'equal'
  readonly path: string
  readonly rule: EqualRule
}

export interface DeleteAction {
  readonly type: 'delete'
  /** Of what the target has there, in its own writing. */
  readonly path: string
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

export interface SkipAction {
  readonly type: 'skip'
  readonly path: string
  readonly reason: SkipReason
}

export interface RefuseAction {
  readonly type: 'refuse'
  readonly path: string
  /** Of a transfer: its `path` is that of the action. */
  readonly error: FtpTransferError | FtpProtocolError
}

export type Action =
  | TransferAction
  | CompareChecksumAction
  | MakeDirectoryAction
  | LinkAction
  | EqualAction
  | DeleteAction
  | SkipAction
  | RefuseAction
