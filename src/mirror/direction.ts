/** What differs between a mirror down and a mirror up. Paths are relative to the roots. */
import type { LocalTree } from '../local/local-tree.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import type { SourcePlace } from '../segmented/source.ts'
import type { Session } from '../session/session.ts'
import type { Transfer, TransferContext } from '../transfer/transfer.ts'
import type { Action, RefuseAction } from './action.ts'
import type { Held } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { RemoteSide } from './remote-side.ts'
import type { RemoteTree } from './remote-tree.ts'
import type { SessionBudget } from './session-budget.ts'
import type { ChecksumOutcome } from './settle-checksum.ts'
import type { Share } from './shares.ts'
import type { Identity, Way } from './way.ts'

/** A directory on both sides. */
export interface Listed {
  readonly source: readonly TreeEntry[]
  /** `undefined`: the directory is not there. */
  readonly target: readonly TreeEntry[] | undefined
}

/** The same, links being looked into. */
export interface Resolved extends Listed {
  /** By name: what is not to be touched, and why. */
  readonly refused: ReadonlyMap<string, RefuseAction['error']>
  /** By name: what the source's directories are. */
  readonly identities: ReadonlyMap<string, Identity>
}

export interface FileFacts {
  readonly path: string
  readonly size: number | undefined
  readonly modifiedMs: number | undefined
  readonly precision: TreeEntry['precision']
  /** What stands there. A link is replaced, and never written through. */
  readonly replaces: TreeEntry | undefined
}

/** What both directions are made of. */
export interface DirectionOptions {
  readonly remote: RemoteTree
  readonly server: RemoteSide
  readonly local: LocalTree
  /** A file of the server as the place of a transfer by all of the mirror's sessions. */
  readonly place: (path: string) => SourcePlace
  readonly sessions: SessionBudget
  readonly largeSessions: SessionBudget
  readonly settings: MirrorSettings
  readonly context: TransferContext
}

export interface Direction {
  readonly side: 'down' | 'up'
  /** Whether times can be set on the target. */
  readonly keepsTimes: boolean
  /** Whether names in a directory that differ in case alone are one on the target; `false` where there are none such. */
  isCaseInsensitive(listed: Listed): Promise<boolean>
  /** Makes sure of both roots, and tells what that of the source is. Rejects if there is no source. */
  open(session: Session): Promise<Identity>
  /**
   * Lists a directory on a session, where that can be done. What it gives resolves when the listings are known to be
   * whole; with `isInStep` the session is still needed for what follows.
   */
  ride(
    path: string,
    isTargetThere: boolean,
    held: Held,
  ): Promise<{ readonly listed: () => Promise<Listed>; readonly isInStep: boolean } | undefined>
  /** The same without a session. */
  list(path: string, isTargetThere: boolean): Promise<Listed>
  /** What is behind links in a directory that has been listed; `plan` is what would be done if nothing was. */
  resolve(way: Way, listed: Listed, plan: () => readonly Action[], held: Held | undefined): Promise<Resolved>
  /** What is in a directory of the target that the source does not have. */
  listTarget(path: string): Promise<readonly TreeEntry[]>
  /** The exact times of files on the remote side, where its listings tell coarser ones. */
  exactTimes(paths: readonly string[], held: Held | undefined): Promise<Map<string, number>>
  makeDirectories(paths: readonly string[], held: Held | undefined): Promise<Map<string, unknown>>
  /**
   * Brings a small file over. Resolves when the next can follow, with what is left of it; `undefined` where it has to
   * be brought by itself.
   */
  rideFile(file: FileFacts, held: Held): Promise<{ readonly rest: Promise<void> } | undefined>
  /** Behind the last file on a session. Never rejects. */
  leave(held: Held): Promise<void>
  /** In its place where the session is lost: what was still to be asked about that file, it is done again for. */
  lost(session: Session, reason: unknown): void
  /** Brings a file over by itself, with all patience; a large one by its share of the sessions. */
  transfer(file: FileFacts, share: Share | undefined): Transfer<unknown>
  makeLink(path: string, target: string): Promise<void>
  /** Removes a file, a link, or a directory that is empty. */
  remove(path: string, type: TreeEntry['type']): Promise<void>
  compareByChecksum(file: FileFacts): Promise<ChecksumOutcome>
}

/** For a large file by itself: what it tries again, and gives up. Its segments are its own affair. */
export function onlyRetries(emit: TransferContext['emit']): TransferContext['emit'] {
  return (name, event) => {
    if (name === 'retry' || name === 'restart') emit(name, event)
  }
}
