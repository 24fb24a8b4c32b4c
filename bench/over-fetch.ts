/**
 * What is sent beyond the ends of segments over a long distance: as octoftp tells it, and as the client's own
 * interface counts it. `node --import tsx bench/over-fetch.ts --help`, after a build.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clients } from './clients/clients.ts'
import { whatIsWrong } from './harness/files.ts'
import { runMain } from './harness/run-main.ts'
import { makeWorkspace } from './harness/workspace.ts'
import { startFarServer } from './network/far-server.ts'
import { startLink, whyNoLink } from './network/link.ts'
import { makeSource } from './scenarios/downloads.ts'

const usage = `node --import tsx bench/over-fetch.ts [options]

  --size BYTES        (1073741824)
  --connections N     (8)
  --round-trip MS     (50)
  --megabits N        per second (400)
`

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: String(2 ** 30) },
    connections: { type: 'string', default: '8' },
    'round-trip': { type: 'string', default: '50' },
    megabits: { type: 'string', default: '400' },
    help: { type: 'boolean', default: false },
  },
})

/** Of the file. */
const MOST = 0.01
const MTU = 1500
const HEADERS = 20 + 20 + 12

/** Bytes that the client's interface has received, headers left out. */
function received(within: (command: readonly string[]) => readonly string[]): number {
  const [program = '', ...args] = within(['cat', '/proc/net/dev'])
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' })
  const lines = stdout.split('\n').filter((line) => /^\s*\w+:/.test(line) && !/^\s*lo:/.test(line))
  const bytes = lines.reduce((sum, line) => sum + Number(/:\s*(\d+)/.exec(line)?.[1] ?? 0), 0)
  return bytes * ((MTU - HEADERS) / MTU)
}

async function main(): Promise<void> {
  const obstacle = whyNoLink()
  if (obstacle !== undefined) throw new Error(obstacle)
  const [size, connections] = [Number(values.size), Number(values.connections)]
  const workspace = makeWorkspace()
  try {
    const source = await makeSource(workspace, size)
    const link = { roundTripMs: Number(values['round-trip']), megabitsPerSecond: Number(values.megabits) }
    await using far = await startLink(link, workspace.scratch)
    await using server = await startFarServer(far, 'vsftpd', { root: workspace.served })
    const target = join(workspace.targets, 'target.bin')
    const { host, port, user, password } = server
    const octoftp = clients.find(({ name }) => name === 'octoftp')
    const [program = '', ...args] = far.forClient(
      octoftp?.download?.command({
        ...{ host, port, user, password, path: source.path, target, connections, caFile: undefined },
      }) ?? [],
    )
    const before = received(far.forClient)
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const sent = received(far.forClient) - before
    const wrong = await whatIsWrong(target, size, source.sha256)
    if (wrong !== undefined) throw new Error(wrong)
    const { overfetchedBytes, elapsedSeconds } = JSON.parse(stdout) as Record<string, number>
    const told = (overfetchedBytes ?? NaN) / size
    console.log(
      `${size} bytes by ${connections} connections over ${link.roundTripMs} ms at ${link.megabitsPerSecond} Mbit/s, ${elapsedSeconds?.toFixed(1)} s: ` +
        `${overfetchedBytes} bytes read beyond the ends of segments (${(told * 100).toFixed(2)} %), ` +
        `${((sent / size - 1) * 100).toFixed(2)} % more than the file came over the wire`,
    )
    if (!(told <= MOST)) process.exitCode = 1
  } finally {
    workspace.remove()
  }
}

await runMain({ help: values.help, usage }, main)
