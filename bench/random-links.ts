/**
 * Links drawn at random: does `connections: 'auto'` find a good number on links that nobody has tuned it for?
 * `node --import tsx bench/random-links.ts --help`, after a build.
 */
import { parseArgs } from 'node:util'
import { clients } from './clients/clients.ts'
import { emptyFolder } from './harness/files.ts'
import { measure } from './harness/measure.ts'
import { randomNumbers } from './harness/random.ts'
import { runMain } from './harness/run-main.ts'
import { spread } from './harness/statistics.ts'
import { makeWorkspace, type Workspace } from './harness/workspace.ts'
import { startFarServer } from './network/far-server.ts'
import { payloadBytesPerSecond, startLink, whyNoLink, type LinkOptions } from './network/link.ts'
import { makeSource, type Login, type Source } from './scenarios/downloads.ts'
import { whatIsWrong } from './harness/files.ts'
import { join } from 'node:path'

const usage = `node --import tsx bench/random-links.ts [options]

  --links N           how many are drawn (20)
  --rounds N          on each, after one that does not count; medians (1)
  --numbers A,B       fixed numbers of connections (1,2,4,8,16)
  --seconds N         that the file takes at the full rate of the link, or of all connections (6)
  --seed N            of the links (by the clock; printed)
`

const { values } = parseArgs({
  options: {
    links: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '1' },
    numbers: { type: 'string', default: '1,2,4,8,16' },
    seconds: { type: 'string', default: '6' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false },
  },
})

const MIB = 2 ** 20
const LARGEST = 200 * MIB
const TIMEOUT_MS = 300_000
/** A number of connections with which it takes that much longer than with another, and so long, is not the best. */
const WORSE = 1.5
const LEAST_TIMEOUT_MS = 12_000

interface DrawnLink extends LinkOptions {
  readonly capBytesPerSecond: number | undefined
}

/** As likely to be twice as much as to be half. */
function logarithmic(random: () => number, from: number, to: number): number {
  return from * (to / from) ** random()
}

function draw(random: () => number): DrawnLink {
  return {
    roundTripMs: Math.round(logarithmic(random, 1, 150)),
    megabitsPerSecond: Math.round(logarithmic(random, 10, 500)),
    lossPercent: random() < 0.5 ? 0 : Number(logarithmic(random, 0.01, 1).toFixed(3)),
    capBytesPerSecond: random() < 0.5 ? undefined : Math.round(logarithmic(random, 500_000, 8_000_000)),
  }
}

interface Try {
  readonly workspace: Workspace
  readonly source: Source
  readonly login: Login
  readonly within: (command: readonly string[]) => readonly string[]
}

/** @returns seconds of the whole process; `Infinity` where it takes longer than `timeoutMs` */
async function time(
  { workspace, source, login, within }: Try,
  connections: number | 'auto',
  timeoutMs: number,
): Promise<number> {
  emptyFolder(workspace.targets)
  const target = join(workspace.targets, 'target.bin')
  const octoftp = clients.find(({ name }) => name === 'octoftp')
  const { host, port, user, password } = login
  const automatic = connections === 'auto'
  const command = octoftp?.download?.command({
    ...{ host, port, user, password, path: source.path, target, automatic, caFile: undefined },
    connections: automatic ? 0 : connections,
  })
  const { signal } = new AbortController()
  const run = await measure(within(command ?? []), {
    ...{ scratch: workspace.scratch, timeoutMs, signal },
  })
  if ('failure' in run && run.failure.startsWith('not done after')) return Infinity
  if ('failure' in run) throw new Error(run.failure)
  const wrong = await whatIsWrong(target, source.size, source.sha256)
  if (wrong !== undefined) throw new Error(wrong)
  return run.cost.wallSeconds
}

async function onLink(link: DrawnLink, workspace: Workspace): Promise<number> {
  const { capBytesPerSecond } = link
  const most = Math.max(...values.numbers.split(',').map(Number))
  const rate = Math.min(payloadBytesPerSecond(link), (capBytesPerSecond ?? Infinity) * most)
  const bytes = Math.min(LARGEST, rate * Number(values.seconds))
  emptyFolder(workspace.served)
  const source = await makeSource(workspace, Math.round(bytes))
  await using far = await startLink(link, workspace.scratch)
  const cap = capBytesPerSecond === undefined ? {} : { bytesPerSecondPerConnection: capBytesPerSecond }
  await using server = await startFarServer(far, 'vsftpd', { root: workspace.served, ...cap })
  const one: Try = { workspace, source, login: server, within: far.forClient }
  const ways = [...values.numbers.split(',').map(Number), 'auto' as const]
  const times = new Map<number | 'auto', number[]>(ways.map((way) => [way, []]))
  // The most connections first: with one, a link that caps each may take minutes, which says nothing of 'auto'.
  const inTurn = [...ways].reverse()
  let best = Infinity
  const timeoutMs = (): number => Math.min(TIMEOUT_MS, Math.max(LEAST_TIMEOUT_MS, best * 1_000 * WORSE))
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const way of round === 0 ? inTurn.slice(0, 1) : inTurn) {
      const seconds = await time(one, way, timeoutMs())
      best = Math.min(best, seconds)
      if (round > 0) times.get(way)?.push(seconds)
    }
  }
  const medians = ways.map((way) => spread(times.get(way) ?? [])?.median ?? NaN)
  const ratio = (medians.at(-1) ?? NaN) / Math.min(...medians.slice(0, -1))
  const capText = capBytesPerSecond === undefined ? '–' : (capBytesPerSecond / 1e6).toFixed(1)
  const facts = [
    link.roundTripMs,
    link.megabitsPerSecond,
    link.lossPercent ?? 0,
    capText,
    (bytes / 1e6).toFixed(0),
  ]
  console.log(
    `| ${[...facts, ...medians.map((seconds) => (seconds === Infinity ? '–' : seconds.toFixed(2))), ratio.toFixed(3)].join(' | ')} |`,
  )
  return ratio
}

async function main(): Promise<void> {
  const obstacle = whyNoLink()
  if (obstacle !== undefined) throw new Error(obstacle)
  const random = randomNumbers(Number(values.seed))
  const workspace = makeWorkspace()
  const heading = [
    'ms',
    'Mbit/s',
    'loss %',
    'cap MB/s',
    'MB',
    ...values.numbers.split(','),
    "'auto'",
    '÷ best',
  ]
  console.log(`Seed ${values.seed}; seconds by the number of connections.\n`)
  console.log(`| ${heading.join(' | ')} |\n|${' ---: |'.repeat(heading.length)}`)
  const ratios: number[] = []
  try {
    for (let left = Number(values.links); left > 0; left--) ratios.push(await onLink(draw(random), workspace))
  } finally {
    workspace.remove()
  }
  const all = spread(ratios)
  console.log(`\nMedian ${all?.median.toFixed(3)}, from ${all?.min.toFixed(3)} to ${all?.max.toFixed(3)}.`)
  if ((all?.median ?? Infinity) > 1.1) process.exitCode = 1
}

await runMain({ help: values.help, usage }, main)
