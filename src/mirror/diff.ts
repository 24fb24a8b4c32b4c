/**
 * What is to be done in one directory, to make the target's like the source's. Pure.
 *
 *   source's entries ─┐  once through the source: an action a name
 *                     ├─►                                            ─► actions, directories to go on with
 *   target's entries ─┘  once through the target: what is extra, if `delete`
 *
 * Owns: the rules by which names are matched, compared, left out and deleted. A listing that may not be whole must not
 * come here: what it lacks would be deleted. That the whole source is empty, and how much is deleted in all, is for the
 * caller to judge.
 */
import { isOwnName } from '../local/names.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import type {
  Action,
  LinkAction,
  MakeDirectoryAction,
  RefuseAction,
  SkipReason,
  TransferAction,
} from './action.ts'
import { compareFiles } from './compare-files.ts'
import { latestMs } from './compare-times.ts'
import { keptByOption } from './kept-by-option.ts'
import type { MirrorSettings } from './mirror-options.ts'
import { nameKey } from './name-key.ts'
import { collision, deadLink, kindOf, noName, occupied, type Direction } from './refusals.ts'

export interface DiffContext {
  readonly settings: Pick<
    MirrorSettings,
    'filter' | 'compare' | 'overwrite' | 'newerThanMs' | 'delete' | 'deleteExcluded' | 'symlinks' | 'maxDepth'
  >
  /** Of the directory, from the root of the mirror; empty for the root. */
  readonly path: string
  /** `'down'`: the target is local. */
  readonly direction: Direction
  /** Whether a file that has been transferred has the time of its source: not where a server cannot set it. */
  readonly keepsTimes: boolean
  /** Whether the target takes names that differ in case, or in Unicode's normal form, for one. */
  readonly isCaseInsensitive: boolean
  /** By name: what is not to be touched, on either side, and why. @default nothing */
  readonly refused?: ReadonlyMap<string, RefuseAction['error']> | undefined
}

/** A directory of the source to go on with. */
export interface Descent {
  readonly name: string
  /** `'missing'`: the target has none; its own action, which comes before, makes it. */
  readonly target: 'there' | 'missing'
}

export interface Diff {
  /** In the order in which they are to begin: what is extra is deleted last. */
  readonly actions: readonly Action[]
  readonly descend: readonly Descent[]
}

/**
 * `target` is `undefined` where the directory is not there. For what is deleted with a directory the source is empty.
 * Throws what the caller's own functions in `include` and `exclude` throw.
 */
export function diff(
  source: readonly TreeEntry[],
  target: readonly TreeEntry[] | undefined,
  context: DiffContext,
): Diff {
  const planning = new Planning(target ?? [], context)
  for (const entry of source) planning.take(entry)
  if (context.settings.delete) planning.takeExtra()
  return planning
}

/** The path of a name in a directory, both from the root of the mirror. */
export function joinedPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

/** What may come in the place of something else. */
type Arrival = TransferAction | MakeDirectoryAction | LinkAction

class Planning implements Diff {
  readonly actions: Action[] = []
  readonly descend: Descent[] = []
  readonly #context: DiffContext
  readonly #keyOf: (name: string) => string
  /** By key; of names that should not be there twice, the first. */
  readonly #there = new Map<string, TreeEntry>()
  /** The source's names by key, but for the excluded. */
  readonly #taken = new Map<string, string>()
  /** The keys of the source's excluded names. */
  readonly #excluded = new Set<string>()
  /** Whether directories in this one are not entered, and so not judged. */
  readonly #isDeepest: boolean

