/** The other name of an atomic upload. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { textCodec, UTF_8 } from '../../src/protocol/text-codec.ts'
import { besides } from '../../src/segmented/put-in-place.ts'

const bytesOf = (path: string | Uint8Array): Buffer => Buffer.from(path)

test('the name itself and what tells it, as text or as bytes', () => {
  expect(besides('/a/file', UTF_8, true)).toBe('/a/file.octoftp-part')
  expect(besides('file', UTF_8, false)).toMatch(/^file\.octoftp-[0-9a-f]{8}$/)
  expect(bytesOf(besides(Buffer.from('a/\xff', 'latin1'), UTF_8, true))).toEqual(
    Buffer.from('a/\xff.octoftp-part', 'latin1'),
  )
})

test('is beside it, never too long, found again, and of two names never the same', () => {
  const name = fc.oneof(
    fc.integer({ min: 1, max: 255 }).map((length) => 'n'.repeat(length)),
    fc.integer({ min: 1, max: 85 }).map((length) => '€'.repeat(length)),
  )
  const directory = fc.constantFrom('', '/', '/pub/', `${'d'.repeat(255)}/ü/`)
  fc.assert(
    fc.property(directory, name, name, fc.boolean(), (where, one, other, isText) => {
      const path = (last: string): string | Uint8Array => (isText ? where + last : Buffer.from(where + last))
      const found = bytesOf(besides(path(one), UTF_8, true))
      const last = found.toString().slice(where.length)
      expect(found.toString().startsWith(where)).toBe(true)
      expect(last).toMatch(/^[^/]+\.octoftp-part$/)
      expect(Buffer.byteLength(last)).toBeLessThanOrEqual(255)
      expect(bytesOf(besides(path(one), UTF_8, true))).toEqual(found)
      expect(found.equals(bytesOf(besides(path(other), UTF_8, true)))).toBe(one === other)
      const fresh = bytesOf(besides(path(one), UTF_8, false))
        .toString()
        .slice(where.length)
      expect(fresh).toMatch(/^[^/]+\.octoftp-[0-9a-f]{8}$/)
      expect(Buffer.byteLength(fresh)).toBeLessThanOrEqual(255)
    }),
  )
})

test('what is too long is told by the bytes of the encoding', () => {
  const name = 'ü'.repeat(200)
  expect(besides(name, textCodec('iso-8859-1'), true)).toBe(`${name}.octoftp-part`)
  expect(besides(name, UTF_8, true)).toMatch(/^[0-9a-f]{64}\.octoftp-part$/)
})
