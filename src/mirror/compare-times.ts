/** Whether two modification times may be one, told by two sides that know them more or less exactly. Pure. */
import type { TreeEntry } from '../local/tree-entry.ts'

type Told = Pick<TreeEntry, 'modifiedMs' | 'precision'>

/** FAT keeps every other second, and some servers round where others cut off. */
const SLACK_MS = 2_000

/** How far behind the time that is told the real one may be. For seconds the slack covers it. */
const SPAN_MS: Readonly<Record<NonNullable<TreeEntry['precision']>, number>> = {
  millisecond: 0,
  second: 0,
  minute: 59_999,
  day: 86_399_999,
}

/**
 * What the target's time is beside that of the source, at the coarser precision of the two, with 2 s slack.
 *
 *   one side tells a minute     12:00                   12:01
 *   the other, 'same'        ├─2 s┼───────────────────────┼2 s─┤
 *
 * Two that tell minutes have to tell the same one; a day likewise.
 */
export function compareTimes(source: Told, target: Told): 'same' | 'newer' | 'older' | 'unknown' {
  if (source.modifiedMs === undefined || source.precision === undefined) return 'unknown'
  if (target.modifiedMs === undefined || target.precision === undefined) return 'unknown'
  const laterMs = target.modifiedMs - source.modifiedMs
  const sourceSpan = SPAN_MS[source.precision]
  const targetSpan = SPAN_MS[target.precision]
  if (laterMs > SLACK_MS + (sourceSpan > targetSpan ? sourceSpan : 0)) return 'newer'
  if (laterMs < -SLACK_MS - (targetSpan > sourceSpan ? targetSpan : 0)) return 'older'
  return 'same'
}

/** The last millisecond at which the file may have been changed; `undefined` where no time is known. */
export function latestMs({ modifiedMs, precision }: Told): number | undefined {
  if (modifiedMs === undefined || precision === undefined) return undefined
  return modifiedMs + SPAN_MS[precision]
}
