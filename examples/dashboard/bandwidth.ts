/** How fast all servers together were over the last minutes. */
import { SAMPLE_MS, SAMPLES } from './model.ts'

export class BandwidthSamples {
  readonly #timer: NodeJS.Timeout
  #samples: number[] = []
  #taken = 0

  constructor(bytesPerSecond: () => number) {
    this.#timer = setInterval(() => {
      this.#samples = [...this.#samples, bytesPerSecond()].slice(-SAMPLES)
      this.#taken += 1
    }, SAMPLE_MS)
  }

  /** How many were taken since it began. */
  get taken(): number {
    return this.#taken
  }

  /** Those behind the first `count`, as far as they are kept. */
  since(count: number): readonly number[] {
    return count === this.#taken ? [] : this.#samples.slice(-(this.#taken - count))
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
