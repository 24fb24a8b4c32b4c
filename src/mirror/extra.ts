/**
 * What the target has and the source has not, until it is deleted: behind everything else, and only where all of the
 * source is known. What has to come in its place waits here meanwhile.
 */
import { FtpTransferError } from '../errors.ts'
import { allOf } from '../local/all-of.ts'
import type { DeleteAction } from './action.ts'
import type { Direction } from './direction.ts'
import type { MirrorSettings } from './mirror-options.ts'
import { occupied } from './refusals.ts'

export interface ExtraOptions {
  readonly direction: Direction
  readonly settings: MirrorSettings
  readonly signal: AbortSignal
  /** Whether a failure has ended everything. */
  readonly isStopped: () => boolean
  /** How many may be deleted at once. */
  readonly atOnce: () => number
  readonly onDeleted: (path: string) => void
  readonly onFailed: (path: string, action: 'delete' | 'transfer', error: unknown) => void
}

/** So many may be deleted of however small a tree, unless an option says otherwise. */
const LEAST_MAX_DELETE = 10
const UNDELETED = 'something else is there, which could not be deleted'

export class Extra {
  readonly #options: ExtraOptions
  readonly #deletions: DeleteAction[] = []
  /** What is not deleted, and the directories above it. */
  readonly #staying = new Set<string>()
  readonly #behind: { readonly path: string; readonly work: () => void | Promise<void> }[] = []
  #isAllListed = true
  #isSourceEmpty = true
  #onTarget = 0

  constructor(options: ExtraOptions) {
    this.#options = options
  }

  /** A directory of the source, or of what is extra, could not be listed. */
  notListed(): void {
    this.#isAllListed = false
  }

  /** So many entries a directory has on both sides. */
  listed(onSource: number, onTarget: number): void {
    if (onSource > 0) this.#isSourceEmpty = false
    this.#onTarget += onTarget
  }

  add(action: DeleteAction): void {
    this.#deletions.push(action)
  }

  /** Does `work` when what stands at `path` has been deleted. */
  behind(path: string, work: () => void | Promise<void>): void {
    this.#behind.push({ path, work })
  }

  /** Something in an extra directory is not deleted: neither are the directories above it. */
  stays(path: string): void {
    this.#staying.add(path)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      this.#staying.add(path.slice(0, at))
    }
  }

  /** Rejects with `ERR_FTP_DELETE_REFUSED`, and nothing is deleted. */
  async delete(): Promise<void> {
    if (this.#options.settings.dryRun || this.#deletions.length === 0) return
    const deletions = this.#deletions.filter(({ path }) => !this.#staying.has(path))
    this.#expectSafe(deletions.length)
    const trees = deletions.filter(({ isTree }) => isTree)
    const others = deletions.filter(({ isTree }) => !isTree)
    await allOf(others, this.#options.atOnce(), (action) => this.#remove(action))
    // The deepest first: a directory goes when nothing is in it.
    trees.sort((a, b) => depthOf(b) - depthOf(a))
    for (const tree of trees) if (!this.#staying.has(tree.path)) await this.#remove(tree)
    for (const { path, work } of this.#behind.splice(0)) {
      if (!this.#staying.has(path)) await work()
      else this.#options.onFailed(path, 'transfer', occupied(path, this.#options.direction.side, UNDELETED))
    }
  }

  async #remove({ path, entry }: DeleteAction): Promise<void> {
    const { direction, signal, isStopped, onDeleted, onFailed } = this.#options
    signal.throwIfAborted()
    if (isStopped()) return
    try {
      await direction.remove(path, entry.type)
      onDeleted(path)
    } catch (error) {
      this.stays(path)
      onFailed(path, 'delete', error)
    }
  }

  #expectSafe(count: number): void {
    const { settings } = this.#options
    const most = settings.maxDelete ?? Math.max(LEAST_MAX_DELETE, Math.floor(this.#onTarget / 2))
    const why = this.#whyUnsafe(count, most)
    if (why === undefined) return
    const message = `Nothing was deleted: ${why}`
    throw new FtpTransferError('ERR_FTP_DELETE_REFUSED', message, { expected: most, actual: count })
  }

  #whyUnsafe(count: number, most: number): string | undefined {
    if (!this.#isAllListed) return 'a directory could not be listed'
    const isAllowedEmpty = this.#options.settings.allowEmptySource
    if (this.#isSourceEmpty && !isAllowedEmpty) return 'the source is empty (option "allowEmptySource")'
    if (count <= most) return undefined
    return `that would be ${count} of ${this.#onTarget} entries, and at most ${most} are deleted (option "maxDelete")`
  }
}

function depthOf({ path }: DeleteAction): number {
  return path.split('/').length
}
