/** What is fuzzed: a parser, what has to hold of it, and the same with a bug that a run has to find first. */
import type { Random } from './random.ts'

export interface Target {
  readonly name: string
  /** Whole inputs to begin with. */
  readonly seeds: readonly Uint8Array[]
  /** What is put into inputs, beside bytes. */
  readonly words: readonly string[]
  /** Throws, or rejects, where something does not hold. `random` is the same each time that an input is tried. */
  readonly check: (input: Uint8Array, random: Random) => void | Promise<void>
  /** The same check of a parser with a bug in it. */
  readonly checkPlanted: (input: Uint8Array, random: Random) => void | Promise<void>
  /** The bug, in words. */
  readonly planted: string
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}
