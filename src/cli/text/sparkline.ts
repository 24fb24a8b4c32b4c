const LEVELS = '▁▂▃▄▅▆▇█'

/**
 * The last `width` samples as a row of blocks, the highest of them a full one; nothing at all is a blank. Fewer samples
 * make a shorter row.
 */
export function sparkline(samples: readonly number[], width: number): string {
  const shown = width < 1 ? [] : samples.slice(-width)
  const highest = Math.max(0, ...shown)
  return shown.map((sample) => block(sample, highest)).join('')
}

function block(sample: number, highest: number): string {
  if (sample <= 0) return ' '
  return LEVELS[Math.min(LEVELS.length - 1, Math.floor((sample / highest) * LEVELS.length))] ?? ''
}
