/**
 * Many steals on each real server, plain and TLS: each cuts a transfer short on a session that goes on, and no
 * control connection may be lost by it. `node --import tsx bench/steals.ts --help`
 */
import { mkdtempSync, chmodSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FtpClient } from '../src/index.ts'
import { serverMatrix, startServer, type MatrixCell, type RunningServer } from '../test/servers/index.ts'
import { sha256, whatIsWrong, writeRandomFile } from './harness/files.ts'
import { startUnsteadyLink, type UnsteadyLink, type UnsteadyReport } from './servers/unsteady-link.ts'

const usage = `node --import tsx bench/steals.ts [options]

  --steals N          on each server (1000)
  --server A,B        vsftpd, proftpd, pure-ftpd, pyftpdlib (all)
  --security A,B      none, explicit, implicit (none, explicit)
  --connections N     (8)
  --size BYTES        of the file that is fetched again and again (67108864)
  --downloads N       at most so many on each server (200)
  --seed N            of the changing speeds (1)
`

const { values } = parseArgs({
  options: {
    steals: { type: 'string', default: '1000' },
    server: { type: 'string', default: 'vsftpd,proftpd,pure-ftpd,pyftpdlib' },
    security: { type: 'string', default: 'none,explicit' },
    connections: { type: 'string', default: '8' },
    size: { type: 'string', default: String(64 * 2 ** 20) },
    downloads: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

const STEALS = Number(values.steals)
const SIZE = Number(values.size)
const CONNECTIONS = Number(values.connections)
const SEED = Number(values.seed)
/** Small, so that a file is worth many steals. */
const SMALLEST_SEGMENT = 64 * 1024
const SLOWEST = 300_000
const FASTEST = 20_000_000
const CHANGE_EVERY_MS = 150
/** Below the ports that the system gives out by itself. */
const PASSIVE_PORTS = { from: 18_000, each: 120 }

interface Counts {
  steals: number
  downloads: number
  /** The most data connections at once. */
  connections: number
  lostEvents: number
  retries: number
  wrong: string[]
}

interface Place {
  readonly root: string
  readonly target: string
  readonly sha256: string
}

async function onServer(cell: MatrixCell, index: number, place: Place): Promise<boolean> {
  const first = PASSIVE_PORTS.from + index * PASSIVE_PORTS.each
  const passivePorts = [first, first + PASSIVE_PORTS.each - 1] as const
  await using server = await startServer(cell.kind, { tls: cell.tls, root: place.root, passivePorts })
  await using link = await startUnsteadyLink({
    ...{ serverHost: server.host, controlPort: server.port, passivePorts },
    ...{ slowest: SLOWEST, fastest: FASTEST, changeEveryMs: CHANGE_EVERY_MS, seed: SEED + index },
  })
  const ftp = clientFor(server, link)
  try {
    const counts = await steal(ftp, place)
    return tell(cell, counts, await link.report())
  } finally {
    ftp.destroy()
  }
}

function clientFor({ tls, user, password, ca }: RunningServer, { host, port }: UnsteadyLink): FtpClient {
  // The certificate names the server's address, not that of the way to it.
  const trust = tls === 'none' ? {} : { tls: { ca, servername: 'localhost' } }
  return new FtpClient({ host, port, user, password, security: tls, maxConnections: CONNECTIONS, ...trust })
}

async function steal(ftp: FtpClient, { target, sha256: expected }: Place): Promise<Counts> {
  const counts: Counts = { steals: 0, downloads: 0, connections: 0, lostEvents: 0, retries: 0, wrong: [] }
  while (counts.steals < STEALS && counts.downloads < Number(values.downloads)) {
    const { connections } = await ftp.download('/source.bin', target, {
      ...{ connections: CONNECTIONS, minSegmentSize: SMALLEST_SEGMENT },
      on: {
        segment: ({ type }) => (counts.steals += type === 'split' ? 1 : 0),
        connection: ({ type }) => (counts.lostEvents += type === 'lost' ? 1 : 0),
        retry: () => counts.retries++,
      },
    })
    const wrong = await whatIsWrong(target, SIZE, expected)
    if (wrong !== undefined) counts.wrong.push(wrong)
    rmSync(target)
    counts.downloads++
    counts.connections = Math.max(counts.connections, connections)
  }
  return counts
}

/** @returns whether all is as it has to be */
function tell(cell: MatrixCell, counts: Counts, seen: UnsteadyReport): boolean {
  const faults = [
    ...(counts.steals < STEALS ? [`only ${counts.steals} steals`] : []),
    ...(seen.controlConnections !== counts.connections ? ['logins are not connections'] : []),
    ...(seen.controlConnectionsLost > 0 ? [`${seen.controlConnectionsLost} lost by the server`] : []),
    ...(counts.lostEvents > 0 ? [`${counts.lostEvents} events of a loss`] : []),
    ...(counts.retries > 0 ? [`${counts.retries} retries`] : []),
    ...counts.wrong,
  ]
  const { dataConnections, resets, controlConnections } = seen
  console.log(
    `${cell.name.padEnd(24)} ${counts.steals} steals in ${counts.downloads} downloads, ${dataConnections} data connections` +
      ` (${resets} reset), ${counts.connections} connections, ${controlConnections} logins: ${faults.join('; ') || 'good'}`,
  )
  return faults.length === 0
}

async function main(): Promise<void> {
  const [kinds, securities] = [values.server.split(','), values.security.split(',')]
  const cells = serverMatrix().filter(({ kind, tls }) => kinds.includes(kind) && securities.includes(tls))
  if (cells.length === 0) throw new RangeError(`no such server: ${values.server}, ${values.security}`)
  const folder = mkdtempSync(join(tmpdir(), 'octoftp-steals-'))
  chmodSync(folder, 0o755) // sessions run under another account
  const root = join(folder, 'served')
  mkdirSync(root)
  try {
    const source = join(root, 'source.bin')
    writeRandomFile(source, SIZE)
    const place: Place = { root, target: join(folder, 'target.bin'), sha256: await sha256(source) }
    for (const [index, cell] of cells.entries()) {
      const obstacle = cell.unavailable ?? cell.refused
      if (obstacle !== undefined) console.log(`${cell.name.padEnd(24)} left out: ${obstacle}`)
      else if (!(await onServer(cell, index, place))) process.exitCode = 1
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (values.help) console.log(usage)
else
  await main().catch((error: unknown) => {
    console.error(error)
    // What a failed start has left open must not hold us; servers and helpers go with this process.
    process.exit(1)
  })
