/** Octoftp and its peers on the same work in turn: `npm run bench -- --help`. */
import { parseArgs } from 'node:util'
import { clients, type Client } from './clients/clients.ts'
import { holdContest } from './harness/contest.ts'
import { thisMachine } from './harness/machine.ts'
import { whyUnmeasurable } from './harness/measure.ts'
import { markdownHeading, markdownResults, type CaseResult, type Results } from './harness/report.ts'
import { makeWorkspace, type Workspace } from './harness/workspace.ts'
import { NUMBERS } from './scenarios/automatic.ts'
import { cappedConnections } from './scenarios/capped-connections.ts'
import { longDistance } from './scenarios/long-distance.ts'
import { loopback1Gib } from './scenarios/loopback-1gib.ts'
import { manyFiles } from './scenarios/many-files.ts'
import { mixedTree } from './scenarios/mixed-tree.ts'
import type { Scenario, ScenarioCase } from './scenarios/scenario.ts'
import { secondRun } from './scenarios/second-run.ts'
import { smallFiles, smallFilesLoopback } from './scenarios/small-files.ts'
import { twoMirrors } from './scenarios/two-mirrors.ts'
import { oneStalls, unevenConnections } from './scenarios/uneven-connections.ts'
import { upload1Gib } from './scenarios/upload-1gib.ts'
import { uploadTree } from './scenarios/upload-tree.ts'
import { walk, walkFar } from './scenarios/walk.ts'

const scenarios: readonly Scenario[] = [
  loopback1Gib,
  cappedConnections,
  unevenConnections,
  oneStalls,
  longDistance,
  twoMirrors,
  upload1Gib,
  smallFiles,
  smallFilesLoopback,
  mixedTree,
  secondRun,
  uploadTree,
  walk,
  walkFar,
  manyFiles,
]

/** For each run, where a scenario does not need more. */
const TIMEOUT_SECONDS = 120

