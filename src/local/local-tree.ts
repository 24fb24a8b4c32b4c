/**
 * A directory of this machine and what is below it, as one side of a mirror.
 *
 * Paths are relative to the root, their names separated by `/` on every system, `''` for the root itself; bytes that
 * are no text are in them as `decodeName` keeps them. Names are believed to come from a server: each is looked at
 * before the system sees it, and nothing below the root is reached through a link (see {@link RealDirectories} for
 * what that is worth). Every failure is `ERR_FTP_LOCAL_FILE`, or `ERR_FTP_UNSAFE_PATH` where a name or a link would
 * lead elsewhere.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, realpath, rename, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FtpTransferError } from '../errors.ts'
import { decodeName, printable } from '../protocol/text.ts'
import { ignoresCase } from './case-insensitive.ts'
import { listDirectory, lookAt } from './list-directory.ts'
import { asLocalError, isMissing, localError, readError, refused, unreadable } from './local-error.ts'
import { lstatIfThere } from './lstat-if-there.ts'
import { isOwnName, standInPath } from './names.ts'
import { READ_WITHOUT_WAITING } from './open-flags.ts'
import { putInPlace } from './put-in-place.ts'
import { openLocalFile, type LocalFile } from './read-file.ts'
import { PromptCalls } from './prompt-calls.ts'
import { parentOf, RealDirectories } from './real-directories.ts'
import { countTree, removeTree } from './remove-tree.ts'
import { unsafeTarget } from './safe-link.ts'
import { escapingName, unsafeName } from './safe-name.ts'
import { isText, systemPath } from './system-path.ts'
import type { TreeEntry } from './tree-entry.ts'
import { writeSmallFile, writeSmallFileAtOnce } from './write-small.ts'

export interface FollowLinks {
  /** Whether links are taken for what they lead to, outside of the root too. @default false */
  readonly followLinks?: boolean | undefined
}

export interface WriteSmallOptions {
  /** Milliseconds since 1970, UTC. @default the time of writing */
  readonly modifiedMs?: number | undefined
  /** Whether it replaces a file or a link that stands there. @default true */
  readonly overwrite?: boolean | undefined
  /** Ends the waiting for another process that writes the same file; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** Where a large file is fetched to. */
export interface Place {
  /** Absolute, and never a link. */
  readonly path: string
  /** Gives the whole file its own name, where {@link Place.path} could not have it. */
  readonly settle: () => Promise<void>
}

export interface RootOptions {
  /** Whether a root that is missing is made, with the directories above it. */
  readonly create: boolean
  /** Whether one that is missing is taken for an empty one. @default false */
  readonly mayBeMissing?: boolean | undefined
  /** Where calls to the system are made at once. */
  readonly prompt?: PromptCalls | undefined
}

/**
 * The tree below `path`, which may itself be a link: it is followed once, here.
 *
 * Rejects with `ERR_FTP_LOCAL_FILE` where that is no directory, or is missing and neither made nor allowed to be.
 */
export async function openRoot(
  path: string,
  { create, mayBeMissing = false, prompt = new PromptCalls() }: RootOptions,
): Promise<LocalTree> {
  try {
    const given = systemPath(path)
    if (create) await mkdir(given, { recursive: true })
    const root = decodeName(await realpath(given, { encoding: 'buffer' }))
    if (!(await stat(systemPath(root))).isDirectory()) throw unreadable(path, 'it is not a folder')
    return new LocalTree(root, prompt)
  } catch (error) {
    if (error instanceof FtpTransferError) throw error
    if (mayBeMissing && isMissing(error)) return new LocalTree(resolve(path), prompt)
    throw create ? localError(error, path) : readError(error, path)
  }
}

export class LocalTree {
  /** Absolute, without links. */
  readonly root: string
  readonly #directories: RealDirectories
  readonly #prompt: PromptCalls
  #ignoresCase: Promise<boolean> | undefined

  constructor(root: string, prompt: PromptCalls) {
    this.root = root
    this.#prompt = prompt
    this.#directories = new RealDirectories(root)
  }

