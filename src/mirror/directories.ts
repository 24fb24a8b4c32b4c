/**
 * The walk of a mirror: each directory is listed on both sides, what is to be done there is planned, the directories
 * that it needs are made, and then those below are listed in turn.
 */
import type { TransferContext } from '../transfer/transfer.ts'
import type { Action } from './action.ts'
import { joinedPath } from './diff.ts'
import type { Direction, Listed } from './direction.ts'
import type { Extra } from './extra.ts'
import type { Held, Lanes, LaneTask } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { MirrorFailure } from './mirror-result.ts'
import { planDirectory, type DirectoryToPlan } from './plan-directory.ts'
import type { Tally } from './tally.ts'
import { UNKNOWN, type Identity } from './way.ts'

export interface DirectoriesOptions {
  readonly direction: Direction
  readonly settings: MirrorSettings
  readonly context: TransferContext
  readonly lanes: Lanes
  readonly extra: Extra
  readonly tally: Tally
  /** Told of each action in a directory, but for directories to be made. */
  readonly onAction: (action: Action, surroundings: Surroundings) => void
  readonly onFailed: (failure: MirrorFailure) => void
  /** Told when another one is done. */
  readonly onProgress: () => void
  /** Told of what ends all of the work. */
  readonly onFailure: (error: unknown) => void
}

interface Directory extends DirectoryToPlan {
  readonly isTargetThere: boolean
}

/** What an action of a directory depends on. */
export interface Surroundings {
  /** Whether the source has no such directory. */
  readonly isExtra: boolean
  /** Paths where something else has to be deleted first. */
  readonly blocked: ReadonlySet<string>
}

export class Directories {
  readonly #options: DirectoriesOptions
  readonly #waiting: Directory[] = []
  #underWay = 0
  #done = 0
  readonly #plan: Action[] = []

  constructor(options: DirectoriesOptions) {
    this.#options = options
  }

  get isIdle(): boolean {
    return this.#underWay === 0 && this.#waiting.length === 0
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** How many are being listed, or are next in a lane. */
  get underWay(): number {
    return this.#underWay
  }

  /** How many have been listed. */
  get done(): number {
    return this.#done
  }

  /** Of a dry run: all that would be done. */
  get plan(): readonly Action[] {
    return this.#plan
  }

  enterRoot(root: Identity): void {
    this.#waiting.push({
      ...{ path: '', way: { ...root, path: '', above: undefined } },
      ...{ isTargetThere: true, isExtra: false },
    })
  }

  /** One that the source does not have. */
  enterExtra(path: string): void {
    const way = { ...UNKNOWN, path, above: undefined }
    this.#waiting.push({ path, way, isTargetThere: true, isExtra: true })
  }

  /** Starts with one that waits: the last to be found first, so that few are waiting. */
  listNext(): void {
    const directory = this.#waiting.pop()
    if (directory === undefined) return
    this.#underWay += 1
    this.#options.lanes.add(this.#listing(directory), true)
  }

  #listing(directory: Directory): LaneTask {
    const { direction } = this.#options
    const { path, isTargetThere, isExtra } = directory
    const over = (): void => {
      this.#underWay -= 1
      this.#done += 1
      this.#options.onProgress()
    }
    return {
      ride: async (held) => {
        const ridden = isExtra ? undefined : await direction.ride(path, isTargetThere, held)
        if (ridden === undefined) return undefined
        const { listed, isInStep } = ridden
        const planned = async (): Promise<void> => {
          await this.#planFor(directory, await listed(), isInStep ? held : undefined)
          over()
        }
        if (!isInStep) return { rest: planned() }
        await planned()
        return { rest: Promise.resolve() }
      },
      alone: async () => {
        const { extra, onFailed, onFailure } = this.#options
        try {
          const listed = isExtra
            ? { source: [], target: await direction.listTarget(path) }
            : await direction.list(path, isTargetThere)
          await this.#planFor(directory, listed, undefined)
        } catch (error) {
          extra.notListed()
          onFailed({ path, action: 'list', error })
          // Without the root there is nothing to be done.
          if (path === '') onFailure(error)
        } finally {
          over()
        }
      },
    }
  }

  async #planFor(directory: Directory, listed: Listed, held: Held | undefined): Promise<void> {
    const { settings, context, extra, tally, onAction } = this.#options
    context.signal.throwIfAborted()
    const planned = await planDirectory(this.#options, directory, listed, held)
    const { source, target, identities, actions, descend } = planned
    if (settings.dryRun) this.#plan.push(...actions)
    const blocked = new Set(settings.dryRun ? [] : actions.filter(isInTheWay).map(({ path }) => path))
    const made = actions.flatMap(({ type, path }) => {
      return type === 'make-directory' && !blocked.has(path) ? [path] : []
    })
    const failed = await this.#makeDirectories(made, held)
    // Not before: where the session is lost over the directories, this is done once more.
    extra.listed(source.length, target?.length ?? 0)
    for (const action of actions) onAction(action, { isExtra: directory.isExtra, blocked })
    for (const { name, target: there } of descend) {
      const path = joinedPath(directory.path, name)
      if (failed.has(path)) continue
      const way = { ...(identities.get(name) ?? UNKNOWN), path, above: directory.way }
      const next = { path, way, isTargetThere: there === 'there', isExtra: false }
      if (!blocked.has(path)) this.#waiting.push(next)
      else extra.behind(path, () => this.#enterMade(next))
    }
    context.meter.total = tally.bytesFound
  }

  /** What stood in its place has been deleted. */
  async #enterMade(directory: Directory): Promise<void> {
    const failed = await this.#makeDirectories([directory.path], undefined)
    if (failed.size === 0) this.#waiting.push(directory)
  }

  /** Gives those that could not be made. */
  async #makeDirectories(paths: readonly string[], held: Held | undefined): Promise<Map<string, unknown>> {
    const { direction, settings, tally, onFailed } = this.#options
    if (paths.length === 0 || settings.dryRun) return new Map()
    const failed = await direction.makeDirectories(paths, held)
    for (const path of paths) {
      if (failed.has(path)) onFailed({ path, action: 'make-directory', error: failed.get(path) })
      else tally.directoryMade(path)
    }
    return failed
  }
}

/** Whether what is deleted has to be gone before something else can come. */
function isInTheWay(action: Action): boolean {
  return action.type === 'delete' && action.first
}
