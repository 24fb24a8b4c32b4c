import fc from 'fast-check'
import { expect, test } from 'vitest'
import { uniqueNameIn } from '../../src/protocol/unique-name.ts'

test.each([
  ['FILE: octo.0001', 'octo.0001'],
  ['Transfer complete (unique file name:octo.0001).', 'octo.0001'],
  ['Transfer complete (unique file name:octo.0001)', 'octo.0001'],
  ['Transfer complete (Unique file name: octo 1.)', 'octo 1'],
  ['Transfer starting for octo.0001.', 'octo.0001'],
  ['Transfer complete. Filename: "a name"', 'a name'],
  ['file name: a name ', 'a name'],
  ['FILE: "quoted".', 'quoted'],
  ['FILE: (a) FILE: b', 'b'],
  ['FILE: a FILE: b', 'a FILE: b'],
  ['FILE: ', undefined],
  ['Transfer complete.', undefined],
  ['', undefined],
])('%j: %j', (line, name) => {
  expect(uniqueNameIn(line)).toBe(name)
})

/** As it was said at once: right, but the square of what it runs on. */
const SAID_AT_ONCE =
  /(?:file(?: ?name)?: ?|unique file name: ?|transfer starting for )"?([^"()]+?)"?\s*\.?\)?$/i

test('it is what one expression would find', () => {
  const part = fc.constantFrom(
    'FILE: ',
    'file name:',
    'transfer starting for ',
    '"',
    '(',
    ')',
    '.',
    ' ',
    'a',
    'b.c',
  )
  const lines = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(lines, (line) => {
      const name = SAID_AT_ONCE.exec(line)?.[1]
      // A name of nothing but what ends one is none.
      if (name !== undefined && /[^\s.]/.test(name)) expect(uniqueNameIn(line)).toBe(name)
    }),
  )
})
