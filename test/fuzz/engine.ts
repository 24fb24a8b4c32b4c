/**
 * Coverage-guided fuzzing: inputs are changed at random, and what reaches code that never ran is kept, to be changed
 * further. Looking at the counters costs far more than an input does, so they are looked at for a batch, and only a batch
 * with news is searched for the inputs that brought them.
 */
import type { Coverage } from './coverage.ts'
import { mutated } from './mutate.ts'
import { Random, randomFor } from './random.ts'
import type { Target } from './target.ts'

export interface FuzzOptions {
  readonly target: Target
  /** `undefined` to look at no counters: all inputs are then made of the target's seeds. */
  readonly coverage: Coverage | undefined
  readonly seed: number
  /** Whether the bug is in it. */
  readonly isPlanted: boolean
  /** Asked between batches, with how many inputs were tried. */
  readonly isOver: (tried: number) => boolean
  /** Told before each input is tried. */
  readonly onInput?: (input: Uint8Array) => void
}

export interface FuzzReport {
  readonly tried: number
  /** Inputs that were kept, those of the target among them. */
  readonly corpus: number
  readonly failure: { readonly input: Uint8Array; readonly error: unknown } | undefined
}

/** Inputs of a batch: fewer where there was news, more where there was none. */
const SMALLEST_BATCH = 100
const LARGEST_BATCH = 3_200
/** Tries inputs until it is over, or until one fails, which then is made as short as can be. */
export function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  return new Run(options).run()
}

class Run {
  readonly #options: FuzzOptions
  readonly #random: Random
  readonly #corpus: Uint8Array[] = []
  #tried = 0
  #failure: FuzzReport['failure']

  constructor(options: FuzzOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  async run(): Promise<FuzzReport> {
    const { target, coverage, isOver } = this.#options
    coverage?.begin()
    await this.#take(target.seeds)
    this.#corpus.push(...target.seeds.filter((seed) => !this.#corpus.includes(seed)))
    for (let batch = SMALLEST_BATCH; this.#failure === undefined && !isOver(this.#tried);) {
      const before = this.#corpus.length
      await this.#take(Array.from({ length: batch }, () => this.#next()))
      batch = this.#corpus.length > before ? SMALLEST_BATCH : Math.min(LARGEST_BATCH, 2 * batch)
    }
    if (this.#failure !== undefined) this.#failure = await this.#shortened(this.#failure)
    return { tried: this.#tried, corpus: this.#corpus.length, failure: this.#failure }
  }

  #next(): Uint8Array {
    const input = this.#random.of(this.#corpus)
    return mutated(input, this.#random.of(this.#corpus), this.#options.target.words, this.#random)
  }

  /** Tries them all, and keeps those that bring something new. */
  async #take(inputs: readonly Uint8Array[]): Promise<void> {
    this.#options.coverage?.skip()
    await this.#tryAll(inputs)
    this.#tried += inputs.length
    if (this.#failure === undefined && this.#hasNews(false)) await this.#search(inputs)
  }

  /** Somewhere in `inputs` there is news. */
  async #search(inputs: readonly Uint8Array[]): Promise<void> {
    this.#options.coverage?.skip()
    await this.#tryAll(inputs)
    if (!this.#hasNews(inputs.length === 1)) return
    const [only] = inputs
    if (inputs.length === 1 && only !== undefined) {
      this.#corpus.push(only)
      return
    }
    const half = inputs.length >> 1
    await this.#search(inputs.slice(0, half))
    await this.#search(inputs.slice(half))
  }

  #hasNews(keep: boolean): boolean {
    return this.#options.coverage?.hasNews(keep) === true
  }

  async #tryAll(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) {
      const error = await this.#errorOf(input)
      if (error === undefined) continue
      this.#failure ??= { input, error: error.thrown }
      return
    }
  }

  async #errorOf(input: Uint8Array): Promise<{ readonly thrown: unknown } | undefined> {
    const { target, isPlanted, onInput } = this.#options
    onInput?.(input)
    try {
      // Most are not asynchronous, and a turn of the loop for each would cost more than they do.
      const checked = (isPlanted ? target.checkPlanted : target.check)(input, randomFor(input))
      if (checked !== undefined) await checked
      return undefined
    } catch (thrown) {
      return { thrown }
    }
  }

  /** Leaves out what is not needed to fail. */
  async #shortened(failure: NonNullable<FuzzReport['failure']>): Promise<NonNullable<FuzzReport['failure']>> {
    let { input, error } = failure
    for (let size = input.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at < input.length;) {
        const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + size)])
        const failed = await this.#errorOf(shorter)
        if (failed === undefined) at += size
        else [input, error] = [shorter, failed.thrown]
      }
    }
    return { input, error }
  }
}
