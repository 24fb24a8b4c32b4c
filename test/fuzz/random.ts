/** Numbers that look random, the same for the same seed (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to `end`, without it. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  /** One of them; there has to be one. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** `bytes` in pieces, cut anywhere, some of them empty. */
  pieces(bytes: Uint8Array): Uint8Array[] {
    const cuts = Array.from({ length: this.below(8) }, () => this.below(bytes.length + 1))
    const ends = [...cuts, bytes.length].sort((a, b) => a - b)
    return ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end))
  }
}

/** A seed that only the input decides, so that a failure can be played again by the input alone. */
export function randomFor(input: Uint8Array): Random {
  let hash = 0x811c9dc5
  for (const byte of input) hash = Math.imul(hash ^ byte, 0x01000193)
  return new Random(hash)
}
