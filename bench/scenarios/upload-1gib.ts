/** 1 GiB to vsftpd over loopback, into a file in memory: what sending costs the client. */
import { join } from 'node:path'
import { startServer } from '../../test/servers/index.ts'
import type { Client } from '../clients/clients.ts'
import type { Contest, Contestant } from '../harness/contest.ts'
import { emptyFolder, warmMemory, whatIsWrong } from '../harness/files.ts'
import { makeSource, vsftpdVersion, type Login } from './downloads.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'

const GIB = 2 ** 30
/** The server may write here; the root is ours. */
const FOLDER = 'arrived'
const NAME = 'target.bin'

export const upload1Gib: Scenario = {
  name: 'upload-1gib',
  title: '1 GiB sent over loopback',
  about: [
    'To vsftpd, source and target in memory. TLS: session reuse required on data connections, certificates verified by every client.',
    'The server runs on the same cores, so wall time holds its work too. "÷ best": against the better of the peers.',
  ],
  server: vsftpdVersion,
  cases: [uploadCase('plain'), uploadCase('tls')],
}

function uploadCase(channel: 'plain' | 'tls'): ScenarioCase {
  return {
    name: channel,
    title: channel === 'tls' ? 'TLS' : 'plain',
    open: (setup) => openCase(channel, setup),
  }
}

async function openCase(
  channel: 'plain' | 'tls',
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
  const arrived = server.makeDirectory(FOLDER)
  const caFile = channel === 'tls' ? join(server.scratch, 'ca.pem') : undefined
  return {
    contestants: contestantsOf(clients, join(workspace.served, source.path), server, caFile),
    leftOut: [],
    comparison: '÷ best',
    clear: () => {
      emptyFolder(arrived)
      if (workspace.isInMemory) warmMemory(join(workspace.targets, 'warm.bin'), size * 1.5)
    },
    check: () => whatIsWrong(join(arrived, NAME), size, source.sha256),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

/** Octoftp, compared with the best of the others, and these. */
function contestantsOf(
  clients: readonly Client[],
  source: string,
  { host, port, user, password }: Login,
  caFile: string | undefined,
): Contestant[] {
  const task = { host, port, user, password, path: `/${FOLDER}/${NAME}`, source, caFile }
  const able = clients.flatMap(({ name, upload }) => (upload === undefined ? [] : [{ name, upload }]))
  const peers = able.filter(({ name }) => name !== 'octoftp').map(({ upload }) => upload.label)
  return able.map(({ name, upload }) => ({
    client: name,
    label: upload.label,
    command: upload.command(task),
    ...(name === 'octoftp' && { comparedWith: peers }),
  }))
}
