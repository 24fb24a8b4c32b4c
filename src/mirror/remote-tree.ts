/**
 * The remote side of a mirror: directories listed one behind the other on a session that is held, and paths.
 *
 * By MLSD with the path; by LIST from within the directory, since LIST takes a path for anything. Paths are absolute,
 * so that they mean the same wherever a session is.
 */
import { FtpReplyError } from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import { ListingParser } from '../listing/listing-parser.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import { takesPath, wantsText } from '../operations/list.ts'
import { LineSplitter } from '../operations/listing-receiver.ts'
import { command, type Command } from '../protocol/command.ts'
import type { TextCodec } from '../protocol/text-codec.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { parseModificationTime } from '../protocol/time.ts'
import { isVsftpd } from '../session/is-vsftpd.ts'
import { refusal } from '../session/refusal.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { Train } from '../session/train.ts'
import type { Held } from './lanes.ts'
import { ShortListing } from './short-listing.ts'

export interface RemoteTreeOptions {
  readonly codec: TextCodec
  /** As it was given; `''` for the directory of the login. */
  readonly root: RemotePath
  /** The server's, for times that do not tell theirs. */
  readonly timeZone: string
}

/** How many questions go out in one packet. All four real servers take 400. */
const BURST = 100

export class RemoteTree {
  readonly #options: RemoteTreeOptions
  #root: string

  constructor(options: RemoteTreeOptions) {
    this.#options = options
    const { root, codec } = options
    this.#root = withoutSlash(typeof root === 'string' ? root : codec.decode(root))
  }

  /** Makes its paths absolute. A server whose directories are not written with `/` keeps what was given. */
  async settle(session: Session): Promise<void> {
    if (this.#root.startsWith('/')) return
    const home = await session.home()
    if (home.startsWith('/')) this.#root = withoutSlash(joined(withoutSlash(home), this.#root))
  }

  /** The path of what is at `relative` below the root. What is absolute stays as it is. */
  path(relative: string): string {
    const path = relative.startsWith('/') ? relative : joined(this.#root, relative)
    return path === '' ? '.' : path
  }

  /** Whether a directory can be listed on a train: it is known how this server lists, and the name is a plain one. */
  canRide({ profile }: Session, relative: string): boolean {
    if (profile.listing === 'MLSD') return takesPath(this.path(relative))
    return profile.listing === 'LIST' && this.#root.startsWith('/') && !wantsText(profile.system ?? '')
  }

  /** Whether times are told to the second, and in UTC. */
  isExact({ profile }: Session): boolean {
    return profile.listing === 'MLSD'
  }

  /**
   * Lists a directory. What it gives resolves when the server has said that this is all; rejects otherwise.
   * `undefined` where nothing has come: it is to be listed by itself, which looks twice.
   */
  async list(
    train: Train,
    session: Session,
    relative: string,
  ): Promise<(() => Promise<Entry[]>) | undefined> {
    const isMachine = session.profile.listing === 'MLSD'
    const path = this.path(relative)
    // A question: not while a last reply is still to come.
    if (!isMachine && !session.isHomeKnown) await train.end()
    if (!isMachine) await session.leaveBase()
    const before: Command[] = isMachine ? [] : [command('CWD', path)]
    // vsftpd shows what begins with a dot to `-a` alone, which others take for a name.
    const listed = command('LIST', isVsftpd(session) ? '-a' : undefined)
    const sent = isMachine ? command('MLSD', path) : listed
    const { bytes, whole } = await this.#receive({ train, session }, before, sent)
    // Some say so when it may not be read, or is not there; pyftpdlib, when it is empty.
    return bytes === 0 ? undefined : whole
  }

  /**
   * The links in a directory that MLSD does not tell, or not where they lead: by LIST. None where the directory is
   * listed by LIST anyway.
   */
  async hiddenLinks(held: Held, relative: string): Promise<readonly TreeEntry[]> {
    const { train, session } = held
    if (!this.isExact(session)) return []
    await train.end()
    const path = this.path(relative)
    // A relative one means something else behind the CWD before.
    if (!path.startsWith('/')) await session.goBack()
    await session.leaveBase()
    const before = [command('CWD', path)]
    const all = await this.#listedBy(held, before, command('LIST', '-a'))
    const entries = all.length > 0 ? all : await this.#listedBy(held, [], command('LIST'))
    if (!path.startsWith('/')) await session.goBack()
    return entries.filter(({ type }) => type === 'symlink')
  }

  /** Empty too where a server takes `-a` for a name, or has no LIST to tell more by. */
  async #listedBy(held: Held, before: readonly Command[], sent: Command): Promise<TreeEntry[]> {
    try {
      const { whole } = await this.#receive(held, before, sent)
      return (await whole()).map(treeEntry)
    } catch (error) {
      if (error instanceof FtpReplyError && error.command?.startsWith('LIST') === true) return []
      throw error
    }
  }

  async #receive(
    { train, session }: Held,
    before: readonly Command[],
    sent: Command,
  ): Promise<{ readonly bytes: number; readonly whole: () => Promise<Entry[]> }> {
    const receiver = new ShortListing()
    const { replies, bytes, confirmed } = await train.receive({ before, sent, receiver, watchesEnd: true })
    const [entered] = replies
    if (entered !== undefined && !isCompletion(entered)) throw refusal(session, entered, before[0] ?? sent)
    const whole = async (): Promise<Entry[]> => {
      await confirmed
      const { timeZone } = this.#options
      const format = sent.verb === 'MLSD' ? 'mlsd' : 'list'
      const parser = new ListingParser({ format, now: new Date(), timeZone })
      const entries: Entry[] = []
      const lines = new LineSplitter(session.control.codec)
      for (const line of lines.push(receiver.bytes)) parser.push(line, entries)
      for (const line of lines.end()) parser.push(line, entries)
      parser.end(entries)
      return entries
    }
    return { bytes, whole }
  }

