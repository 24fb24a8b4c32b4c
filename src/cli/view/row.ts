/** What is drawn for one transfer: plain rows of text, as wide as they may be. Pure. */
import type { TransferProgress } from '../../index.ts'
import { durationText } from '../text/duration.ts'
import { cutEnd, fit } from '../text/fit.ts'
import { sizeText, speedText } from '../text/sizes.ts'
import { sparkline } from '../text/sparkline.ts'

const NAME_COLUMNS = { least: 8, most: 28 }
const BAR_COLUMNS = { least: 6, most: 40 }
/** `100 %`, `1023.9 KiB`, `1023.9 KiB/s`, and the blanks between. */
const [PERCENT, SIZE, SPEED, ETA] = [5, 10, 12, 11] as const

interface Measure {
  readonly name: string
  readonly done: number
  readonly total: number | undefined
  readonly bytesPerSecond: number
  readonly left: string
}

/** The bar of a file, and one for each of its segments where it has several. */
export function transferRows(name: string, progress: TransferProgress, columns: number): string[] {
  const { bytes, total, bytesPerSecond, etaSeconds, files, segments } = progress
  const left = total === undefined ? '' : `ETA ${durationText(etaSeconds)}`
  const whole = measureRow({ name, done: bytes, total, bytesPerSecond, left }, columns)
  if (files !== undefined) return [whole, filesRow(files, columns)]
  if (segments.length < 2) return [whole]
  const parts = segments.map((segment, index) =>
    measureRow(
      {
        name: `  part ${index + 1}`,
        done: segment.position - segment.start,
        total: segment.end - segment.start,
        bytesPerSecond: segment.bytesPerSecond,
        left: '',
      },
      columns,
    ),
  )
  return [whole, ...parts]
}

function filesRow({ done, failed, found }: NonNullable<TransferProgress['files']>, columns: number): string {
  const failures = failed === 0 ? '' : `, ${failed} failed`
  return cutEnd(`  ${done} of ${found} files${failures}`, columns)
}

/** What does not fit is left out: first the time left, then the speed, then the bytes, and at last the bar. */
function measureRow({ name, done, total, bytesPerSecond, left }: Measure, columns: number): string {
  const fraction = total === undefined || total === 0 ? undefined : Math.min(1, done / total)
  const facts = [
    { width: PERCENT, text: fraction === undefined ? '' : `${Math.floor(100 * fraction)} %` },
    { width: SIZE, text: sizeText(done) },
    { width: SPEED, text: bytesPerSecond > 0 ? speedText(bytesPerSecond) : '' },
    { width: ETA, text: left },
  ]
  const widthOf = (count: number): number =>
    facts.slice(0, count).reduce((sum, { width }) => sum + width + 1, 0)
  const least = NAME_COLUMNS.least + 1 + BAR_COLUMNS.least
  let count = facts.length
  while (count > 1 && least + widthOf(count) > columns) count -= 1

  const room = columns - widthOf(count) - 1
  const nameColumns = clamp(Math.floor(room * 0.4), NAME_COLUMNS.least, NAME_COLUMNS.most)
  const barColumns = Math.min(room - nameColumns, BAR_COLUMNS.most)
  const cells = [
    fit(name, nameColumns),
    ...(barColumns < BAR_COLUMNS.least ? [] : [bar(fraction, barColumns)]),
    ...facts.slice(0, count).map(({ width, text }) => text.padStart(width)),
  ]
  return cutEnd(cells.join(' '), columns)
}

function bar(fraction: number | undefined, columns: number): string {
  if (fraction === undefined) return '·'.repeat(columns)
  const full = Math.floor(fraction * columns)
  return '█'.repeat(full) + '░'.repeat(columns - full)
}

/** The bandwidth of all transfers together over the last minute. */
export function bandwidthRow(samples: readonly number[], columns: number): string {
  const [now = 0, average, maximum] = [samples.at(-1), mean(samples), Math.max(0, ...samples)]
  const words = `now ${speedText(now)}, average ${speedText(average)}, most ${speedText(maximum)}`
  const room = columns - words.length - 2
  if (room < 8) return cutEnd(sparkline(samples, columns), columns)
  return `${sparkline(samples, Math.min(room, samples.length))}  ${words}`
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / Math.max(1, samples.length)
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}
