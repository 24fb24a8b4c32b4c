/** Spaces bytes out to a rate. An idle time earns no credit. */
export class Pace {
  readonly #rate: () => number
  readonly #wait: (ms: number) => Promise<void>
  #next = 0

  /** @param rate bytes per second, asked again for each piece */
  constructor(rate: () => number, wait: (ms: number) => Promise<void>) {
    this.#rate = rate
    this.#wait = wait
  }

  /** Small enough to come fifty times a second, so that a rate looks like one. */
  get piece(): number {
    return Math.max(1, Math.min(256 * 1024, Math.floor(this.#rate() / 50)))
  }

  /** Waits until `bytes` more may go. */
  async take(bytes: number): Promise<void> {
    const bytesPerSecond = this.#rate()
    if (bytesPerSecond === Number.POSITIVE_INFINITY) return
    const now = performance.now()
    this.#next = Math.max(now, this.#next) + (bytes / bytesPerSecond) * 1_000
    // Timers are late by a millisecond or two; what is owed carries over.
    if (this.#next - now > 2) await this.#wait(this.#next - now)
  }
}
