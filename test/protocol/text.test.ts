import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeName, encodeText } from '../../src/protocol/text.ts'

test('a name goes out as the bytes that it came as, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(Buffer.from(encodeText(decodeName(bytes))).equals(bytes)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('UTF-8 is read as what it is, and the bytes between as lone surrogates', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(decodeName(Buffer.from(text))).toBe(text)
      expect(Buffer.from(encodeText(text)).toString()).toBe(text)
      const mixed = Buffer.concat([Buffer.from(text), Buffer.from([0xe9]), Buffer.from(text)])
      expect(decodeName(mixed)).toBe(`${text}\udce9${text}`)
    }),
  )
})
