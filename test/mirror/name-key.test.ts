import { expect, test } from 'vitest'
import { haveAlike, nameKey } from '../../src/mirror/name-key.ts'

test.each([
  ['README', 'ReadMe'],
  ['É', 'e\u0301'],
  ['ΣΑΣ', 'σας'],
  ['ΣΑΣ', 'σασ'],
  ['İ', 'i\u0307'],
  ['ЖУК', 'жук'],
])('%s and %s are one name', (one, other) => {
  expect(nameKey(one)).toBe(nameKey(other))
  expect(haveAlike(['x', one, 'y', other, 'z'])).toBe(true)
})

test.each([
  ['a', 'b'],
  ['e', 'é'],
  ['ı', 'i'],
  ['ß', 'ss'],
  ['a', 'a '],
])('%s and %s are two', (one, other) => {
  expect(nameKey(one)).not.toBe(nameKey(other))
  expect(haveAlike([one, other, one])).toBe(false)
})