  /**
   * What is in a directory, in no order, without files of our own; `undefined` where the directory is missing. A link
   * that is followed is of the type of what it leads to; one that leads nowhere, or to a directory that the path has
   * come through, is of type `'symlink'` all the same.
   */
  async list(
    relativePath: string,
    { followLinks = false }: FollowLinks = {},
  ): Promise<TreeEntry[] | undefined> {
    this.#expectInside(relativePath)
    try {
      if (!followLinks) await this.#directories.check(relativePath)
    } catch (error) {
      if (isMissing((error as Error).cause)) return undefined
      throw error
    }
    return await listDirectory({ root: this.root, relativePath, followLinks, prompt: this.#prompt })
  }

  /** What stands at a path below the root; `undefined` where nothing does. */
  async look(relativePath: string): Promise<TreeEntry | undefined> {
    const path = await this.#within(relativePath)
    return path === undefined ? undefined : await lookAt(dirname(path), basename(path))
  }

  /** Makes one directory; one that is there already is as good, a link to one is not. */
  async makeDirectory(relativePath: string): Promise<void> {
    this.#expectFit(relativePath)
    await this.#directories.make(relativePath)
  }

  /**
   * Writes a whole file under a temporary name, and renames it. An older file is whole until then, and if this fails.
   * Its mode is what the umask leaves of 0666. Not synced (see `write-small.ts`).
   */
  async writeSmall(
    relativePath: string,
    bytes: readonly Uint8Array[],
    { modifiedMs, overwrite = true, signal = NEVER }: WriteSmallOptions = {},
  ): Promise<void> {
    const path = await this.#target(relativePath)
    if (overwrite && (await this.#prompt.mayBeAt(dirname(path)))) {
      if (this.#prompt.make(() => writeSmallFileAtOnce(path, bytes, modifiedMs))) return
    }
    await writeSmallFile(path, bytes, modifiedMs, { overwrite, signal })
  }

  /**
   * Where the segmented engine writes `relativePath`. It takes paths as text and follows links; so for a name that is
   * no text, or has been taken by a link, it gets another name to write to, the same in every run.
   */
  async place(relativePath: string): Promise<Place> {
    const path = await this.#target(relativePath)
    if (isText(path) && !(await isLink(path))) return { path, settle: () => Promise.resolve() }
    const beside = dirname(path)
    const standIn = standInPath(isText(beside) ? beside : this.root, relativePath)
    if (!isText(standIn)) throw refused(path, 'the path of its folder is not UTF-8')
    return {
      path: standIn,
      settle: async () => {
        await this.#directories.check(parentOf(relativePath))
        await locally(path, () => rename(standIn, systemPath(path)))
      },
    }
  }

  /**
   * Makes a symbolic link, in the place of a file or link that stands there. `ERR_FTP_UNSAFE_PATH` for a `target` that
   * is absolute, leads out of the root, or may do so (see `safe-link.ts`).
   */
  async makeLink(relativePath: string, target: string): Promise<void> {
    const path = await this.#target(relativePath)
    const why = unsafeTarget(relativePath, target, process.platform)
    if (why !== undefined) throw unsafe(path, `link to "${printable(target, LONGEST_SHOWN)}"`, why)
    const placing = { overwrite: true, signal: NEVER }
    await putInPlace(path, placing, (temporary) => symlink(systemPath(target), temporary))
  }

  /**
   * Removes a file or a link, or a directory with everything in it; what is no directory is not removed as one, nor
   * the other way round. Gives how many files, links and directories that were: 0 where nothing stands there.
   */
  async remove(relativePath: string, type: TreeEntry['type']): Promise<number> {
    const path = await this.#existing(relativePath)
    if (path === undefined) return 0
    return await locally(path, async () => {
      const facts = await lstat(systemPath(path))
      if (facts.isDirectory() !== (type === 'directory')) throw refused(path, `it is no longer a ${type}`)
      try {
        return await removeTree(path)
      } finally {
        if (facts.isDirectory()) this.#directories.forget()
      }
    })
  }

  /** How many files, links and directories {@link remove} would remove: 0 where nothing stands there. */
  async count(relativePath: string): Promise<number> {
    const path = await this.#existing(relativePath)
    return path === undefined ? 0 : await locally(path, () => countTree(path))
  }

  /** Opens a file to be sent. A link in its place, or on the way to it, is an error unless links are followed. */
  async openFile(relativePath: string, { followLinks = false }: FollowLinks = {}): Promise<LocalFile> {
    this.#expectInside(relativePath)
    const path = join(this.root, relativePath)
    if (followLinks) return await openLocalFile(path)
    await this.#directories.check(parentOf(relativePath))
    // Windows has no O_NOFOLLOW.
    if (NO_FOLLOW === undefined && (await isLink(path))) throw unreadable(path, 'it is a link')
    return await openLocalFile(path, READ_WITHOUT_WAITING | (NO_FOLLOW ?? 0))
  }

  /**
   * Whether `a` and `A` are one file in the root. Asked once, by a file that is there for a moment; a root that is
   * missing holds no such names.
   */
  async isCaseInsensitive(): Promise<boolean> {
    this.#ignoresCase ??= ignoresCase(this.root).catch((error: unknown) => {
      this.#ignoresCase = undefined
      if (isMissing((error as Error).cause)) return false
      throw error
    })
    return await this.#ignoresCase
  }

  /** The absolute path of something that may be written. */
  async #target(relativePath: string): Promise<string> {
    this.#expectFit(relativePath)
    await this.#directories.check(parentOf(relativePath))
    return join(this.root, relativePath)
  }

  /** The absolute path of something below the root; `undefined` where it, or its directory, is missing. */
  async #existing(relativePath: string): Promise<string | undefined> {
    const path = await this.#within(relativePath)
    if (path === undefined) return undefined
    return (await locally(path, () => lstatIfThere(path))) === undefined ? undefined : path
  }

