/** Time that passes only when a test says so, with timers that run in it. */
export class VirtualClock {
  /** Milliseconds. */
  now = 0
  /** How much later than asked the next timer fires. */
  lateMs: () => number = () => 0
  readonly #timers = new Set<{ readonly at: number; readonly expire: () => void }>()

  readonly read = (): number => this.now

  readonly startTimer = (ms: number, expire: () => void): (() => void) => {
    const timer = { at: this.now + ms + this.lateMs(), expire }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Lets time pass; timers fire on the way, those of one moment in the order in which they were started. */
  advance(ms: number): void {
    const end = this.now + ms
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next)
      this.now = Math.max(this.now, next.at)
      next.expire()
    }
    this.now = end
  }

  #next(end: number): { readonly at: number; readonly expire: () => void } | undefined {
    let first: { readonly at: number; readonly expire: () => void } | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first !== undefined && first.at <= end ? first : undefined
  }
}
