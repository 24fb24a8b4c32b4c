/** A server that gives each connection so much and no more: what many connections are for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from '../../test/servers/index.ts'
import { startShapedServer } from '../servers/shaped-server.ts'
import { printingTo, type Contest } from '../harness/contest.ts'
import { numbersAndAuto } from './automatic.ts'
import { downloadContest, makeSource, named, vsftpdVersion } from './downloads.ts'
import type { Scenario, ScenarioSetup } from './scenario.ts'

const RATE = 4_000_000
const CONNECTIONS = 8
/** What 'auto' goes up to in a one-shot. */
const MOST_CONNECTIONS = 16
const SIZE = 100 * 2 ** 20
const PEERS = ['octoftp', 'lftp', 'aria2', 'axel']

export const cappedConnections: Scenario = {
  name: 'capped-connections',
  title: '100 MiB, each connection capped at 4 MB/s',
  about: [
    'From vsftpd with `local_max_rate=4000000`, and from a server of our own: vsftpd gives about twice the rate that it',
    'is told, and in bursts. Ideal: the bytes over the sum of the rates. "Call": what `download()` takes in a program that',
    'runs already; all else is whole processes.',
  ],
  server: vsftpdVersion,
  cases: [
    { name: 'capped-8', title: '8 connections', open: openCase },
    { name: 'exact-8', title: '8 connections, from a server that keeps to the rate', open: openExact },
    { name: 'capped-auto', title: "400 MiB, 'auto' and fixed numbers", open: openAutomatic },
    {
      name: 'exact-auto',
      title: "400 MiB, 'auto' and fixed numbers, from a server that keeps to the rate",
      open: openExactAutomatic,
    },
  ],
}

async function openCase(setup: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const { workspace, clients, size = SIZE } = setup
  const source = await makeSource(workspace, size)
  const server = await startServer('vsftpd', {
    ...{ root: workspace.served, user: 'bench', password: 'bench' },
    bytesPerSecondPerConnection: RATE,
  })
  const idealSeconds = size / (RATE * CONNECTIONS)
  const taking = named(clients, PEERS)
  return downloadContest({
    ...{ workspace, source, login: server },
    ways: taking.map((client) => ({ client, connections: CONNECTIONS, idealSeconds })),
    close: () => server.stop(),
  })
}

async function openExact(setup: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const { workspace, clients, size = SIZE } = setup
  const source = await makeSource(workspace, size)
  const rates = Array.from({ length: CONNECTIONS }, () => RATE)
  const shaped = await startShapedServer({ root: workspace.served, rates })
  const idealSeconds = size / (RATE * CONNECTIONS)
  const prepare = (): Promise<void> => shaped.begin()
  const output = join(workspace.scratch, 'told')
  return downloadContest({
    ...{ workspace, source, login: shaped },
    ways: named(clients, PEERS).map((client) => ({
      client,
      connections: CONNECTIONS,
      idealSeconds,
      prepare,
    })),
    within: (command) => printingTo(output, command),
    observe: () => Promise.resolve(callTold(readFileSync(output, 'utf8'), idealSeconds)),
    close: () => shaped[Symbol.asyncDispose](),
  })
}

/** Of octoftp; a peer prints nothing of that kind. */
function callTold(text: string, idealSeconds: number): Record<string, number> {
  if (!text.startsWith('{')) return {}
  const { callSeconds } = JSON.parse(text) as { callSeconds: number }
  return { 'call s': callSeconds, 'call ÷ ideal': callSeconds / idealSeconds }
}

async function openExactAutomatic(setup: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const { workspace, clients, numbers, size = 4 * SIZE } = setup
  const source = await makeSource(workspace, size)
  const rates = Array.from({ length: MOST_CONNECTIONS }, () => RATE)
  const shaped = await startShapedServer({ root: workspace.served, rates })
  const ideal = (connections: number): number => size / (RATE * connections)
  return downloadContest({
    ...{ workspace, source, login: shaped, comparison: '÷ best' },
    ways: numbersAndAuto(clients, numbers, ideal).map((way) => ({ ...way, prepare: () => shaped.begin() })),
    close: () => shaped[Symbol.asyncDispose](),
  })
}

async function openAutomatic(setup: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const { workspace, clients, numbers, size = 4 * SIZE } = setup
  const source = await makeSource(workspace, size)
  const server = await startServer('vsftpd', {
    ...{ root: workspace.served, user: 'bench', password: 'bench' },
    bytesPerSecondPerConnection: RATE,
  })
  return downloadContest({
    ...{ workspace, source, login: server, comparison: '÷ best' },
    ways: numbersAndAuto(clients, numbers, (connections) => size / (RATE * connections)),
    close: () => server.stop(),
  })
}
