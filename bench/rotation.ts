/**
 * What it costs to give sessions up for new ones (`rotateAfter`): the time of the whole, and the lowest rate on the
 * way. `node --import tsx bench/rotation.ts --help`
 */
import { mkdtempSync, rmSync, mkdirSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FtpClient } from '../src/index.ts'
import { startServer, type RunningServer } from '../test/servers/index.ts'
import { sha256, whatIsWrong, writeRandomFile } from './harness/files.ts'
import { runMain } from './harness/run-main.ts'
import { spread } from './harness/statistics.ts'

const usage = `node --import tsx bench/rotation.ts [options]

  --rounds N          with and without in turn (5)
  --size BYTES        (419430400)
  --rate BYTES        per second of each connection (4000000)
  --connections N     (8)
  --rotate MS         (2000)
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: String(400 * 2 ** 20) },
    rate: { type: 'string', default: '4000000' },
    connections: { type: 'string', default: '8' },
    rotate: { type: 'string', default: '2000' },
    help: { type: 'boolean', default: false },
  },
})

const SAMPLE_MS = 250
/** The start and the end are slower with and without. */
const WARM_UP_SAMPLES = 6
const END_SAMPLES = 6

interface Figures {
  readonly seconds: number
  readonly rotations: number
  readonly lost: number
  /** The lowest rate of a quarter of a second against the median. */
  readonly lowest: number
}

async function run(server: RunningServer, target: string, rotateAfter: number): Promise<Figures> {
  const connections = Number(values.connections)
  const { user, password, url } = server
  const ftp = new FtpClient(url, { user, password, maxConnections: connections, rotateAfter })
  let [rotations, lost] = [0, 0]
  try {
    const transfer = ftp.download('/source.bin', target, {
      connections,
      on: {
        connection: ({ type }) => {
          rotations += type === 'rotate' ? 1 : 0
          lost += type === 'lost' ? 1 : 0
        },
      },
    })
    const bytes: number[] = []
    const sampling = setInterval(() => bytes.push(transfer.progress.bytes), SAMPLE_MS)
    const { elapsedSeconds } = await transfer.finally(() => clearInterval(sampling))
    const rates = bytes.slice(1).map((at, index) => at - (bytes[index] ?? 0))
    const steady = rates.slice(WARM_UP_SAMPLES, -END_SAMPLES)
    const { median = NaN, min = NaN } = spread(steady) ?? {}
    return { seconds: elapsedSeconds, rotations, lost, lowest: min / median }
  } finally {
    await ftp.close()
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'octoftp-rotation-'))
  chmodSync(folder, 0o755) // sessions run under another account
  const root = join(folder, 'served')
  const target = join(folder, 'target.bin')
  mkdirSync(root)
  try {
    const size = Number(values.size)
    writeRandomFile(join(root, 'source.bin'), size)
    const expected = await sha256(join(root, 'source.bin'))
    await using server = await startServer('vsftpd', {
      root,
      bytesPerSecondPerConnection: Number(values.rate),
    })
    const figures: Record<'with' | 'without', Figures[]> = { with: [], without: [] }
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const way of ['without', 'with'] as const) {
        figures[way].push(await run(server, target, way === 'with' ? Number(values.rotate) : Infinity))
        const wrong = await whatIsWrong(target, size, expected)
        if (wrong !== undefined) throw new Error(wrong)
        rmSync(target)
      }
    }
    tell(figures)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tell(figures: Record<'with' | 'without', readonly Figures[]>): void {
  const median = (way: 'with' | 'without', name: keyof Figures): number =>
    spread(figures[way].map((one) => one[name]))?.median ?? NaN
  for (const way of ['without', 'with'] as const) {
    console.log(
      `${way.padEnd(8)} ${median(way, 'seconds').toFixed(2)} s, ${median(way, 'rotations')} rotations, ` +
        `${median(way, 'lost')} lost, lowest quarter of a second ${median(way, 'lowest').toFixed(2)} of the median`,
    )
  }
  const ratio = median('with', 'seconds') / median('without', 'seconds')
  console.log(`With it the time is ${ratio.toFixed(3)} of that without (at most 1.02).`)
  if (ratio > 1.02 || median('with', 'rotations') === 0) process.exitCode = 1
}

await runMain({ help: values.help, usage }, main)
