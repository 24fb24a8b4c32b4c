/**
 * Links on the server that a mirror sends to. MLSD tells of some only what they lead to (pyftpdlib), and leaves out
 * those that lead nowhere (ProFTPD, too): what goes to such a name would be written, and what is in it be deleted,
 * somewhere else. LIST tells of all; it is asked where something is about to be changed.
 */
import type { FtpProtocolError } from '../errors.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import type { Action } from './action.ts'
import { joinedPath } from './diff.ts'
import type { Listed, Resolved } from './direction.ts'
import type { Held } from './lanes.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { RemoteSide } from './remote-side.ts'
import { withLinks, type RemoteTree } from './remote-tree.ts'
import { depthRefusal, type Way } from './way.ts'

export interface TargetLinksOptions {
  readonly remote: RemoteTree
  readonly server: RemoteSide
  readonly settings: Pick<MirrorSettings, 'maxDepth'>
}

export async function resolveTarget(
  way: Way,
  listed: Listed,
  plan: () => readonly Action[],
  { remote, server, settings, held }: TargetLinksOptions & { readonly held: Held | undefined },
): Promise<Resolved> {
  const target = listed.target ?? []
  const isAsked = target.length > 0 && plan().some(isChange)
  const links = isAsked ? await server.askOn(held, (on) => remote.hiddenLinks(on, way.path)) : []
  const resolved = listed.target === undefined ? undefined : withLinks(target, links)
  return {
    ...{ source: listed.source, target: resolved, identities: new Map() },
    refused: tooDeep(way, listed.source, resolved ?? [], settings.maxDepth),
  }
}

/** Whether something is written, deleted, or entered. */
function isChange(action: Action): boolean {
  switch (action.type) {
    case 'equal':
      return action.rule === 'directory'
    case 'skip':
    case 'refuse':
      return false
    default:
      return true
  }
}

/** A server could go on for ever with directories to be deleted. */
function tooDeep(
  { path }: Way,
  source: readonly TreeEntry[],
  target: readonly TreeEntry[],
  maxDepth: number,
): Map<string, FtpProtocolError> {
  const refused = new Map<string, FtpProtocolError>()
  const ours = new Set(source.map(({ name }) => name))
  for (const { name, type } of target) {
    if (type !== 'directory' || ours.has(name)) continue
    const error = depthRefusal(joinedPath(path, name), maxDepth)
    if (error !== undefined) refused.set(name, error)
  }
  return refused
}
