/** New inputs from old ones: a few changes, anywhere. */
import type { Random } from './random.ts'

/** Longer ones find nothing more, and take longer. */
const MOST_BYTES = 4_096
const MOST_CHANGES = 6
/** At the edges of what a byte, a line or a number can be. */
const BYTES = [0, 9, 10, 13, 32, 37, 45, 47, 48, 49, 57, 58, 59, 64, 91, 93, 127, 128, 194, 237, 255]
const NUMBERS = ['0', '-1', '1', '65536', '2147483648', '4294967296', '9007199254740992', '1e9', '00', '999']

type Change = (input: Buffer, random: Random, other: Uint8Array, words: readonly string[]) => Uint8Array

const CHANGES: readonly Change[] = [
  (input, random) => spliced(input, random.below(input.length + 1), 1, [random.below(256)]),
  (input, random) => spliced(input, random.below(input.length + 1), 1, [random.of(BYTES)]),
  (input, random) => spliced(input, random.below(input.length + 1), 0, [random.of(BYTES)]),
  (input, random) => spliced(input, random.below(input.length + 1), 1 + random.below(16), []),
  (input, random) => spliced(input, random.below(input.length + 1), 0, Buffer.from(random.of(NUMBERS))),
  (input, random, _other, words) =>
    spliced(input, random.below(input.length + 1), random.below(2) * random.below(8), word(random, words)),
  (input, random, _other, words) => spliced(input, input.length, 0, word(random, words)),
  (input, random) => spliced(input, random.below(input.length + 1), 0, part(input, random)),
  (input, random, other) => spliced(input, random.below(input.length + 1), 0, part(other, random)),
  (input, random, other) => {
    const at = random.below(input.length + 1)
    return spliced(input, at, input.length - at, part(other, random))
  },
  (input, random) => flipped(input, random),
]

/** `input` with some changes; `other` is one that parts may be taken from. */
export function mutated(
  input: Uint8Array,
  other: Uint8Array,
  words: readonly string[],
  random: Random,
): Uint8Array {
  let bytes = Buffer.from(input)
  for (let left = 1 + random.below(MOST_CHANGES); left > 0; left--) {
    bytes = Buffer.from(random.of(CHANGES)(bytes, random, other, words).subarray(0, MOST_BYTES))
  }
  return bytes
}

function spliced(input: Buffer, at: number, removed: number, added: Iterable<number>): Uint8Array {
  return Buffer.concat([input.subarray(0, at), Uint8Array.from(added), input.subarray(at + removed)])
}

function word(random: Random, words: readonly string[]): Uint8Array {
  return words.length === 0 ? new Uint8Array(0) : Buffer.from(random.of(words))
}

function part(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1)
  return bytes.subarray(start, start + 1 + random.below(64))
}

function flipped(input: Buffer, random: Random): Uint8Array {
  const copy = Buffer.from(input)
  const at = random.below(copy.length)
  if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
  return copy
}
