/** The middle and the ends of a few measured values. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @returns undefined for no values */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return undefined
  const below = sorted[(sorted.length - 1) >> 1] ?? min
  const above = sorted[sorted.length >> 1] ?? max
  return { median: (below + above) / 2, min, max }
}