const usage = `npm run bench -- [options]

  --rounds N          rounds that count, after one that does not (5)
  --only A,B          these clients only: ${clients.map(({ name }) => name).join(', ')}
  --scenario A,B      these scenarios (loopback-1gib), or all
  --case A,B          these of their cases only
  --numbers A,B       of connections, where 'auto' is compared with them (${NUMBERS.join(',')})
  --size BYTES        another size of file, for a quick try; of the largest one in a tree
  --files N           another number of small files in a tree, for a quick try; of folders where it is walked
  --timeout SECONDS   for each run (${TIMEOUT_SECONDS}, or what a scenario needs)
  --markdown          with the heading for RESULTS.md: date, machine, versions
  --json              every figure, as JSON

Scenarios, each with its cases:

${scenarios.map(({ name, title, cases }) => `  ${name.padEnd(20)} ${title}\n${' '.repeat(23)}${cases.map((one) => one.name).join(', ')}`).join('\n')}

Beside the contests (after \`npm run build\`; each has its own --help):

  node --import tsx bench/killed-often.ts   one file, the client killed again and again on the way
  node --import tsx bench/random-links.ts   'auto' against fixed numbers of connections on links drawn at random
  node --import tsx bench/listings.ts       large listings, octoftp and basic-ftp in turn
  node --import tsx bench/stats.ts          many questions at once over a long distance
  node --import tsx bench/rotation.ts       what giving up sessions for new ones costs
  node --import tsx bench/over-fetch.ts     what is sent beyond the file over a long distance
  node --import tsx bench/steals.ts         many steals on each real server: no control connection may be lost
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    scenario: { type: 'string', default: 'loopback-1gib' },
    case: { type: 'string' },
    size: { type: 'string' },
    files: { type: 'string' },
    numbers: { type: 'string', default: NUMBERS.join(',') },
    timeout: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** @returns those that are named, or all; a name that is none of them is an error, not an empty benchmark */
function chosen<Item extends { name: string }>(
  all: readonly Item[],
  names: string | undefined,
): readonly Item[] {
  if (names === undefined) return all
  return names.split(',').map((name) => {
    const found = all.find((item) => item.name === name)
    if (found === undefined)
      throw new RangeError(`"${name}" is none of ${all.map((item) => item.name).join(', ')}`)
    return found
  })
}

function asOrdered(): readonly Scenario[] {
  return chosen(scenarios, values.scenario === 'all' ? undefined : values.scenario)
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new RangeError(`--${name} is "${text}", not a whole number above 0`)
  return Number(text)
}

interface Plan {
  readonly rounds: number
  /** Undefined: what a scenario needs. */
  readonly timeoutSeconds: number | undefined
  readonly size: number | undefined
  readonly files: number | undefined
  readonly numbers: readonly number[]
  readonly clients: readonly Client[]
  readonly workspace: Workspace
  readonly signal: AbortSignal
}

async function runCase(one: ScenarioCase, timeoutSeconds: number, plan: Plan): Promise<CaseResult> {
  const contest = await one.open(plan)
  try {
    const { rounds, signal } = plan
    const timeoutMs = timeoutSeconds * 1000
    const onRun = (what: string): void => console.error(`${one.title}  ${what}`)
    const standings = await holdContest(contest, {
      ...{ rounds, timeoutMs, signal, onRun },
      scratch: plan.workspace.scratch,
    })
    return { title: one.title, standings, leftOut: contest.leftOut, comparison: contest.comparison }
  } finally {
    contest.clear()
    await contest[Symbol.asyncDispose]()
  }
}

async function runScenario(scenario: Scenario, plan: Plan): Promise<Results['scenarios'][number]> {
  const { title, about } = scenario
  const obstacle = scenario.whyImpossible?.()
  if (obstacle !== undefined) return { title, about: [`Left out: ${obstacle}.`], server: 'none', cases: [] }
  const server = await scenario.server()
  const cases: CaseResult[] = []
  const timeoutSeconds = plan.timeoutSeconds ?? scenario.timeoutSeconds ?? TIMEOUT_SECONDS
  for (const one of chosen(scenario.cases, values.case)) cases.push(await runCase(one, timeoutSeconds, plan))
  const place = plan.workspace.isInMemory ? [] : ['No memory-backed folder here: files were on disk.']
  const size = plan.size === undefined ? [] : [`The file had ${plan.size} bytes.`]
  const files = plan.files === undefined ? [] : [`The tree had ${plan.files} small files or folders.`]
  return { title, about: [...about, ...place, ...size, ...files], server, cases }
}

async function runAll(signal: AbortSignal): Promise<Results> {
  const asked = chosen(clients, values.only).map((client) => ({ client, version: client.version() }))
  const present = asked.flatMap(({ client, version }) => (version === undefined ? [] : [{ client, version }]))
  const rounds = wholeNumber('rounds', values.rounds)
  const optional = (name: 'timeout' | 'size' | 'files'): number | undefined => {
    const text = values[name]
    return text === undefined ? undefined : wholeNumber(name, text)
  }
  const workspace = makeWorkspace()
  try {
    const numbers = values.numbers.split(',').map((text) => wholeNumber('numbers', text))
    const plan = {
      rounds,
      timeoutSeconds: optional('timeout'),
      size: optional('size'),
      files: optional('files'),
      numbers,
      clients: present.map(({ client }) => client),
      workspace,
      signal,
    }
    const done: Results['scenarios'][number][] = []
    for (const scenario of asOrdered()) done.push(await runScenario(scenario, plan))
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: thisMachine(),
      rounds,
      versions: Object.fromEntries(present.map(({ client, version }) => [client.name, version])),
      missing: asked.filter(({ version }) => version === undefined).map(({ client }) => client.name),
      scenarios: done,
    }
  } finally {
    workspace.remove()
  }
}

function print(results: Results): void {
  if (values.json) return console.log(JSON.stringify(results, undefined, 2))
  if (values.markdown) console.log(`${markdownHeading(results)}\n`)
  console.log(markdownResults(results))
}

function octoftpFailed({ scenarios: done }: Results): boolean {
  const standings = done.flatMap(({ cases }) => cases).flatMap((one) => one.standings)
  return standings.some(({ client, failures }) => client === 'octoftp' && failures.length > 0)
}

const stop = new AbortController()

async function main(): Promise<void> {
  const obstacle = whyUnmeasurable()
  if (obstacle !== undefined) throw new Error(obstacle)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stop.abort(new Error(signal)))
  const results = await runAll(stop.signal)
  print(results)
  if (octoftpFailed(results)) process.exitCode = 1
}

if (values.help) console.log(usage)
else
  await main().catch((error: unknown) => {
    // What was asked for makes no sense, or someone pressed Ctrl-C: a stack would not help.
    console.error(error instanceof RangeError || stop.signal.aborted ? String(error) : error)
    process.exitCode = 1
  })
