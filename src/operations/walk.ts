/**
 * A directory with all below it: several are listed at once, and their entries handed out one directory after the
 * other. Links are entries, and entered only where that is asked for.
 *
 * Owns: what is entered, and what becomes of a directory that cannot be listed: never an empty one. How one is listed
 * is an argument; what waits and what is handed out next is that of the {@link WalkQueue}.
 */
import { FtpError, type FtpErrorCode } from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import type { RemotePath } from '../session/session.ts'
import { onAbort } from '../util/abort.ts'
import { expectFunction, flag, wholeNumber, type OptionNames } from '../util/validate.ts'
import { LIST_OPTIONS, type ListOptions } from './list.ts'
import { isNameInDirectory, pathsAbove } from './paths.ts'
import { unsafeName } from './unsafe-name.ts'
import {
  DEEPEST,
  depthError,
  loopError,
  pathIn,
  placeOf,
  resolvedTarget,
  sameAbove,
  widthError,
  type Place,
} from './walk-place.ts'
import { WalkQueue, type Sheet } from './walk-queue.ts'

export interface WalkOptions extends ListOptions {
  /** How many directories are listed at once, from 1 to the client's `maxConnections`. @default as many */
  readonly connections?: number | undefined
  /** Leaves an entry out where it gives `false`, and does not enter it. It is called ahead of the reader. */
  readonly filter?: ((entry: Entry) => boolean) | undefined
  /**
   * How deep directories are entered: 0 for the entries of the first one alone, up to 1000.
   * @default 64, and `ERR_FTP_LISTING_TOO_LARGE` for a directory that is deeper: no tree of people is
   */
  readonly maxDepth?: number | undefined
  /**
   * Called for each directory of which not all can be told, with its path: the walk goes on when it returns, and
   * rejects with what it throws. Not for `ERR_FTP_LOGIN` and `ERR_FTP_CLOSED`, by which any other would fail, too.
   * @default the walk rejects with the first such error
   */
  readonly onError?: ((error: unknown, path: string) => void | Promise<void>) | undefined
  /**
   * Enters links that lead to directories, each directory once: not where it is in the tree already.
   * @default false
   */
  readonly followLinks?: boolean | undefined
}

export const WALK_OPTIONS: OptionNames<WalkOptions> = {
  ...LIST_OPTIONS,
  connections: true,
  filter: true,
  maxDepth: true,
  onError: true,
  followLinks: true,
}

export interface WalkSettings {
  readonly connections: number
  readonly filter: (entry: Entry) => boolean
  /** `undefined` for the bound, beyond which a directory is an error. */
  readonly maxDepth: number | undefined
  readonly onError: NonNullable<WalkOptions['onError']>
  readonly followLinks: boolean
}

/** Throws a `TypeError` or `RangeError` that names the option. */
export function walkSettings(given: WalkOptions, maxConnections: number): WalkSettings {
  for (const name of ['filter', 'onError']) expectFunction(given, name)
  const { filter = everything, onError = reject, maxDepth } = given
  return {
    connections: wholeNumber(given, 'connections', maxConnections, 1, maxConnections),
    filter,
    maxDepth: maxDepth === undefined ? undefined : wholeNumber(given, 'maxDepth', 0, 0, DEEPEST_ASKED),
    onError,
    followLinks: flag(given, 'followLinks', false),
  }
}

export interface WalkRequest extends WalkSettings {
  /** Where it begins, as text in the encoding of the client; empty for the directory of the login. */
  readonly path: string
  /** The entries of one directory; all of them, or it rejects. */
  readonly listDirectory: (path: string) => Promise<AsyncIterable<Entry> | Entry[]>
  /** Told when nothing more is to be listed. Resolves when nothing runs any more. */
  readonly onEnd: (reason: unknown) => Promise<void>
  /** The directory that a path leads to, links resolved; `undefined` where it leads to none. */
  readonly realPath: (path: string, signal: AbortSignal) => Promise<string | undefined>
  readonly signal: AbortSignal | undefined
  /** Aborts when the client is destroyed. */
  readonly destroyed?: AbortSignal | undefined
}

const DEEPEST_ASKED = 1_000
/** So many entries wait for a slow reader, some 4 MB. */
const MOST_AHEAD = 4_096
/** So many directories may be known and not yet listed, some 200 MB. */
const MOST_WAITING = 1_000_000

/** So many entries of a directory are to come when it is whole: one that breaks off before is listed again. */
export const HELD_BACK = 1_000

/** What is no failure of one directory. */
const OF_ALL: ReadonlySet<FtpErrorCode> = new Set(['ERR_FTP_LOGIN', 'ERR_FTP_CLOSED'])

/**
 * The entries, each with its path. Rejects with an `FtpError`, the reason of the abort, or what `filter` and `onError`
 * throw. Leaving it early stops what still runs.
 */
export async function* walk(request: WalkRequest): AsyncGenerator<Entry, void> {
  const run = new Walk(request)
  const stops = [request.signal, request.destroyed].map((signal) =>
    onAbort(signal, (reason) => run.stop(reason)),
  )
  const workers = Array.from({ length: request.connections }, () => run.work())
  try {
    for (let items = await run.next(); items !== undefined; items = await run.next()) {
      for (const item of items) {
        run.signal.throwIfAborted()
        if (item.type === 'failure') await request.onError(item.error, item.path)
        else yield item
      }
    }
    run.signal.throwIfAborted()
  } finally {
    for (const stop of stops) stop()
    const reason = run.stop(new Error('The walk is not gone on with'))
    await request.onEnd(reason)
    await Promise.all(workers)
  }
}

