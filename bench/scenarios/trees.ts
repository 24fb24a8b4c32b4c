/** Contests in which each client fetches or sends the same tree: what the scenarios of trees have in common. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../clients/clients.ts'
import type { Trees, TreeTask } from '../clients/trees.ts'
import { printingTo, type Contest, type Contestant } from '../harness/contest.ts'
import { emptyFolder, warmMemory } from '../harness/files.ts'
import { makeTree, whatDiffers, whatReadsWrong, type Tree, type TreeShape } from '../harness/tree.ts'
import type { Workspace } from '../harness/workspace.ts'
import type { LinkOptions } from '../network/link.ts'
import { openPlace, type OpenPlace, type Place } from '../network/place.ts'

/** The long way of the scenarios. */
export const FAR: LinkOptions = { roundTripMs: 50, megabitsPerSecond: 200 }
export const CONNECTIONS = 8
export const BETTER_PEER = '"÷ best": against the best of the peers.'

/** Below the folder that is served, and below that of the targets. */
const NAME = 'tree'

/** How one client does it. */
export interface TreeWay extends Pick<TreeTask, 'connections' | 'automatic' | 'segments' | 'pacedFiles'> {
  readonly client: Client
}

/** Each of those clients with as many connections. */
export function waysWith(clients: readonly Client[], connections = CONNECTIONS): TreeWay[] {
  return clients.map((client) => ({ client, connections }))
}

export interface TreeWork extends Partial<Pick<Contest, 'observe' | 'leftOut'>> {
  readonly workspace: Workspace
  readonly place: Place
  readonly shape: TreeShape
  readonly ways: readonly TreeWay[]
  /** The least time that so many bytes can take, where the rate is known. */
  readonly idealSeconds?: (bytes: number) => number
  /** A file for what the commands print. Default: it is not kept. */
  readonly output?: string | undefined
}

/** What {@link contestOf} has to know of a contest that stands. */
export interface OpenWork extends Pick<TreeWork, 'ways' | 'output'>, Pick<Contestant, 'idealSeconds'> {
  readonly opened: OpenPlace
  /** On the server. */
  readonly path: string
  readonly local: string
}

/** A tree is made where the server can serve it, and fetched. */
export async function fetchContest(work: TreeWork): Promise<Contest & AsyncDisposable> {
  const { workspace, ways, output, observe, leftOut = [] } = work
  const { tree, path, opened, close } = await openSource(work)
  const local = join(workspace.targets, NAME)
  const idealSeconds = work.idealSeconds?.(tree.bytes)
  return {
    ...contestOf('down', { ways, output, opened, path, local, idealSeconds }),
    leftOut,
    ...(observe === undefined ? {} : { observe }),
    clear: () => clearFor(tree, workspace.targets, workspace),
    check: async () => whatDiffers(tree, local) ?? (await whatReadsWrong(tree, local)),
    [Symbol.asyncDispose]: close,
  }
}

export interface OpenSource {
  readonly tree: Tree
  /** On the server. */
  readonly path: string
  readonly opened: OpenPlace
  readonly close: () => Promise<void>
}

/** A tree, and a server that serves it. */
export async function openSource({
  workspace,
  place,
  shape,
}: Pick<TreeWork, 'workspace' | 'place' | 'shape'>): Promise<OpenSource> {
  const folder = join(workspace.served, NAME)
  const tree = await makeTree(folder, shape)
  const opened = await openPlace(place, workspace)
  const close = async (): Promise<void> => {
    await opened.close()
    rmSync(folder, { recursive: true })
  }
  return { tree, path: `/${NAME}`, opened, close }
}

/** Octoftp, compared with the best of the others, and these. */
export function contestOf(
  verb: keyof Trees,
  work: OpenWork,
): Pick<Contest, 'contestants' | 'leftOut' | 'comparison'> {
  const within = (command: readonly string[]): readonly string[] => {
    const inPlace = work.opened.within(command)
    return work.output === undefined ? inPlace : printingTo(work.output, inPlace)
  }
  const contestants = work.ways.flatMap((way) => {
    const task = taskOf(way, work)
    const comparedWith = way.client.name === 'octoftp' ? peersOf(way, verb, work) : undefined
    return (way.client.trees?.[verb] ?? []).map((one): Contestant => {
      const [label, command] = [one.label(task), within(one.command(task))]
      return { client: way.client.name, label, command, comparedWith, idealSeconds: work.idealSeconds }
    })
  })
  return { contestants, leftOut: [], comparison: '÷ best' }
}

function taskOf(
  { connections, automatic, segments, pacedFiles }: TreeWay,
  { opened, path, local }: OpenWork,
): TreeTask {
  const { host, port, user, password } = opened.login
  const place = { host, port, user, password, path, caFile: opened.caFile, local }
  return { ...place, connections, automatic, segments, pacedFiles }
}

/** Labels of those with as many connections, or of all where octoftp chooses. */
function peersOf({ automatic, connections }: TreeWay, verb: keyof Trees, work: OpenWork): string[] {
  const others = work.ways.filter(({ client }) => client.name !== 'octoftp')
  const peers = others.filter((other) => automatic === true || other.connections === connections)
  return peers.flatMap((peer) => {
    const task = taskOf(peer, work)
    return (peer.client.trees?.[verb] ?? []).map((one) => one.label(task))
  })
}

/** Empties the folder where a tree is to arrive, with memory touched for what will come. */
export function clearFor({ bytes }: Tree, targets: string, { isInMemory, scratch }: Workspace): void {
  emptyFolder(targets)
  if (isInMemory) warmMemory(join(scratch, 'warm.bin'), bytes * 1.5)
}
