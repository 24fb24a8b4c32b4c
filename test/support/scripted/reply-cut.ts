/** How replies are cut: behind so many bytes, or behind each. A reply that is shorter stays whole. */
export type ReplyCut = number | 'at every byte'

export function pieces(bytes: Uint8Array, cut: ReplyCut): Uint8Array[] {
  if (cut === 'at every byte') return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
  return [bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0)
}
