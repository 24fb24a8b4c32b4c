/** Bytes and speeds for people, and from them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
const STEP = 1_024

/** `0 B`, `1023 B`, `1.0 KiB`, `134.2 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  // From 1023.95 on the next unit: one decimal would make `1024.0` of it.
  while (value >= STEP - 0.05 && unit < UNITS.length - 1) {
    value /= STEP
    unit += 1
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`
}

export function speedText(bytesPerSecond: number): string {
  return `${sizeText(bytesPerSecond)}/s`
}

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 }

/**
 * Reads `500k`, `2M`, `1.5MiB/s`: bytes, the letters being powers of 1024 as in curl and wget. `undefined` for what is
 * no amount.
 */
export function parseSize(text: string): number | undefined {
  const [, number, letter = ''] =
    /^(\d+(?:\.\d+)?|\.\d+)\s*([kmgt]?)(?:i?b)?(?:\/s)?$/i.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  const bytes = Math.round(Number(number) * STEP ** (POWERS[letter.toLowerCase()] ?? 0))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
