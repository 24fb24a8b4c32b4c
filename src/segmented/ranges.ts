/** Sets of bytes of a file, as half-open ranges `[start, end)`. Pure. */

/** The bytes from `start` up to, but not with, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** The same bytes in ascending order, each once: what overlaps or touches is one range, what is empty is gone. */
export function mergeRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: { start: number; end: number }[] = []
  for (const { start, end } of ranges.filter(isFilled).sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last === undefined || start > last.end) merged.push({ start, end })
    else last.end = Math.max(last.end, end)
  }
  return merged
}

/** The bytes of a file of `size` bytes that are in none of `ranges`, in ascending order. */
export function gapsIn(ranges: readonly ByteRange[], size: number): ByteRange[] {
  const gaps: ByteRange[] = []
  let at = 0
  for (const { start, end } of mergeRanges(ranges)) {
    gaps.push({ start: at, end: Math.min(start, size) })
    at = Math.max(at, end)
  }
  gaps.push({ start: at, end: size })
  return gaps.filter(isFilled)
}

/** How many bytes are in `ranges`; one that is in several counts once. */
export function coveredBytes(ranges: readonly ByteRange[]): number {
  return mergeRanges(ranges).reduce((bytes, { start, end }) => bytes + (end - start), 0)
}

function isFilled({ start, end }: ByteRange): boolean {
  return start < end
}
