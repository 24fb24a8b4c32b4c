/** Which bytes of a file have been sent at least once: half-open ranges, disjoint and in order. */
export class Coverage {
  #ranges: readonly (readonly [start: number, end: number])[] = []

  /** @returns how many of these bytes were not covered before */
  add(start: number, end: number): number {
    const touched = this.#ranges.filter(([from, to]) => from <= end && to >= start)
    const known = touched.reduce(
      (sum, [from, to]) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)),
      0,
    )
    const merged = [
      Math.min(start, ...touched.map(([from]) => from)),
      Math.max(end, ...touched.map(([, to]) => to)),
    ] as const
    const rest = this.#ranges.filter((range) => !touched.includes(range))
    this.#ranges = [...rest, merged].sort(([one], [other]) => one - other)
    return end - start - known
  }
}
