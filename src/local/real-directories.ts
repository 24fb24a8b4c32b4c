/**
 * The directories below a root that are known to be real ones, so that nothing is written through a link.
 *
 * Each step is looked at once, and then known: a tree of a thousand files in one directory costs one question. Against
 * a server that is enough, as a link of its making never takes the place of a directory. It is not against another
 * program of this machine that puts a link in a directory's place between the look and the use: Node has no `openat`.
 * Such a program can write to the tree anyway.
 */
import { lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FtpTransferError } from '../errors.ts'
import { localError, readError } from './local-error.ts'
import { systemPath } from './system-path.ts'

/** The names of so many take some 2 MB; what is beyond is looked at again. */
const MOST_KNOWN = 10_000

export class RealDirectories {
  readonly #root: string
  /** By relative path, the least recently entered first. */
  readonly #known = new Map<string, Promise<void>>()

  constructor(root: string) {
    this.#root = root
  }

  /**
   * Rejects with `ERR_FTP_UNSAFE_PATH` where `relativePath`, or a step to it, is a link, and with
   * `ERR_FTP_LOCAL_FILE` where it is missing or no directory.
   */
  check(relativePath: string): Promise<void> {
    if (relativePath === '') return Promise.resolve()
    return this.#known.get(relativePath) ?? this.#enter(relativePath, this.#look(relativePath))
  }

  /** Makes it in a directory that is there; one that is there already is as good. Rejects like {@link check}. */
  make(relativePath: string): Promise<void> {
    return this.#enter(relativePath, this.#make(relativePath))
  }

  /** After the removal of a directory; of all of them, as it may be known by a name in other letters too. */
  forget(): void {
    this.#known.clear()
  }

  #enter(relativePath: string, found: Promise<void>): Promise<void> {
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size >= MOST_KNOWN) this.#known.delete(oldest)
    this.#known.set(relativePath, found)
    found.catch(() => {
      if (this.#known.get(relativePath) === found) this.#known.delete(relativePath)
    })
    return found
  }

  async #look(relativePath: string): Promise<void> {
    await this.check(parentOf(relativePath))
    await this.#expectReal(relativePath, readError)
  }

  async #make(relativePath: string): Promise<void> {
    await this.check(parentOf(relativePath))
    const path = join(this.#root, relativePath)
    try {
      await mkdir(systemPath(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw localError(error, path)
      await this.#expectReal(relativePath, localError)
    }
  }

  async #expectReal(relativePath: string, failure: typeof localError): Promise<void> {
    const path = join(this.#root, relativePath)
    const facts = await lstat(systemPath(path)).catch((error: unknown) => {
      throw failure(error, path)
    })
    if (facts.isSymbolicLink()) throw throughLink(path)
    if (!facts.isDirectory()) throw failure(new Error('it is not a folder'), path)
  }
}

/** `''` is the root itself. */
export function parentOf(relativePath: string): string {
  return relativePath.slice(0, Math.max(0, relativePath.lastIndexOf('/')))
}

function throughLink(path: string): FtpTransferError {
  const message = `Cannot use ${path}: it is a link where a folder of the tree should be, and is not followed`
  return new FtpTransferError('ERR_FTP_UNSAFE_PATH', message, { path })
}
