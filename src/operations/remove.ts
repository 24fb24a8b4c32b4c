/**
 * DELE and, for a directory with all that is in it, DELE and RMD from the bottom up.
 *
 * DELE comes first for everything, also for what a listing calls a directory: it removes a link, and not what that
 * leads to, which some servers (pyftpdlib) do not tell apart.
 */
import { FtpProtocolError, FtpReplyError } from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import { command } from '../protocol/command.ts'
import type { TextCodec } from '../protocol/text-codec.ts'
import { deleteFile } from '../session/files.ts'
import { isDirectory } from '../session/is-directory.ts'
import { carryOut } from '../session/refusal.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { OptionNames } from '../util/validate.ts'
import { ASK_OPTIONS, type AskOptions, type Calls } from './calls.ts'
import { explained } from './explain-path.ts'
import { keepAll } from './listing-size.ts'
import { directoryOf, isNameInDirectory, joined, lastName } from './paths.ts'
import { unsafeName } from './unsafe-name.ts'

export interface RemoveOptions extends AskOptions {
  /** Directories too, with all that is in them. @default false */
  readonly recursive?: boolean | undefined
  /** What is missing is no failure. @default false */
  readonly force?: boolean | undefined
}

export const REMOVE_OPTIONS: OptionNames<RemoveOptions> = { ...ASK_OPTIONS, recursive: true, force: true }

export interface RemoveRequest {
  readonly path: RemotePath
  /** Directories too, with all that is in them. */
  readonly recursive: boolean
  /** What is missing is no failure. */
  readonly force: boolean
}

/** Deeper than any tree of people; a hostile server could go on for ever. */
const DEEPEST = 200

/** Rejects with `ERR_FTP_NOT_FOUND`, `ERR_FTP_IS_DIRECTORY`, `ERR_FTP_NOT_PERMITTED`, `ERR_FTP_UNSAFE_PATH`, … */
export function remove(calls: Calls, request: RemoveRequest): Promise<void> {
  return removeOne(calls, request, new Links(calls, directoryOf(request.path)), 0)
}

async function removeOne(
  calls: Calls,
  { path, recursive, force }: RemoveRequest,
  beside: Links,
  depth: number,
): Promise<void> {
  if (depth > DEEPEST) {
    const message = `The directories are nested deeper than ${DEEPEST}: nothing below is removed`
    throw new FtpProtocolError('ERR_FTP_LISTING_TOO_LARGE', message, {
      received: lastName(path, calls.codec),
    })
  }
  const refusal = await refusalOfDelete(calls, path)
  if (refusal === undefined || (force && refusal.code === 'ERR_FTP_NOT_FOUND')) return
  if (!(await calls.ask((session) => isDirectory(session, path)))) throw refusal
  if (!recursive) throw asDirectory(refusal)
  if (await beside.has(lastName(path, calls.codec))) throw refusal
  let refused: FtpReplyError | undefined
  for (const only of LISTINGS) {
    await removeAllIn(calls, path, depth, only)
    refused = await refusalOfRemoval(calls, path)
    if (refused === undefined) return
  }
  throw refused
}

/**
 * Until a directory is empty: ProFTPD and pyftpdlib leave links that lead nowhere out of MLSD, and vsftpd shows names
 * that begin with a dot to `-a` alone.
 */
const LISTINGS = [undefined, 'LIST', 'LIST -a'] as const

async function removeAllIn(
  calls: Calls,
  path: RemotePath,
  depth: number,
  only: (typeof LISTINGS)[number],
): Promise<void> {
  const links = new Links(calls, path)
  // Read to the end before anything goes: a directory that changes while it is listed is not listed well.
  const names = await keepAll(calls.list(path, only), (entry) => {
    links.note(entry)
    return safeName(entry.name, path, calls.codec)
  })
  for (const name of names) {
    await removeOne(
      calls,
      { path: joined(path, name, calls.codec), recursive: true, force: true },
      links,
      depth + 1,
    )
  }
}

/** Which names in a directory are links: by LIST, since MLSD tells of some what they lead to. */
class Links {
  readonly #calls: Calls
  readonly #directory: RemotePath | undefined
  readonly #names = new Set<string>()
  #isListed = false

  constructor(calls: Calls, directory: RemotePath | undefined) {
    this.#calls = calls
    this.#directory = directory
  }

  note({ name, type, facts }: Entry): void {
    if (type === 'symlink') this.#names.add(name)
    if (facts === undefined) this.#isListed = true
  }

  async has(name: string): Promise<boolean> {
    if (!this.#isListed) {
      await keepAll(this.#calls.list(this.#directory, 'LIST'), (entry) => this.note(entry))
      this.#isListed = true
    }
    return this.#names.has(name)
  }
}

function refusalOfRemoval(calls: Calls, path: RemotePath): Promise<FtpReplyError | undefined> {
  return refusalOf(calls, async (session) => {
    await carryOut(session, command('RMD', path))
  })
}

function refusalOfDelete(calls: Calls, path: RemotePath): Promise<FtpReplyError | undefined> {
  return refusalOf(calls, (session) =>
    explained(session, path, 'something there', () => deleteFile(session, path)),
  )
}

async function refusalOf(
  calls: Calls,
  work: (session: Session) => Promise<void>,
): Promise<FtpReplyError | undefined> {
  try {
    await calls.ask(work, false)
    return undefined
  } catch (error) {
    if (error instanceof FtpReplyError && error.reply.code !== 421) return error
    throw error
  }
}

function asDirectory({ reply, host, command: sent }: FtpReplyError): FtpReplyError {
  const message = `It is a directory: option "recursive" removes it with all that is in it (${reply.code})`
  return new FtpReplyError('ERR_FTP_IS_DIRECTORY', message, { reply, host, command: sent })
}

/** A name that leads out of the directory would have something else removed. */
function safeName(name: string, directory: RemotePath, codec: TextCodec): string {
  if (isNameInDirectory(name)) return name
  throw unsafeName(name, typeof directory === 'string' ? directory : codec.decode(directory))
}
