/** What the heap holds when nothing can be collected any more, by the time. Needs `--expose-gc`. */
const EVERY_MS = 20_000
/** What a mean may be above that of the beginning: caches that fill, code that is compiled. */
const MOST_GROWTH_BYTES = 12_000_000

export class Memory {
  readonly #samples: number[] = []
  readonly #timer: NodeJS.Timeout

  constructor() {
    const { gc } = globalThis
    if (gc === undefined) throw new Error('It has to run under node --expose-gc')
    this.#timer = setInterval(() => {
      gc()
      const { heapUsed, external } = process.memoryUsage()
      this.#samples.push(heapUsed + external)
    }, EVERY_MS)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  /** Whether the last third of the time held no more than the second; the first is for warming up. */
  isFlat(): boolean {
    const third = Math.floor(this.#samples.length / 3)
    if (third === 0) return true
    return mean(this.#samples.slice(-third)) - mean(this.#samples.slice(third, 2 * third)) < MOST_GROWTH_BYTES
  }

  /** Up to twenty of them, in MB. */
  shown(): string {
    const step = Math.max(1, Math.ceil(this.#samples.length / 20))
    const some = this.#samples.filter((_, index) => index % step === 0)
    return some.map((bytes) => (bytes / 1e6).toFixed(1)).join(' ')
  }
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length
}
