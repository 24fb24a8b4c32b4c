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
  /** The least time that the work can take at all, where the rates are known. */
  readonly idealSeconds?: number | undefined
  /** Labels of those whose best time this one's is compared with, beside octoftp's. */
  readonly comparedWith?: readonly string[] | undefined
  /** Before each of its runs, outside its time. */
  readonly prepare?: (() => Promise<void>) | undefined
}

/** Work that a scenario has set up: its server runs, its source stands. */
export interface Contest {
  readonly contestants: readonly Contestant[]
  /** Clients that cannot do this, by name. */
  readonly leftOut: readonly string[]
  /** What `comparedWith` means, for the heading of its column. */
  readonly comparison?: string | undefined
  /** Before each run, outside its time: takes away what the last one left. */
  clear(): void
  /** After each run, outside its time. @returns what is wrong with the result, or undefined */
  check(): Promise<string | undefined>
  /** After each run that was right: more figures of it, by the headings of their columns. */
  observe?(): Promise<Readonly<Record<string, number>>>
}

export interface ContestOptions extends RunOptions {
  readonly rounds: number
  readonly onRun: (what: string) => void
}

/** What a contestant needed. The spreads are undefined where every run failed. */
export interface Standing {
  readonly client: string
  readonly label: string
  readonly idealSeconds: number | undefined
  readonly comparedWith: readonly string[]
  readonly runs: number
  readonly wallSeconds: Spread | undefined
  readonly cpuSeconds: Spread | undefined
  readonly peakBytes: Spread | undefined
  readonly observed: Readonly<Record<string, Spread>>
  readonly failures: readonly string[]
}

interface Figures {
  readonly cost: Cost
  readonly observed: Readonly<Record<string, number>>
}

type Attempt = Figures | { readonly failure: string }

/** With what it prints in a file. */
export function printingTo(file: string, command: readonly string[]): string[] {
  return ['sh', '-c', 'exec "$@" > "$0"', file, ...command]
}

/** One round that does not count (caches, first starts), then `rounds` that do. */
export async function holdContest(contest: Contest, options: ContestOptions): Promise<Standing[]> {
  const figures = new Map<Contestant, Figures[]>(contest.contestants.map((one) => [one, []]))
  const failures = new Map<Contestant, string[]>(contest.contestants.map((one) => [one, []]))
  for (let round = 0; round <= options.rounds; round++) {
    for (const contestant of rotated(contest.contestants, round)) {
      const run = await runOnce(contest, contestant, options)
      options.onRun(`round ${round}  ${contestant.label}  ${describe(run)}`)
      if ('failure' in run) failures.get(contestant)?.push(run.failure)
      else if (round > 0) figures.get(contestant)?.push(run)
    }
  }
  return contest.contestants.map((one) => standing(one, figures.get(one) ?? [], failures.get(one) ?? []))
}

async function runOnce(contest: Contest, contestant: Contestant, options: ContestOptions): Promise<Attempt> {
  contest.clear()
  await contestant.prepare?.()
  const run: Run = await measure(contestant.command, options)
  if ('failure' in run) return run
  const wrong = await contest.check()
  if (wrong !== undefined) return { failure: wrong }
  return { cost: run.cost, observed: (await contest.observe?.()) ?? {} }
}

function describe(run: Attempt): string {
  if ('failure' in run) return run.failure
  const observed = Object.entries(run.observed).map(([name, value]) => `  ${name} ${value}`)
  return `${run.cost.wallSeconds.toFixed(2)} s${observed.join('')}`
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const cut = items.length === 0 ? 0 : by % items.length
  return [...items.slice(cut), ...items.slice(0, cut)]
}

function standing(
  { client, label, idealSeconds, comparedWith = [] }: Contestant,
  figures: readonly Figures[],
  failures: readonly string[],
): Standing {
  const spreadOf = (figure: keyof Cost): Spread | undefined => spread(figures.map(({ cost }) => cost[figure]))
  return {
    client,
    label,
    idealSeconds,
    comparedWith,
    runs: figures.length,
    wallSeconds: spreadOf('wallSeconds'),
    cpuSeconds: spreadOf('cpuSeconds'),
    peakBytes: spreadOf('peakBytes'),
    observed: observedSpreads(figures),
    failures,
  }
}

function observedSpreads(figures: readonly Figures[]): Record<string, Spread> {
  const names = Object.keys(figures[0]?.observed ?? {})
  const spreads = names.map(
    (name) => [name, spread(figures.map(({ observed }) => observed[name] ?? NaN))] as const,
  )
  return Object.fromEntries(spreads.filter((entry): entry is [string, Spread] => entry[1] !== undefined))
}