  /** When files were modified, to the second, by MDTM; those that the server does not tell are missing. */
  async modified(train: Train, relatives: readonly string[]): Promise<Map<string, number>> {
    const known = new Map<string, number>()
    for (let at = 0; at < relatives.length; at += BURST) {
      const some = relatives.slice(at, at + BURST)
      const replies = await train.ask(some.map((relative) => command('MDTM', this.path(relative))))
      for (const [index, reply] of replies.entries()) {
        const time = timeIn(reply)
        const relative = some[index]
        if (time !== undefined && relative !== undefined) known.set(relative, time)
      }
    }
    return known
  }
}

/** What MDTM has answered, in milliseconds since 1970; `undefined` where that is no time. */
export function timeIn(reply: Reply): number | undefined {
  return isCompletion(reply) ? parseModificationTime(reply.lines[0] ?? '')?.time.getTime() : undefined
}

export function treeEntry(entry: Entry): TreeEntry {
  return {
    name: entry.name,
    type: entry.type,
    size: entry.size,
    modifiedMs: entry.modifiedAt?.getTime(),
    precision: entry.modifiedPrecision,
    target: entry.target,
    unique: entry.unique,
  }
}

/** A listing in which these are links, and were taken for what they lead to, or left out. */
export function withLinks(entries: readonly TreeEntry[], links: readonly TreeEntry[]): readonly TreeEntry[] {
  const names = new Set(links.map(({ name }) => name))
  return names.size === 0 ? entries : [...entries.filter(({ name }) => !names.has(name)), ...links]
}

function joined(directory: string, name: string): string {
  if (name === '') return directory
  if (directory === '') return name
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`
}

function withoutSlash(path: string): string {
  const stripped = path.replace(/\/+$/, '')
  if (stripped === '' && path !== '') return '/'
  return stripped === '.' ? '' : stripped
}
