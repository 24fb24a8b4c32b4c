/** What a mirror has done, and what it tells on the way. */
import type { Action } from './action.ts'
import type { MirrorEntryEvent } from '../transfer/events.ts'

/** What a mirror could not do with one name. */
export interface MirrorFailure {
  /** Relative to the roots, names separated by `/`; `''` for the root itself. */
  readonly path: string
  /** What was to be done. */
  readonly action: MirrorEntryEvent['action']
  /** Mostly an `FtpError`. */
  readonly error: unknown
}

/** What a mirror has done. */
export interface MirrorResult {
  /** Files brought over. */
  readonly transferred: number
  /** Files, and links that were to be made, that were the same on both sides. */
  readonly equal: number
  /**
   * What was left out on purpose: links, what options exclude, what is older than asked for, too deep, or stands there
   * with `overwrite: 'skip'`. Of the target, with `delete`, what is kept for such a reason.
   */
  readonly skipped: number
  /** Directories that were missing. */
  readonly directoriesMade: number
  /** Symbolic links, with `symlinks: 'recreate'`. */
  readonly linksMade: number
  /** Files, links and directories. */
  readonly deleted: number
  /** Bytes of the files brought over. */
  readonly bytes: number
  /** Since the call. */
  readonly elapsedSeconds: number
  /** The time spent paused left out. */
  readonly averageBytesPerSecond: number
  /** The most data connections at work at once. */
  readonly connections: number
  /** What could not be done, each with its error. The rest was. */
  readonly failures: readonly MirrorFailure[]
  /**
   * Of a dry run: everything that would be done, and what would be left as it is, with the reasons. Whether it would be
   * safe to delete is not asked.
   */
  readonly plan: readonly Action[] | undefined
}
