/** Contests in which each client fetches the same file: what the scenarios have in common. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerKind } from '../../test/servers/index.ts'
import { provision } from '../../test/servers/provision.mjs'
import type { Client, DownloadTask } from '../clients/clients.ts'
import type { Contest, Contestant } from '../harness/contest.ts'
import { emptyFolder, sha256, warmMemory, whatIsWrong, writeRandomFile } from '../harness/files.ts'
import type { Workspace } from '../harness/workspace.ts'

export interface Source {
  /** On the server whose root is the workspace's served folder. */
  readonly path: string
  readonly size: number
  readonly sha256: string
}

export async function makeSource(workspace: Workspace, size: number): Promise<Source> {
  const name = `source-${size}.bin`
  const file = join(workspace.served, name)
  if (!existsSync(file)) writeRandomFile(file, size)
  return { path: `/${name}`, size, sha256: await sha256(file) }
}

/** Where the file is, as a client is told. */
export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** One way in which one client fetches the file. */
export interface Way extends Pick<Contestant, 'idealSeconds' | 'comparedWith' | 'prepare'> {
  readonly client: Client
  readonly connections: number
  readonly automatic?: boolean
  /** Default: the client's own. */
  readonly label?: string
}

export interface Downloads extends Pick<Contest, 'comparison' | 'observe'> {
  readonly workspace: Workspace
  readonly source: Source
  readonly login: Login
  /** Where the same file is as well. */
  readonly mirrors?: readonly Login[]
  readonly caFile?: string
  readonly ways: readonly Way[]
  /** Makes the command one that runs elsewhere, such as in a network namespace. */
  readonly within?: (command: readonly string[]) => readonly string[]
  readonly close: () => PromiseLike<void>
}

export function downloadContest(work: Downloads): Contest & AsyncDisposable {
  const { workspace, source, comparison, observe } = work
  const target = join(workspace.targets, 'target.bin')
  const contestants: Contestant[] = []
  const leftOut: string[] = []
  for (const way of work.ways) {
    if (way.client.download === undefined) continue
    const contestant = contestantFor(way, target, work)
    if (contestant === undefined) leftOut.push(way.client.name)
    else contestants.push(contestant)
  }
  return {
    ...{ contestants, leftOut, comparison },
    ...(observe === undefined ? {} : { observe }),
    clear: () => {
      emptyFolder(workspace.targets)
      if (workspace.isInMemory) warmMemory(join(workspace.targets, 'warm.bin'), source.size * 1.5)
    },
    check: () => whatIsWrong(target, source.size, source.sha256),
    [Symbol.asyncDispose]: async () => work.close(),
  }
}

function contestantFor(way: Way, target: string, work: Downloads): Contestant | undefined {
  const { client, connections, automatic, label, idealSeconds, comparedWith, prepare } = way
  const { source, login, mirrors, caFile, within } = work
  const { host, port, user, password } = login
  const task: DownloadTask = {
    ...{ host, port, user, password, path: source.path, target, connections, automatic, caFile },
    mirrors,
  }
  const command = client.download?.command(task)
  if (command === undefined) return undefined
  return {
    client: client.name,
    label: label ?? client.download?.label(task) ?? client.name,
    command: within === undefined ? command : within(command),
    ...{ idealSeconds, comparedWith, prepare },
  }
}

/** Those of `clients` that have such a name. */
export function named(clients: readonly Client[], names: readonly string[]): Client[] {
  return clients.filter(({ name }) => names.includes(name))
}

/** vsftpd as it is installed for the tests, with its version. */
export function vsftpdVersion(): Promise<string> {
  return serverVersion('vsftpd')
}

/** A server as it is installed for the tests, with its version. */
export async function serverVersion(kind: ServerKind): Promise<string> {
  const installed = (await provision()).servers[kind] as { packages?: readonly string[] } | undefined
  return installed?.packages?.find((name) => name.startsWith(kind)) ?? kind
}
