/**
 * Links on the server that a mirror fetches from: followed, taken for links, or left alone. And directories that come
 * once more on the way to themselves, which some servers (pyftpdlib) show of links in place of the links.
 *
 * Owns: what is behind a link, and which are refused. Whether they are wanted is for `diff` to say.
 */
import type { FtpProtocolError, FtpTransferError } from '../errors.ts'
import { unsafeTarget } from '../local/safe-link.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import { resolvedTarget } from '../operations/walk-place.ts'
import { command } from '../protocol/command.ts'
import { isCompletion } from '../protocol/reply.ts'
import { realPath } from '../session/real-path.ts'
import type { Session } from '../session/session.ts'
import { behindLinks, type BehindLink } from './behind-link.ts'
import { joinedPath } from './diff.ts'
import type { Listed, Resolved } from './direction.ts'
import type { Held } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { RemoteSide } from './remote-side.ts'
import { deadLink, loop } from './refusals.ts'
import { withLinks, type RemoteTree } from './remote-tree.ts'
import { below, cameThrough, depthRefusal, type Identity, type Way } from './way.ts'

export interface SourceLinksOptions {
  readonly remote: RemoteTree
  readonly server: RemoteSide
  readonly settings: Pick<MirrorSettings, 'symlinks' | 'maxDepth'>
}

export class SourceLinks {
  readonly #options: SourceLinksOptions

  constructor(options: SourceLinksOptions) {
    this.#options = options
  }

  /** What the root is. */
  async root(session: Session): Promise<Identity> {
    const { remote, settings } = this.#options
    const path = remote.path('')
    const real = settings.symlinks === 'follow' ? await realPath(session, path) : undefined
    return { real, unique: await uniqueOf(session, path) }
  }

  async resolve(way: Way, listed: Listed, held: Held | undefined): Promise<Resolved> {
    const { symlinks } = this.#options.settings
    if (symlinks === 'recreate') return this.#recreated(way, listed, held)
    const found = new Found(way, this.#options.settings.maxDepth)
    const links = symlinks === 'follow' ? listed.source.filter(({ type }) => type === 'symlink') : []
    const behind = new Map<TreeEntry, BehindLink>()
    if (links.length > 0) {
      const { remote, server } = this.#options
      const paths = links.map(({ name }) => remote.path(joinedPath(way.path, name)))
      const told = await server.askOn(held, (on) => behindLinks(on, paths))
      for (const [index, link] of links.entries()) behind.set(link, told[index] ?? { is: 'nothing' })
    }
    for (const entry of listed.source) {
      const lead = behind.get(entry)
      if (lead?.is === 'file') found.file(entry, lead)
      else if (lead?.is === 'directory') found.linkedDirectory(entry, this.#realOf(entry, way, lead.real))
      else found.plain(entry)
    }
    return found.with(listed.target)
  }

  async #recreated(way: Way, listed: Listed, held: Held | undefined): Promise<Resolved> {
    const { remote, server, settings } = this.#options
    const links = await server.askOn(held, (on) => remote.hiddenLinks(on, way.path))
    const found = new Found(way, settings.maxDepth)
    for (const entry of withLinks(listed.source, links)) {
      const path = joinedPath(way.path, entry.name)
      const target = entry.type === 'symlink' ? entry.target : undefined
      const unsafe = target === undefined ? undefined : unsafeTarget(path, target, process.platform)
      // Before what stands in its place may be deleted for it.
      if (unsafe !== undefined) found.refuse(entry, deadLink(path, 'down', unsafe))
      else found.plain(entry)
    }
    return found.with(listed.target)
  }

  /** Where a link leads: by PWD, or by the link itself where the server does not resolve it. */
  #realOf({ name, target }: TreeEntry, way: Way, told: string | undefined): string | undefined {
    const asked = this.#options.remote.path(joinedPath(way.path, name))
    const isResolved = told !== undefined && told !== asked && told !== below(way, name, undefined).real
    if (isResolved || target === undefined) return told
    return way.real?.startsWith('/') === true ? resolvedTarget(way.real, target) : told
  }
}

/** The entries of a directory, as what they are. */
class Found {
  readonly #source: TreeEntry[] = []
  readonly #refused = new Map<string, FtpTransferError | FtpProtocolError>()
  readonly #identities = new Map<string, Identity>()
  readonly #way: Way
  readonly #maxDepth: number

  constructor(way: Way, maxDepth: number) {
    this.#way = way
    this.#maxDepth = maxDepth
  }

  /** What is no link, or is left one. */
  plain(entry: TreeEntry): void {
    this.#source.push(entry)
    if (entry.type !== 'directory') return
    const { name, unique } = entry
    this.#identities.set(name, below(this.#way, name, unique))
    this.#expectEnd(name, { real: undefined, unique })
  }

  file(link: TreeEntry, { size, modifiedMs }: BehindLink & { readonly is: 'file' }): void {
    const precision = modifiedMs === undefined ? undefined : 'second'
    this.#source.push({ ...link, type: 'file', target: undefined, size, modifiedMs, precision })
  }

  linkedDirectory(link: TreeEntry, real: string | undefined): void {
    const { name } = link
    const unknown = { size: undefined, modifiedMs: undefined, precision: undefined, unique: undefined }
    this.#source.push({ ...link, ...unknown, type: 'directory', target: undefined })
    const identity = { real, unique: undefined }
    this.#identities.set(name, identity)
    this.#expectEnd(name, identity)
  }

  refuse(entry: TreeEntry, error: FtpTransferError | FtpProtocolError): void {
    this.#source.push(entry)
    this.#refused.set(entry.name, error)
  }

  with(target: Resolved['target']): Resolved {
    return { source: this.#source, target, refused: this.#refused, identities: this.#identities }
  }

  #expectEnd(name: string, identity: Identity): void {
    const path = joinedPath(this.#way.path, name)
    const above = cameThrough(this.#way, identity)
    const error = above === undefined ? depthRefusal(path, this.#maxDepth) : loop(path, above.path)
    if (error !== undefined) this.#refused.set(name, error)
  }
}

/** Not by the listing of the directory above, which may not be there, or not for us to see. */
async function uniqueOf(session: Session, path: string): Promise<string | undefined> {
  if (session.profile.features?.has('MLST') !== true) return undefined
  const reply = await session.request(command('MLST', path))
  if (!isCompletion(reply)) return undefined
  const [, unique] = reply.lines.map((line) => /^ [^ ]*\bunique=([^;]+);/i.exec(line)).find(Boolean) ?? []
  return unique
}
