/** How a file is cut into segments. Pure. Segments are half open: `[start, end)`, in bytes. */
export interface Segment {
  readonly start: number
  /** `Infinity` where the size is not known. */
  readonly end: number
}

/**
 *   0                                        size
 *   ├─────────┬─────────┬─────────┬──────────┤
 *   │ first   │         │         │ last: runs to the end of the file
 *
 * As many segments as connections, none shorter than `minSegmentSize` unless it is the only one, and their
 * lengths differ by at most one byte.
 */
export function planSegments(size: number, connections: number, minSegmentSize: number): readonly Segment[] {
  const count = Math.max(1, Math.min(connections, Math.floor(size / minSegmentSize)))
  // Whole numbers only: a quotient of large sizes would be off by a byte.
  const extra = size % count
  const length = (size - extra) / count
  const boundary = (index: number): number => length * index + Math.min(index, extra)
  return Array.from({ length: count }, (_, index) => ({
    start: boundary(index),
    end: boundary(index + 1),
  }))
}

/**
 * The same for what is missing of a file: each gap gets its share of the connections, at least one segment.
 * There may be more segments than connections; they wait their turn.
 */
export function planGaps(
  gaps: readonly Segment[],
  connections: number,
  minSegmentSize: number,
): readonly Segment[] {
  const missing = gaps.reduce((sum, { start, end }) => sum + end - start, 0)
  return gaps.flatMap(({ start, end }) => {
    const length = end - start
    // An empty file is one segment, too.
    const share = Math.max(1, Math.round((connections * length) / Math.max(1, missing)))
    return planSegments(length, share, minSegmentSize).map((segment) => ({
      start: start + segment.start,
      end: start + segment.end,
    }))
  })
}
