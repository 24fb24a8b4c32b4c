/** The results for people: Markdown tables whose columns also line up on a terminal. */
import type { Standing } from './contest.ts'
import type { Machine } from './machine.ts'

export interface CaseResult {
  readonly title: string
  readonly standings: readonly Standing[]
  readonly leftOut: readonly string[]
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

const HEADINGS = ['', 'wall s', 'min – max', '÷ octoftp', 'CPU s', '÷ octoftp', 'peak MB', '']

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

function caseText({ title, standings, leftOut }: CaseResult): string {
  const octoftp = standings.find(({ client }) => client === 'octoftp')
  const rows = standings.map((standing) => row(standing, octoftp))
  const notes = leftOut.length === 0 ? [] : ['', `Cannot do this: ${leftOut.join(', ')}.`]
  return [`**${title}**`, '', ...table([HEADINGS, ...rows]), ...notes].join('\n')
}

function row(
  { label, wallSeconds, cpuSeconds, peakBytes, failures }: Standing,
  octoftp?: Standing,
): string[] {
  return [
    label,
    wallSeconds?.median.toFixed(2) ?? '–',
    wallSeconds === undefined ? '–' : `${wallSeconds.min.toFixed(2)} – ${wallSeconds.max.toFixed(2)}`,
    ratio(wallSeconds?.median, octoftp?.wallSeconds?.median),
    cpuSeconds?.median.toFixed(2) ?? '–',
    ratio(cpuSeconds?.median, octoftp?.cpuSeconds?.median),
    peakBytes === undefined ? '–' : (peakBytes.median / 1e6).toFixed(0),
    failures.length === 0 ? '' : `${failures.length} failed: ${oneLine(failures[0] ?? '')}`,
  ]
}

function ratio(figure: number | undefined, reference: number | undefined): string {
  return figure === undefined || reference === undefined ? '–' : (figure / reference).toFixed(2)
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 120)
}

function table(rows: readonly (readonly string[])[]): string[] {
  const kept = (rows[0] ?? [])
    .map((_, column) => column)
    .filter((column) => column === 0 || hasContent(rows, column))
  const widths = kept.map((column) => Math.max(3, ...rows.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const [head, ...body] = rows.map((cells) =>
    line(kept.map((column, index) => pad(cells[column], widths[index], column))),
  )
  const rule = line(kept.map((column, index) => underline(widths[index] ?? 3, column)))
  return [head ?? '', rule, ...body]
}

function hasContent(rows: readonly (readonly string[])[], column: number): boolean {
  return rows.some((cells) => (cells[column] ?? '') !== '')
}

/** Figures stand right, the first and the last column (names, failures) left. */
function isFigure(column: number): boolean {
  return column > 0 && column < HEADINGS.length - 1
}

function pad(cell = '', width = 0, column: number): string {
  return isFigure(column) ? cell.padStart(width) : cell.padEnd(width)
}

function underline(width: number, column: number): string {
  return isFigure(column) ? '-'.repeat(width - 1) + ':' : '-'.repeat(width)
}
