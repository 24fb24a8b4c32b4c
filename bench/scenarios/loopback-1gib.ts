/** 1 GiB from vsftpd over loopback into a file in memory: what the client itself costs, and nothing else. */
import { join } from 'node:path'
import { startServer } from '../../test/servers/index.ts'
import type { Contest } from '../harness/contest.ts'
import { numbersAndAuto } from './automatic.ts'
import { downloadContest, makeSource, vsftpdVersion } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'

const GIB = 2 ** 30

export const loopback1Gib: Scenario = {
  name: 'loopback-1gib',
  title: '1 GiB over loopback',
  about: [
    'From vsftpd, source and target in memory. TLS: session reuse required on data connections, certificates verified by every client.',
    'The server runs on the same cores, so wall time holds its work too.',
  ],
  server: vsftpdVersion,
  cases: [
    ...[1, 4].flatMap((connections) => [
      loopbackCase('plain', connections),
      loopbackCase('tls', connections),
    ]),
    { name: 'plain-auto', title: "plain, 'auto' and fixed numbers", open: openAutomatic },
  ],
}

function loopbackCase(channel: 'plain' | 'tls', connections: number): ScenarioCase {
  const count = connections === 1 ? '1 connection' : `${connections} connections`
  return {
    name: `${channel}-${connections}`,
    title: `${channel === 'tls' ? 'TLS' : 'plain'}, ${count}`,
    open: (setup) => openCase(channel, connections, setup),
  }
}

async function openCase(
  channel: 'plain' | 'tls',
  connections: number,
  { workspace, clients, size = GIB }: ScenarioSetup,
): Promise<Contest & AsyncDisposable> {
  const source = await makeSource(workspace, size)
  const security = channel === 'tls' ? ({ tls: 'explicit', requireReuse: true } as const) : {}
  const server = await startServer('vsftpd', {
    ...security,
    root: workspace.served,
    user: 'bench',
    password: 'bench',
  })
  return downloadContest({
    ...{ workspace, source, login: server },
    ...(channel === 'tls' ? { caFile: join(server.scratch, 'ca.pem') } : {}),
    ways: clients.map((client) => ({ client, connections })),
    close: () => server.stop(),
  })
}

async function openAutomatic({
  workspace,
  clients,
  numbers,
  size = GIB,
}: ScenarioSetup): Promise<Contest & AsyncDisposable> {
  const source = await makeSource(workspace, size)
  const server = await startServer('vsftpd', { root: workspace.served, user: 'bench', password: 'bench' })
  return downloadContest({
    ...{ workspace, source, login: server, comparison: '÷ best' },
    ways: numbersAndAuto(clients, numbers, () => undefined),
    close: () => server.stop(),
  })
}
