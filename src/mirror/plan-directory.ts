/** What is to be done in one directory that has been listed on both sides: links looked into, exact times asked for. */
import type { TreeEntry } from '../local/tree-entry.ts'
import type { Action } from './action.ts'
import { diff, joinedPath, type Diff, type DiffContext } from './diff.ts'
import type { Direction, Listed, Resolved } from './direction.ts'
import type { Held } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { Way } from './way.ts'

export interface DirectoryToPlan {
  readonly path: string
  readonly way: Way
  /** The source has no such directory: what is in it is extra. */
  readonly isExtra: boolean
}

export interface Sides {
  readonly direction: Direction
  readonly settings: MirrorSettings
}

export interface PlannedDirectory extends Diff, Pick<Resolved, 'source' | 'target' | 'identities'> {}

export async function planDirectory(
  sides: Sides,
  directory: DirectoryToPlan,
  listed: Listed,
  held: Held | undefined,
): Promise<PlannedDirectory> {
  const isCaseInsensitive = await sides.direction.isCaseInsensitive(listed)
  const planned = { ...sides, isCaseInsensitive }
  const { source, target, refused, identities } = await resolved(planned, directory, listed, held)
  const { actions, descend } = await differences(planned, directory, { source, target, refused, held })
  return { source, target, identities, actions, descend }
}

interface Planned extends Sides {
  readonly isCaseInsensitive: boolean
}

function contextOf(
  { settings, direction, isCaseInsensitive }: Planned,
  { path }: DirectoryToPlan,
): DiffContext {
  const { side, keepsTimes } = direction
  return { settings, path, direction: side, keepsTimes, isCaseInsensitive }
}

/** With what links on the server lead to. */
async function resolved(
  sides: Planned,
  directory: DirectoryToPlan,
  listed: Listed,
  held: Held | undefined,
): Promise<Resolved> {
  const { direction } = sides
  // This machine tells of its links by itself.
  if (directory.isExtra && direction.side === 'down')
    return { ...listed, refused: new Map(), identities: new Map() }
  const asListed = (): readonly Action[] =>
    diff(listed.source, listed.target, contextOf(sides, directory)).actions
  return direction.resolve(directory.way, listed, asListed, held)
}

/** By the exact times of files, where times that are told coarsely decide whether they are brought over. */
async function differences(
  sides: Planned,
  directory: DirectoryToPlan,
  { source, target, refused, held }: Listed & Pick<Resolved, 'refused'> & { readonly held: Held | undefined },
): Promise<Diff> {
  const { direction, settings } = sides
  const asListed = diff(source, target, { ...contextOf(sides, directory), refused })
  const isAsked = (action: Action): boolean =>
    action.type === 'transfer' && (action.reason === 'modified' || settings.newerThanMs !== undefined)
  const paths = asListed.actions.flatMap((action) => (isAsked(action) ? [action.path] : []))
  if (paths.length === 0) return asListed
  const times = await direction.exactTimes(paths, held)
  const known = (entry: TreeEntry): TreeEntry => {
    const modifiedMs = times.get(joinedPath(directory.path, entry.name))
    return modifiedMs === undefined ? entry : { ...entry, modifiedMs, precision: 'second' }
  }
  // Asked anew: it may have turned out that times cannot be set.
  const context = { ...contextOf(sides, directory), refused }
  return direction.side === 'down'
    ? diff(source.map(known), target, context)
    : diff(source, target?.map(known), context)
}