  constructor(target: readonly TreeEntry[], context: DiffContext) {
    this.#context = context
    this.#keyOf = context.isCaseInsensitive ? nameKey : (name) => name
    this.#isDeepest = depthOf(context.path) >= context.settings.maxDepth
    for (const entry of target) {
      const key = this.#keyOf(entry.name)
      if (!isOwnName(entry.name) && !this.#there.has(key)) this.#there.set(key, entry)
    }
  }

  /** An entry of the source. */
  take(entry: TreeEntry): void {
    const { name } = entry
    if (isOwnName(name)) return
    const path = this.#pathOf(entry)
    if (isNoName(name)) return this.#add({ type: 'refuse', path, error: noName(path) })
    const key = this.#keyOf(name)
    if (this.#context.settings.filter.isExcluded(path, entry)) {
      this.#excluded.add(key)
      return this.#skip(path, 'excluded')
    }
    const before = this.#taken.get(key)
    if (before === name) return this.#skip(path, 'duplicate')
    if (before !== undefined) {
      const error = collision(path, joinedPath(this.#context.path, before))
      return this.#add({ type: 'refuse', path, error })
    }
    this.#taken.set(key, name)
    const refused = this.#context.refused?.get(name)
    if (refused !== undefined) return this.#add({ type: 'refuse', path, error: refused })
    this.#plan(entry, path, this.#there.get(key))
  }

  /** What the target alone has. */
  takeExtra(): void {
    const { filter, deleteExcluded } = this.#context.settings
    for (const [key, entry] of this.#there) {
      if (this.#taken.has(key)) continue
      const path = this.#pathOf(entry)
      const isTold = this.#excluded.has(key)
      const isExcluded = isTold || filter.isExcluded(path, entry)
      const stays = isExcluded && !deleteExcluded ? 'excluded' : this.#whyItIsNotDeleted(entry)
      const refused = isTold ? undefined : this.#context.refused?.get(entry.name)
      if (isNoName(entry.name)) this.#add({ type: 'refuse', path, error: noName(path) })
      else if (stays === undefined && refused !== undefined)
        this.#add({ type: 'refuse', path, error: refused })
      else if (stays === undefined) this.#delete(path, entry, false)
      else if (!isTold) this.#skip(path, stays)
    }
  }

  #plan(entry: TreeEntry, path: string, there: TreeEntry | undefined): void {
    switch (entry.type) {
      case 'file':
        return this.#file(entry, path, there)
      case 'directory':
        return this.#directory(entry, path, there)
      case 'symlink':
        return this.#link(entry, path, there)
      case 'other':
        return this.#skip(path, 'other')
      default:
        return entry.type satisfies never
    }
  }

  #file(entry: TreeEntry, path: string, there: TreeEntry | undefined): void {
    const { settings, keepsTimes } = this.#context
    const latest = latestMs(entry)
    if (settings.newerThanMs !== undefined && latest !== undefined && latest <= settings.newerThanMs) {
      return this.#skip(path, 'older')
    }
    const { size, modifiedMs, precision } = entry
    const file = { path, size, modifiedMs, precision } as const
    if (there?.type !== 'file') {
      const reason = there === undefined ? 'missing' : 'type'
      this.#put({ type: 'transfer', ...file, reason, replaces: replaced(there) }, there)
      return
    }
    const verdict = compareFiles(entry, there, { compare: settings.compare, keepsTimes })
    switch (verdict.type) {
      case 'equal':
        return this.#add({ type: 'equal', path, rule: verdict.rule })
      case 'ask':
        return this.#add({ type: 'compare-checksum', ...file, replaces: there })
      case 'different':
        this.#put({ type: 'transfer', ...file, reason: verdict.reason, replaces: there }, there)
        return
      default:
        return verdict satisfies never
    }
  }

  #directory({ name }: TreeEntry, path: string, there: TreeEntry | undefined): void {
    if (this.#isDeepest) return this.#skip(path, 'depth')
    if (there?.type === 'directory') {
      this.#add({ type: 'equal', path, rule: 'directory' })
      this.descend.push({ name, target: 'there' })
      return
    }
    if (this.#put({ type: 'make-directory', path }, there)) this.descend.push({ name, target: 'missing' })
  }

  #link({ target }: TreeEntry, path: string, there: TreeEntry | undefined): void {
    const { settings, direction } = this.#context
    if (settings.symlinks === 'skip') return this.#skip(path, 'link')
    if (settings.symlinks === 'follow') {
      const error = deadLink(path, direction, 'it leads to nothing that can be mirrored')
      return this.#add({ type: 'refuse', path, error })
    }
    if (target === undefined) {
      const error = deadLink(path, direction, 'where it leads is not known')
      return this.#add({ type: 'refuse', path, error })
    }
    if (there?.type === 'symlink' && there.target === target) {
      return this.#add({ type: 'equal', path, rule: 'link' })
    }
    if (direction === 'up') {
      // Before what stands in its place may be deleted for it.
      const error = deadLink(path, direction, 'FTP has no command that makes links')
      return this.#add({ type: 'refuse', path, error })
    }
    this.#put({ type: 'link', path, target, replaces: replaced(there) }, there)
  }

  /** Adds what comes to a name, if it may take the place of what is `there`; gives whether it may. */
  #put(arrival: Arrival, there: TreeEntry | undefined): boolean {
    const { path } = arrival
    const { settings, direction } = this.#context
    if (there === undefined) {
      this.#add(arrival)
      return true
    }
    const kept = keptByOption(settings.overwrite, path, there, direction)
    if (kept !== undefined) {
      this.#add(kept)
      return false
    }
    const why = this.#whyItStays(arrival, there)
    if (why !== undefined) {
      this.#add({ type: 'refuse', path, error: occupied(path, direction, why) })
      return false
    }
    if (!isReplacedWhole(arrival, there)) this.#delete(this.#pathOf(there), there, true)
    this.#add(arrival)
    return true
  }

  /** Why what is `there` may not go, for another thing of its name; `undefined` if it may. */
  #whyItStays(arrival: Arrival, there: TreeEntry): string | undefined {
    const { settings } = this.#context
    const kind = kindOf(there)
    if (there.type === 'other') return `what stands there is ${kind}`
    if (isReplacedWhole(arrival, there)) return undefined
    if (!settings.delete) return `${kind} stands there, and option "delete" does not allow to delete it`
    if (there.type === 'directory' && this.#isDeepest) return `${kind} stands there, beyond "maxDepth"`
    const isExcluded = settings.filter.isExcluded(this.#pathOf(there), there)
    if (isExcluded && !settings.deleteExcluded) return `${kind} stands there, which is excluded`
    return undefined
  }

  #whyItIsNotDeleted({ type }: TreeEntry): 'other' | 'depth' | undefined {
    if (type === 'other') return 'other'
    return type === 'directory' && this.#isDeepest ? 'depth' : undefined
  }

  #delete(path: string, entry: TreeEntry, first: boolean): void {
    this.#add({ type: 'delete', path, entry, first, isTree: entry.type === 'directory' })
  }

  #skip(path: string, reason: SkipReason): void {
    this.#add({ type: 'skip', path, reason })
  }

  #add(action: Action): void {
    this.actions.push(action)
  }

  #pathOf({ name }: TreeEntry): string {
    return joinedPath(this.#context.path, name)
  }
}

function replaced(there: TreeEntry | undefined): TreeEntry | undefined {
  return there?.type === 'directory' ? undefined : there
}

/** Files and links take each other's place; a directory has to be gone before, or comes when they are. */
function isReplacedWhole(arrival: Arrival, there: TreeEntry): boolean {
  return arrival.type !== 'make-directory' && there.type !== 'directory'
}

/** Joined to a path it would mean another directory, or one deeper. */
function isNoName(name: string): boolean {
  return name === '' || name === '.' || name === '..' || name.includes('/')
}

/** 0 for the root. */
function depthOf(path: string): number {
  return path === '' ? 0 : path.split('/').length
}
