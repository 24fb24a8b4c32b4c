/** What several protocol tests use: replies made, written as a server would, and cut anywhere. */
import fc from 'fast-check'
import type { Reply } from '../../src/protocol/reply.ts'

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** `reply(213, '42')` */
export function reply(code: number, ...lines: string[]): Reply {
  return { code, lines }
}

/** A reply as a server sends it. A middle line that would end it is the caller's affair. */
export function wireReply({ code, lines }: Reply, lineEnd = '\r\n'): string {
  const last = lines.length - 1
  return lines
    .map((line, at) => {
      if (at === last) return `${code} ${line}`
      return at === 0 ? `${code}-${line}` : line
    })
    .map((line) => line + lineEnd)
    .join('')
}

/** Any chunking of `bytes`, empty chunks included, by positions where they are cut. */
export function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end))
}

export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 })

/** Text of a line: no line end, and no trailing CR, which belongs to the line end. */
export const lineText: fc.Arbitrary<string> = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  .map((text) => text.replace(/[\r\n]/g, ''))

export const anyReply: fc.Arbitrary<Reply> = fc
  .record({
    code: fc.integer({ min: 100, max: 599 }),
    first: lineText,
    middle: fc.array(lineText, { maxLength: 5 }),
    last: lineText,
    single: fc.boolean(),
  })
  .map(({ code, first, middle, last, single }) => ({
    code,
    lines: single ? [last] : [first, ...middle.filter((line) => !line.startsWith(String(code))), last],
  }))
