/**
 * Servers × TLS 1.2 and 1.3 × explicit and implicit × names and addresses × every supported Node: each cell makes 200
 * data connections (listings, small downloads, segmented ones with early ends, uploads, aborted transfers). All of them
 * resume where the server offers sessions; none is refused, no control connection is lost, every file is right.
 */
import { createHash } from 'node:crypto'
import { truncateSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareProgram, type Program } from '../hazards/support/child-process.ts'
import { serverMatrix } from '../servers/index.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { sharedServer } from '../servers/vitest.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { CELL_TIMEOUT_MS, runCell, type Cell, type Report } from './cell.ts'
import { NODE_MAJORS, nodeProgram, whyNoNode } from './nodes.ts'

const DATA_CONNECTIONS = 200
/** A round of the program makes seven; so many are enough to say that no kind was left out. */
const ROUNDS = 20

const SMALL = randomBytes(5_003, 'small')
/** Three segments, none of which is worth splitting. */
const SEGMENTED = randomBytes(1_048_576 + 77, 'segmented')
const LARGE_BYTES = 268_435_456
const LISTED = ['a', 'b', 'c']

const VERSIONS = ['1.2', '1.3'] as const
type Version = (typeof VERSIONS)[number]

/** By the address that the server listens on: a server has one, and all of them are reached by both families. */
const HOSTS = { '127.0.0.1': ['localhost', '127.0.0.1'], '::1': ['::1'] } as const
const ADDRESSES = ['127.0.0.1', '::1'] as const

/** Of the five only Pure-FTPd under TLS 1.3 gives none, by whatever connection. */
function offersSessions(kind: ServerKind, version: Version): boolean {
  return kind !== 'pure-ftpd' || version === '1.2'
}

const canRequireReuse = (kind: ServerKind): boolean => kind === 'vsftpd' || kind === 'proftpd'

let library: Program
beforeAll(async () => {
  library = await prepareProgram("export * from './octoftp/index.js'")
})
afterAll(() => library[Symbol.asyncDispose]())

for (const { kind, tls, name, unavailable, refused } of serverMatrix()) {
  if (tls === 'none' || refused !== undefined) continue
  for (const version of VERSIONS) {
    for (const address of ADDRESSES) {
      describe(`${name}, TLS ${version}, on ${address}`, () => {
        const reason = unavailable ?? (hasAddress(address) ? undefined : `this machine has no ${address}`)
        if (reason !== undefined) return it(`left out: ${reason}`, (context) => context.skip(reason))
        const requireReuse = canRequireReuse(kind)
        const server = sharedServer(kind, { tls, address, tlsVersion: version, requireReuse })
        beforeAll(() => fill(server()))
        for (const host of HOSTS[address]) {
          for (const major of NODE_MAJORS) describeCell(server, { kind, version, host, major })
        }
      })
    }
  }
}

interface Where {
  readonly kind: ServerKind
  readonly version: Version
  readonly host: string
  readonly major: number
}

function describeCell(server: () => RunningServer, { kind, version, host, major }: Where): void {
  const reason = whyNoNode(major)
  if (reason !== undefined) return it(`left out: ${reason}`, (context) => context.skip(reason))
  it.concurrent(
    `${host}, Node ${major}`,
    async () => {
      await using folder = await temporaryDirectory()
      const report = await runCell(nodeProgram(major), cellOf(server(), host, major, folder.path))
      expect(report.node.split('.')[0]).toBe(String(major))
      expectFlawless(report, version, offersSessions(kind, version))
    },
    CELL_TIMEOUT_MS + 30_000,
  )
}

function cellOf(server: RunningServer, host: string, major: number, folder: string): Cell {
  const { kind, port, user, password, tls, ca, root } = server
  return {
    ...{ id: `${host}-${major}`, library: pathToFileURL(library.path).href, ca, root, folder },
    server: { host, port, user, password, security: tls },
    files: {
      listed: { path: 'listed', names: LISTED },
      small: { path: 'small', sha256: sha256(SMALL) },
      segmented: { path: 'segmented', sha256: sha256(SEGMENTED) },
      large: { path: 'large' },
    },
    dataConnections: DATA_CONNECTIONS,
    // ftp-srv looks for its data connection every 50 ms, and has nothing to do meanwhile.
    lanes: kind === 'ftp-srv' ? 8 : 2,
  }
}

function fill(server: RunningServer): void {
  server.write('small', SMALL)
  server.write('segmented', SEGMENTED)
  truncateSync(server.write('large', ''), LARGE_BYTES)
  for (const name of LISTED) server.write(`listed/${name}`, name)
}

function expectFlawless(report: Report, version: Version, isOffered: boolean): void {
  const nothing = { lost: [], refused: [], retries: [], failures: [], wrong: [] }
  expect(report).toMatchObject({ ...nothing, protocols: [`TLSv${version}`] })
  expect(report.dataConnections).toBeGreaterThanOrEqual(DATA_CONNECTIONS)
  expect(Math.min(...Object.values(report.operations))).toBeGreaterThanOrEqual(ROUNDS)
  expect(report.earlyEnds).toBeGreaterThanOrEqual(ROUNDS)
  expect(report.sessionsGiven > 0, 'whether the server offers sessions').toBe(isOffered)
  const { dataConnections } = report
  expect(report).toMatchObject({ secured: dataConnections, resumed: isOffered ? dataConnections : 0 })
}

function hasAddress(wanted: string): boolean {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.some((one) => one?.address === wanted)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
