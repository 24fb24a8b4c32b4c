/** Bars, one below the other, as SVG. Pure: the same data give the same text. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** One that the others are compared with. */
  readonly isOurs: boolean
}

export interface BarChart {
  readonly title: string
  /** What the numbers are. */
  readonly unit: string
  /** A line across all bars, such as what would be ideal. */
  readonly line?: { readonly value: number; readonly label: string }
  readonly groups: readonly { readonly label: string; readonly bars: readonly Bar[] }[]
}

const WIDTH = 720
const LEFT = 250
const RIGHT = 60
const TOP = 74
const BAR = 16
const PITCH = 21
const GROUP_LABEL = 26

const COLOURS = {
  background: '#ffffff',
  text: '#1f2328',
  quiet: '#59636e',
  ours: '#0969da',
  others: '#afb8c1',
}

export function barChart({ title, unit, line, groups }: BarChart): string {
  const largest = Math.max(line?.value ?? 0, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value)))
  const x = (value: number): number => LEFT + (value / largest) * (WIDTH - LEFT - RIGHT)
  const parts: string[] = []
  let y = TOP
  for (const { label, bars } of groups) {
    if (label !== '') parts.push(text(16, (y += GROUP_LABEL) - 10, label, 'font-weight="600"'))
    for (const bar of bars) {
      parts.push(barOf(bar, x, y))
      y += PITCH
    }
  }
  if (line !== undefined) parts.push(...lineOf(x(line.value), y, line.label))
  const height = y + 16
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"` +
      ` font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escaped(title)}">`,
    `<rect width="100%" height="100%" fill="${COLOURS.background}"/>`,
    text(16, 24, title, 'font-size="15" font-weight="600"'),
    text(16, 43, unit, `fill="${COLOURS.quiet}"`),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function barOf({ label, value, isOurs }: Bar, x: (value: number) => number, y: number): string {
  const end = x(value)
  const colour = isOurs ? COLOURS.ours : COLOURS.others
  return [
    text(LEFT - 8, y + 13, label, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${y}" width="${rounded(end - LEFT)}" height="${BAR}" rx="2" fill="${colour}"/>`,
    text(rounded(end + 6), y + 13, String(value)),
  ].join('\n')
}

function lineOf(x: number, bottom: number, label: string): string[] {
  const dashes = 'stroke-dasharray="4 3"'
  return [
    `<line x1="${rounded(x)}" y1="${TOP - 6}" x2="${rounded(x)}" y2="${bottom}" stroke="${COLOURS.text}" ${dashes}/>`,
    text(rounded(x), TOP - 9, label, `text-anchor="middle" fill="${COLOURS.quiet}"`),
  ]
}

function text(x: number, y: number, words: string, more: string = ''): string {
  const colour = more.includes('fill=') ? '' : ` fill="${COLOURS.text}"`
  return `<text x="${x}" y="${y}"${colour} ${more}>${escaped(words)}</text>`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
