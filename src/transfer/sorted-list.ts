/** Things in an order that is looked up by halving. Pure. */
export class SortedList<T> {
  readonly #isBefore: (one: T, other: T) => boolean
  readonly #things: T[] = []

  /** @param isBefore a total order: of two different things one is before the other. It must not change under a thing that is in the list. */
  constructor(isBefore: (one: T, other: T) => boolean) {
    this.#isBefore = isBefore
  }

  get first(): T | undefined {
    return this.#things[0]
  }

  add(thing: T): void {
    this.#things.splice(this.#placeOf(thing), 0, thing)
  }

  delete(thing: T): void {
    const place = this.#placeOf(thing)
    if (this.#things[place] === thing) this.#things.splice(place, 1)
  }

  find(test: (thing: T) => boolean): T | undefined {
    return this.#things.find(test)
  }

  /** How many are before it. */
  #placeOf(thing: T): number {
    let low = 0
    let high = this.#things.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const there = this.#things[middle]
      if (there !== undefined && this.#isBefore(there, thing)) low = middle + 1
      else high = middle
    }
    return low
  }
}
