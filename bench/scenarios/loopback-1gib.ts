/** 1 GiB from vsftpd over loopback into a file in memory: what the client itself costs, and nothing else. */
import { createHash, randomFillSync, type BinaryLike } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { startServer } from '../../test/servers/index.ts'
import { provision } from '../../test/servers/provision.mjs'
import type { Client, DownloadTask } from '../clients/clients.ts'
import type { Contest, Contestant } from '../harness/contest.ts'
import type { Scenario, ScenarioCase, ScenarioSetup } from './scenario.ts'

const GIB = 2 ** 30
const FILE = 'source.bin'

export const loopback1Gib: Scenario = {
  name: 'loopback-1gib',
  title: '1 GiB over loopback',
  about: [
    'From vsftpd, source and target in memory. TLS: session reuse required on data connections, certificates verified by every client.',
    'The server runs on the same cores, so wall time holds its work too.',
  ],
  server: async () => {
    const installed = (await provision()).servers['vsftpd'] as { packages?: readonly string[] } | undefined
    return installed?.packages?.find((name) => name.startsWith('vsftpd ')) ?? 'vsftpd'
  },
  cases: [1, 4].flatMap((connections) => [
    loopbackCase('plain', connections),
    loopbackCase('tls', connections),
  ]),
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
  const source = join(workspace.served, FILE)
  if (!existsSync(source)) writeRandomFile(source, size)
  const expected = await sha256(source)
  const target = join(workspace.targets, 'target.bin')
  const security = channel === 'tls' ? ({ tls: 'explicit', requireReuse: true } as const) : {}
  const server = await startServer('vsftpd', {
    ...security,
    root: workspace.served,
    user: 'bench',
    password: 'bench',
  })
  const task: DownloadTask = {
    ...{ host: server.host, port: server.port, user: server.user, password: server.password },
    ...{ path: `/${FILE}`, target, connections },
    caFile: channel === 'tls' ? join(server.scratch, 'ca.pem') : undefined,
  }
  return {
    ...downloadContestants(clients, task),
    clear: () => {
      emptyFolder(workspace.targets)
      if (workspace.isInMemory) warmMemory(join(workspace.targets, 'warm.bin'), size * 1.5)
    },
    check: () => whatIsWrong(target, size, expected),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

function downloadContestants(
  clients: readonly Client[],
  task: DownloadTask,
): Pick<Contest, 'contestants' | 'leftOut'> {
  const contestants: Contestant[] = []
  const leftOut: string[] = []
  for (const client of clients) {
    const command = client.download(task)
    if (command === undefined) leftOut.push(client.name)
    else contestants.push({ client: client.name, label: client.label(task), command })
  }
  return { contestants, leftOut }
}

/** Random bytes: nothing on the way can compress them, and a piece in a wrong place shows. */
function writeRandomFile(path: string, size: number): void {
  const chunk = Buffer.allocUnsafe(1 << 20)
  const file = openSync(path, 'w', 0o644)
  try {
    for (let left = size; left > 0; left -= chunk.length) {
      writeSync(file, randomFillSync(chunk), 0, Math.min(left, chunk.length))
    }
  } finally {
    closeSync(file)
  }
}

/**
 * A virtual machine gives freed memory back to its host and gets it again page by page, which costs whoever
 * touches it first up to ten times the copy itself. So all that a run will need is touched before it.
 */
function warmMemory(path: string, bytes: number): void {
  const chunk = Buffer.alloc(1 << 20, 0x55)
  const file = openSync(path, 'w', 0o600)
  try {
    for (let left = bytes; left > 0; left -= chunk.length) writeSync(file, chunk)
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

function emptyFolder(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true })
}

async function whatIsWrong(target: string, size: number, expected: string): Promise<string | undefined> {
  if (!existsSync(target)) return 'no file'
  const actual = statSync(target).size
  if (actual !== size) return `${actual} bytes instead of ${size}`
  return (await sha256(target)) === expected ? undefined : 'wrong bytes'
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    async (chunks: AsyncIterable<BinaryLike>) => {
      for await (const chunk of chunks) hash.update(chunk)
    },
  )
  return hash.digest('hex')
}
