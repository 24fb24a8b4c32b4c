/**
 * What many files are, asked all at once over a long distance: the logins and every answer against one round trip
 * for each question, shared by the connections. `node --import tsx bench/stats.ts --help`, after a build.
 */
import { spawnSync } from 'node:child_process'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { ServerKind } from '../test/servers/index.ts'
import { runMain } from './harness/run-main.ts'
import { spread } from './harness/statistics.ts'
import { makeWorkspace } from './harness/workspace.ts'
import { startFarServer, type FarServer } from './network/far-server.ts'
import { startLink, whyNoLink, type Link } from './network/link.ts'

const usage = `node --import tsx bench/stats.ts [options]

  --calls N           on as many files (1000)
  --rounds N          the servers in turn (3)
  --server A,B        proftpd, pyftpdlib, vsftpd, pure-ftpd (proftpd,vsftpd)
  --connections N     (4)
  --round-trip MS     (50)
`

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    server: { type: 'string', default: 'proftpd,vsftpd' },
    connections: { type: 'string', default: '4' },
    'round-trip': { type: 'string', default: '50' },
    help: { type: 'boolean', default: false },
  },
})

/** Of the ideal, with what the logins take. */
const MOST = 1.2
const MEGABITS_PER_SECOND = 200
/** Of the first file; each next one's is an hour later. */
const FIRST_TIME_MS = Date.UTC(2024, 0, 1)
const HOUR_MS = 3_600_000
const CALLS = Number(values.calls)
const CONNECTIONS = Number(values.connections)
const program = fileURLToPath(new URL('./clients/octoftp-stats.mjs', import.meta.url))

interface Asked {
  readonly elapsedSeconds: number
  readonly entries: readonly { name: string; type: string; size?: number; modifiedAt?: string }[]
}

function nameOf(index: number): string {
  return `file-${index}.dat`
}

/** No two have the same size or time, so that no answer can pass for another. */
function writeFiles(folder: string): void {
  for (let index = 0; index < CALLS; index++) {
    const file = join(folder, nameOf(index))
    writeFileSync(file, 'x'.repeat(index))
    const seconds = (FIRST_TIME_MS + index * HOUR_MS) / 1000
    utimesSync(file, seconds, seconds)
  }
}

/** From the first call to the last answer. */
function run(link: Link, { host, port, user, password }: FarServer): number {
  const paths = Array.from({ length: CALLS }, (_, index) => `/${nameOf(index)}`)
  const input = { url: `ftp://${host}:${port}`, user, password, connections: CONNECTIONS, paths }
  const [command = '', ...args] = link.forClient([process.execPath, program, JSON.stringify(input)])
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(stderr)
  const { elapsedSeconds, entries } = JSON.parse(stdout) as Asked
  const wrong = entries.findIndex(({ name, type, size, modifiedAt }, index) => {
    const time = new Date(modifiedAt ?? NaN).getTime()
    return (
      name !== nameOf(index) || type !== 'file' || size !== index || time !== FIRST_TIME_MS + index * HOUR_MS
    )
  })
  if (wrong >= 0 || entries.length !== CALLS) {
    throw new Error(`${entries.length} answers, the wrong one is ${JSON.stringify(entries[wrong])}`)
  }
  return elapsedSeconds
}

function tell(kind: ServerKind, seconds: readonly number[], idealSeconds: number): void {
  const { median = NaN, min = NaN, max = NaN } = spread(seconds) ?? {}
  const ratio = median / idealSeconds
  const range = `${min.toFixed(2)} – ${max.toFixed(2)}`
  console.log(
    `${kind.padEnd(10)} ${median.toFixed(2)} s (${range}): ${ratio.toFixed(3)} of the ideal, ` +
      `at most ${MOST}: ${ratio <= MOST ? 'good' : 'too slow'}`,
  )
  if (!(ratio <= MOST)) process.exitCode = 1
}

async function main(): Promise<void> {
  const obstacle = whyNoLink()
  if (obstacle !== undefined) throw new Error(obstacle)
  const kinds = values.server.split(',') as ServerKind[]
  const roundTripMs = Number(values['round-trip'])
  const idealSeconds = (CALLS * roundTripMs) / 1000 / CONNECTIONS
  const workspace = makeWorkspace()
  try {
    writeFiles(workspace.served)
    const distance = { roundTripMs, megabitsPerSecond: MEGABITS_PER_SECOND }
    const seconds = new Map(kinds.map((kind) => [kind, [] as number[]]))
    await using link = await startLink(distance, workspace.scratch)
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [kind, of] of seconds) {
        await using server = await startFarServer(link, kind, { root: workspace.served })
        of.push(run(link, server))
      }
    }
    console.log(
      `${CALLS} calls at once over ${roundTripMs} ms by ${CONNECTIONS} connections, ` +
        `medians of ${values.rounds} rounds; ideal ${idealSeconds} s, one round trip each`,
    )
    for (const [kind, of] of seconds) tell(kind, of, idealSeconds)
  } finally {
    workspace.remove()
  }
}

await runMain({ help: values.help, usage }, main)
