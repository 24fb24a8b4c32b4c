/** A fuzz run counts only if it first finds a bug that was put there. */
import { fuzz, type FuzzOptions, type FuzzReport } from './engine.ts'
import type { Target } from './target.ts'

export interface ProvenOptions {
  readonly target: Target
  readonly coverage: FuzzOptions['coverage']
  readonly seed: number
  /** By which the planted bug is looked for. Default: `seed`. */
  readonly plantedSeed?: number
  /** Inputs by which the planted bug has to be found. */
  readonly mostForPlanted: number
  readonly isOver: FuzzOptions['isOver']
  readonly onInput?: (input: Uint8Array) => void
  /** Told of the planted bug: how many inputs it took. */
  readonly onFound?: (report: FuzzReport) => void
}

/** Rejects where the planted bug is not found: nothing would be known by finding nothing. */
export async function fuzzProven(options: ProvenOptions): Promise<FuzzReport> {
  const { target, mostForPlanted, onFound, isOver, plantedSeed = options.seed, ...same } = options
  const over = (tried: number): boolean => tried >= mostForPlanted
  const planted = await fuzz({ ...same, seed: plantedSeed, target, isPlanted: true, isOver: over })
  if (planted.failure === undefined) {
    throw new Error(
      `The planted bug of ${target.name} (${target.planted}) was not found by ${planted.tried} inputs`,
    )
  }
  onFound?.(planted)
  return await fuzz({ ...same, target, isPlanted: false, isOver })
}

/** As it can be pasted into a case. */
export function shownInput(input: Uint8Array): string {
  return JSON.stringify(Buffer.from(input).toString('latin1'))
}
