/** Connections of unlike speeds, and one that stalls: from a server of our own, for no real one does this. */
import { startShapedServer, type ShapedServer, type Stall } from '../servers/shaped-server.ts'
import type { Client } from '../clients/clients.ts'
import type { Contest } from '../harness/contest.ts'
import { downloadContest, makeSource, named, type Way } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'

const MB = 1_000_000
const MIB = 2 ** 20
const UNEVEN = [8, 4, 2, 1, 1, 1, 1, 1].map((rate) => rate * MB)
const EQUAL = Array.from({ length: 8 }, () => 4 * MB)
const STALL_MS = 10_000
const STALLED_LANE = 3
const CLIENTS = ['octoftp', 'lftp', 'aria2']

const FIGURES =
  'Beside the times: logins, connections turned away, and what was sent per byte of the file (medians).'
const server = async (): Promise<string> => Promise.resolve('bench/servers/shaped-ftp.ts')

export const unevenConnections: Scenario = {
  name: 'uneven-connections',
  title: '100 MiB over connections of 8, 4, 2, 1, 1, 1, 1 and 1 MB/s',
  about: [
    'By order of login; each control connection keeps its rate. Ideal: the bytes over the sum of the rates.',
    FIGURES,
  ],
  server,
  cases: [
    {
      name: 'uneven-8',
      title: '8 connections',
      open: (setup) => openCase(setup, UNEVEN, 100 * MIB, unevenWays),
    },
  ],
}

/** 100 MiB are over before the stall is; of 1 GiB the connection fetches more when it comes back. */
export const oneStalls: Scenario = {
  name: 'one-stalls',
  title: '8 connections of 4 MB/s, one of which sends nothing for ten seconds',
  about: [
    'From the moment half of the file has been sent. Ideal: what the rates allow, less what the silent connection',
    `could have brought. ${FIGURES}`,
  ],
  server,
  cases: [stallCase('stall-100mib', '100 MiB', 100 * MIB), stallCase('stall-1gib', '1 GiB', 1024 * MIB)],
}

function stallCase(name: string, title: string, size: number): ScenarioCase {
  return { name, title, open: (setup) => openCase(setup, EQUAL, size, stallWays) }
}

type WaysOf = (server: ShapedServer, clients: readonly Client[], size: number) => readonly Way[]

async function openCase(
  { workspace, clients, size: askedSize }: ScenarioSetup,
  rates: readonly number[],
  usualSize: number,
  waysOf: WaysOf,
): Promise<Contest & AsyncDisposable> {
  const size = askedSize ?? usualSize
  const source = await makeSource(workspace, size)
  const shaped = await startShapedServer({ root: workspace.served, rates })
  return downloadContest({
    ...{ workspace, source, login: shaped },
    ways: waysOf(shaped, named(clients, CLIENTS), size),
    comparison: '÷ no stall',
    observe: async () => {
      const { logins, refused, bytesSent } = await shaped.report()
      return { logins, refused, 'sent ÷ size': bytesSent / size }
    },
    close: () => shaped[Symbol.asyncDispose](),
  })
}

function unevenWays(shaped: ShapedServer, clients: readonly Client[], size: number): Way[] {
  const idealSeconds = size / sum(UNEVEN)
  const prepare = (): Promise<void> => shaped.begin()
  return clients.map((client) => ({ client, connections: UNEVEN.length, idealSeconds, prepare }))
}

/** Each client without the stall and, right after it, with it. */
function stallWays(shaped: ShapedServer, clients: readonly Client[], size: number): Way[] {
  const connections = EQUAL.length
  const stall: Stall = { lane: STALLED_LANE, afterBytes: Math.floor(size / 2), forMs: STALL_MS }
  return clients.flatMap((client) => [
    {
      ...{ client, connections, label: `${client.name}, no stall`, idealSeconds: size / sum(EQUAL) },
      prepare: () => shaped.begin(),
    },
    {
      ...{ client, connections, label: `${client.name}, stall`, idealSeconds: idealWithStall(size) },
      comparedWith: [`${client.name}, no stall`],
      prepare: () => shaped.begin(stall),
    },
  ])
}

function idealWithStall(size: number): number {
  const [all, stalled] = [sum(EQUAL), EQUAL[STALLED_LANE] ?? 0]
  const half = size / 2
  const meanwhile = ((all - stalled) * STALL_MS) / 1000
  if (meanwhile >= half) return half / all + half / (all - stalled)
  return half / all + STALL_MS / 1000 + (half - meanwhile) / all
}

function sum(rates: readonly number[]): number {
  return rates.reduce((total, rate) => total + rate, 0)
}