/** Of one directory, in its turn among the entries. */
interface Failure {
  readonly type: 'failure'
  readonly error: unknown
  readonly path: string
}

type Found = Sheet<Entry | Failure>

class Walk {
  readonly #request: WalkRequest
  readonly #queue = new WalkQueue<Place, Entry | Failure>(MOST_AHEAD)
  readonly #stopping = new AbortController()
  /** Where the walk has begun, and what links have led to. All in them is walked, once. */
  readonly #entered = new Set<RemotePath>()

  constructor(request: WalkRequest) {
    this.#request = request
    const { path } = request
    this.#queue.add([
      { path, depth: 0, above: undefined, unique: undefined, link: undefined, real: undefined },
    ])
  }

  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  /** Gives the reason that counts: the first. */
  stop(reason: unknown): unknown {
    this.#stopping.abort(reason)
    this.#queue.stop()
    return this.#stopping.signal.reason
  }

  next(): Promise<readonly (Entry | Failure)[] | undefined> {
    return this.#queue.batch()
  }

  /** Lists directory after directory. Never rejects. */
  async work(): Promise<void> {
    for (let work = await this.#queue.take(); work !== undefined; work = await this.#queue.take()) {
      const { place, sheet } = work
      try {
        const entered = await this.#enter(place)
        if (entered !== undefined) await this.#list(entered, sheet)
      } catch (error) {
        if (error instanceof FtpError && OF_ALL.has(error.code)) this.stop(error)
        await this.#fail(sheet, error, place.path)
      }
      this.#queue.end(sheet)
    }
  }

  /** A place that is to be listed, as what it really is. */
  async #enter(place: Place): Promise<Place | undefined> {
    if (!this.#request.followLinks) return place
    const { path, link, real: known } = place
    if (place.depth > 0 && link === undefined) {
      return known !== undefined && this.#entered.has(known) ? undefined : place
    }
    const told = await this.#request.realPath(path, this.signal)
    // Listing it will tell why.
    if (told === undefined) return link === undefined ? place : undefined
    const isResolved = told !== known || link?.target === undefined
    const real = isResolved ? told : resolvedTarget(place.above?.real ?? '/', link.target)
    if ([real, ...pathsAbove(real), '/'].some((directory) => this.#entered.has(directory))) return undefined
    this.#entered.add(real)
    return { ...place, real }
  }

  async #list(place: Place, sheet: Found): Promise<void> {
    const below: Place[] = []
    try {
      for await (const entry of await this.#request.listDirectory(place.path)) {
        await this.#take(entry, place, { sheet, below })
      }
    } finally {
      // Also behind a failure: they have been told of.
      this.#queue.add(below)
    }
  }

  async #take(
    entry: Entry,
    above: Place,
    { sheet, below }: { readonly sheet: Found; readonly below: Place[] },
  ): Promise<void> {
    if (!isUnread(entry) && !isNameInDirectory(entry.name)) {
      await this.#fail(sheet, unsafeName(entry.name, above.path), above.path)
      return
    }
    const path = isUnread(entry) ? undefined : pathIn(above.path, entry.name)
    const found = { ...entry, path }
    if (!this.#isWanted(found)) return
    const full = this.#queue.put(sheet, found)
    if (full !== undefined) await full
    this.signal.throwIfAborted()
    if (path === undefined || !this.#isEntered(entry, above.depth + 1)) return
    const place = placeOf(entry, path, above)
    const error = this.#refusal(place, below.length)
    if (error === undefined) below.push(place)
    else await this.#fail(sheet, error, path)
  }

  #isWanted(entry: Entry): boolean {
    try {
      return this.#request.filter(entry)
    } catch (error) {
      this.stop(error)
      throw error
    }
  }

  #isEntered({ type }: Entry, depth: number): boolean {
    const { maxDepth = Infinity, followLinks } = this.#request
    return depth <= maxDepth && (type === 'directory' || (type === 'symlink' && followLinks))
  }

  /** Why what would be entered is not. */
  #refusal(place: Place, below: number): FtpError | undefined {
    const { above, path, depth } = place
    if (UNSENDABLE.test(path)) return unsafeName(path, above?.path ?? '')
    if (this.#request.maxDepth === undefined && depth > DEEPEST) return depthError(path)
    if (this.#queue.waiting + below >= MOST_WAITING) return widthError(place, MOST_WAITING)
    const same = sameAbove(place)
    return same === undefined ? undefined : loopError(place, same)
  }

  async #fail(sheet: Found, error: unknown, path: string): Promise<void> {
    await this.#queue.put(sheet, { type: 'failure', error, path })
  }
}

/** What would be a second command, or the end of one. */
const UNSENDABLE = /[\r\n\0]/

/** A line that nobody can read is given whole: it has no name, and so no path. */
function isUnread({ type, name, raw }: Entry): boolean {
  return type === 'other' && name === raw
}

function everything(): boolean {
  return true
}

function reject(error: unknown): never {
  throw error
}
