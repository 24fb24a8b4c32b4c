/** The results for people: Markdown tables whose columns also line up on a terminal. */
import type { Standing } from './contest.ts'
import type { Machine } from './machine.ts'
import type { Spread } from './statistics.ts'

export interface CaseResult {
  readonly title: string
  readonly standings: readonly Standing[]
  readonly leftOut: readonly string[]
  /** Heading of the column in which contestants are compared with those they name. */
  readonly comparison?: string | undefined
}

export interface ScenarioResult {
  readonly title: string
  readonly about: readonly string[]
  readonly server: string
  readonly cases: readonly CaseResult[]
}

export interface Results {
  readonly date: string
  readonly machine: Machine
  readonly rounds: number
  /** Versions of the clients that took part. */
  readonly versions: Readonly<Record<string, string>>
  /** Clients that are not installed here. */
  readonly missing: readonly string[]
  readonly scenarios: readonly ScenarioResult[]
}

interface Column {
  readonly heading: string
  /** Figures stand right, names and failures left. */
  readonly side: 'left' | 'right'
  readonly cell: (standing: Standing) => string
}

/** The heading for RESULTS.md: when, where and with what. */
export function markdownHeading({ date, machine, rounds, versions, scenarios }: Results): string {
  const { cores, processor, memoryGiB, kernel, node } = machine
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `## ${date}`,
    '',
    `${cores} cores (${processor}), ${memoryGiB} GiB, ${kernel}; Node ${node}.`,
    `${programs.join(', ')}; servers: ${scenarios.map(({ server }) => server).join(', ')}.`,
    `Medians of ${rounds} rounds, the clients in turn; whole processes, start-up included; every result checked.`,
  ].join('\n')
}

export function markdownResults({ scenarios, missing }: Results): string {
  const absent = missing.length === 0 ? [] : [`Not installed here, left out: ${missing.join(', ')}.`]
  return [...scenarios.map(scenarioText), ...absent].join('\n\n')
}

function scenarioText({ title, about, cases }: ScenarioResult): string {
  return [`### ${title}`, about.join('\n'), ...cases.map(caseText)].join('\n\n')
}

function caseText({ title, standings, leftOut, comparison = '' }: CaseResult): string {
  const notes = leftOut.length === 0 ? [] : ['', `Cannot do this: ${leftOut.join(', ')}.`]
  return [`**${title}**`, '', ...table(columns(standings, comparison), standings), ...notes].join('\n')
}

function columns(standings: readonly Standing[], comparison: string): Column[] {
  const octoftp = standings.find(({ client, runs }) => client === 'octoftp' && runs > 0)
  const figure = (heading: string, cell: Column['cell']): Column => ({ heading, side: 'right', cell })
  const observed = [...new Set(standings.flatMap((standing) => Object.keys(standing.observed)))]
  return [
    { heading: '', side: 'left', cell: ({ label }) => label },
    figure('wall s', ({ wallSeconds }) => wallSeconds?.median.toFixed(2) ?? '–'),
    figure('min – max', ({ wallSeconds }) => range(wallSeconds)),
    figure('ideal s', ({ idealSeconds }) => idealSeconds?.toFixed(2) ?? ''),
    figure('÷ ideal', ({ wallSeconds, idealSeconds }) =>
      idealSeconds === undefined ? '' : ratio(wallSeconds?.median, idealSeconds, 3),
    ),
    figure(comparison, (standing) => comparedRatio(standing, standings)),
    figure('÷ octoftp', ({ wallSeconds }) => ratio(wallSeconds?.median, octoftp?.wallSeconds?.median)),
    figure('CPU s', ({ cpuSeconds }) => cpuSeconds?.median.toFixed(2) ?? '–'),
    figure('÷ octoftp', ({ cpuSeconds }) => ratio(cpuSeconds?.median, octoftp?.cpuSeconds?.median)),
    figure('peak MB', ({ peakBytes }) =>
      peakBytes === undefined ? '–' : (peakBytes.median / 1e6).toFixed(0),
    ),
    ...observed.map((name) => figure(name, (standing) => observedText(standing.observed[name]))),
    { heading: '', side: 'left', cell: ({ failures }) => failureText(failures) },
  ]
}

function range(figures: Spread | undefined): string {
  return figures === undefined ? '–' : `${figures.min.toFixed(2)} – ${figures.max.toFixed(2)}`
}

function ratio(figure: number | undefined, reference: number | undefined, digits = 2): string {
  return figure === undefined || reference === undefined ? '–' : (figure / reference).toFixed(digits)
}

function comparedRatio({ comparedWith, wallSeconds }: Standing, standings: readonly Standing[]): string {
  if (comparedWith.length === 0) return ''
  const times = standings
    .filter(({ label }) => comparedWith.includes(label))
    .flatMap((other) => other.wallSeconds?.median ?? [])
  return ratio(wallSeconds?.median, times.length === 0 ? undefined : Math.min(...times), 3)
}

function observedText(figures: Spread | undefined): string {
  return figures === undefined ? '–' : String(Number(figures.median.toFixed(2)))
}

function failureText(failures: readonly string[]): string {
  return failures.length === 0 ? '' : `${failures.length} failed: ${oneLine(failures[0] ?? '')}`
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 120)
}

/** Columns with nothing in them are left out. */
function table(all: readonly Column[], standings: readonly Standing[]): string[] {
  const kept = all
    .map(({ heading, side, cell }) => ({ side, texts: [heading, ...standings.map(cell)] }))
    .filter(({ texts }) => texts.slice(1).some((text) => text !== ''))
    .map((column) => ({ ...column, width: Math.max(3, ...column.texts.map((text) => text.length)) }))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const row = (index: number): string =>
    line(kept.map(({ side, texts, width }) => pad(texts[index] ?? '', width, side)))
  const rule = line(
    kept.map(({ side, width }) => (side === 'right' ? '-'.repeat(width - 1) + ':' : '-'.repeat(width))),
  )
  return [row(0), rule, ...standings.map((_, index) => row(index + 1))]
}

function pad(text: string, width: number, side: Column['side']): string {
  return side === 'right' ? text.padStart(width) : text.padEnd(width)
}