  /** The absolute path of a name in a directory below the root; `undefined` where the directory is missing. */
  async #within(relativePath: string): Promise<string | undefined> {
    this.#expectInside(relativePath)
    const path = join(this.root, relativePath)
    if (relativePath === '') throw refused(path, 'it is the root of the tree')
    try {
      await this.#directories.check(parentOf(relativePath))
      return path
    } catch (error) {
      if (isMissing((error as Error).cause)) return undefined
      throw error
    }
  }

  /** A path that stays below the root, or is the root. What is there already may have names that we would not give. */
  #expectInside(relativePath: string): void {
    if (relativePath !== '') this.#expectNames(relativePath, escapingName)
  }

  /** A path below the root that can be written. */
  #expectFit(relativePath: string): void {
    this.#expectNames(relativePath, unsafeName)
    const isOwn = relativePath.split('/').some(isOwnName)
    if (isOwn) throw unsafe(join(this.root, relativePath), 'write', 'it is a name for unfinished files')
  }

  #expectNames(relativePath: string, reason: typeof escapingName): void {
    for (const name of relativePath.split('/')) {
      const why = reason(name, process.platform)
      if (why === undefined) continue
      throw unsafe(relativePath, `use the name "${printable(name, LONGEST_SHOWN)}"`, why)
    }
  }
}

/** Of a name in an error's message. */
const LONGEST_SHOWN = 100

const NEVER: AbortSignal = new AbortController().signal

const NO_FOLLOW = constants.O_NOFOLLOW as number | undefined

function unsafe(path: string, action: string, why: string): FtpTransferError {
  const shown = printable(path, 4 * LONGEST_SHOWN)
  return new FtpTransferError('ERR_FTP_UNSAFE_PATH', `Cannot ${action}, at ${shown}: ${why}`, { path })
}

async function isLink(path: string): Promise<boolean> {
  const facts = await locally(path, () => lstatIfThere(path))
  return facts?.isSymbolicLink() === true
}

async function locally<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw asLocalError(error, path)
  }
}
