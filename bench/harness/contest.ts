/**
 * The contestants of one case do the same work in turn, round by round: whatever else the machine does then
 * falls on all of them alike. Each round begins with another contestant.
 */
import { measure, type Cost, type Run, type RunOptions } from './measure.ts'
import { spread, type Spread } from './statistics.ts'

export interface Contestant {
  readonly client: string
  readonly label: string
  readonly command: readonly string[]
}

/** Work that a scenario has set up: its server runs, its source stands. */
export interface Contest {
  readonly contestants: readonly Contestant[]
  /** Clients that cannot do this, by name. */
  readonly leftOut: readonly string[]
  /** Before each run, outside its time: takes away what the last one left. */
  clear(): void
  /** After each run, outside its time. @returns what is wrong with the result, or undefined */
  check(): Promise<string | undefined>
}

export interface ContestOptions extends RunOptions {
  readonly rounds: number
  readonly onRun: (what: string) => void
}

/** What a contestant needed. The spreads are undefined where every run failed. */
export interface Standing {
  readonly client: string
  readonly label: string
  readonly runs: number
  readonly wallSeconds: Spread | undefined
  readonly cpuSeconds: Spread | undefined
  readonly peakBytes: Spread | undefined
  readonly failures: readonly string[]
}

/** One round that does not count (caches, first starts), then `rounds` that do. */
export async function holdContest(contest: Contest, options: ContestOptions): Promise<Standing[]> {
  const costs = new Map<Contestant, Cost[]>(contest.contestants.map((one) => [one, []]))
  const failures = new Map<Contestant, string[]>(contest.contestants.map((one) => [one, []]))
  for (let round = 0; round <= options.rounds; round++) {
    for (const contestant of rotated(contest.contestants, round)) {
      const run = await runOnce(contest, contestant, options)
      options.onRun(`round ${round}  ${contestant.label}  ${describe(run)}`)
      if ('failure' in run) failures.get(contestant)?.push(run.failure)
      else if (round > 0) costs.get(contestant)?.push(run.cost)
    }
  }
  return contest.contestants.map((one) => standing(one, costs.get(one) ?? [], failures.get(one) ?? []))
}

async function runOnce(contest: Contest, { command }: Contestant, options: ContestOptions): Promise<Run> {
  contest.clear()
  const run = await measure(command, options)
  if ('failure' in run) return run
  const wrong = await contest.check()
  return wrong === undefined ? run : { failure: wrong }
}

function describe(run: Run): string {
  return 'failure' in run ? run.failure : `${run.cost.wallSeconds.toFixed(2)} s`
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const cut = items.length === 0 ? 0 : by % items.length
  return [...items.slice(cut), ...items.slice(0, cut)]
}

function standing(
  { client, label }: Contestant,
  costs: readonly Cost[],
  failures: readonly string[],
): Standing {
  const spreadOf = (figure: keyof Cost): Spread | undefined => spread(costs.map((cost) => cost[figure]))
  return {
    client,
    label,
    runs: costs.length,
    wallSeconds: spreadOf('wallSeconds'),
    cpuSeconds: spreadOf('cpuSeconds'),
    peakBytes: spreadOf('peakBytes'),
    failures,
  }
}
