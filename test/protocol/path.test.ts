import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parsePathReply, quotePath } from '../../src/protocol/path.ts'
import { lineText, reply } from './support.ts'

it.each([
  ['"/" is the current directory', '/'],
  ['"/a ""b"" c" created', '/a "b" c'],
  ['"" is the current directory', ''],
  ['""""', '"'],
  [`"'USER.'" is the working directory`, `'USER.'`],
  ['Directory "/x" for "you"', '/x'],
  ['"a/"b" c" : The directory was successfully created', 'a/"b" c'],
  ['"/a"" is your current location', '/a"'],
  ['"a""', 'a"'],
  ['"a"" "#', 'a" '],
])('%s', (text, path) => {
  expect(parsePathReply(reply(257, text))).toBe(path)
})

it.each(['/home is current', '"/home', '', '"', '"a""b'])('%s holds no path', (text) => {
  expect(() => parsePathReply(reply(257, text))).toThrow(
    expect.objectContaining({ code: 'ERR_FTP_MALFORMED_REPLY' }),
  )
})

it('reads no path from another reply', () => {
  expect(() => parsePathReply(reply(250, '"/a"'))).toThrow(/250/)
})

it('reads any quoted path back, whatever is around it', () => {
  const around = lineText.filter((text) => !text.includes('"'))
  fc.assert(
    fc.property(
      around,
      fc.oneof(lineText, fc.string({ unit: fc.constantFrom('"', 'a') })),
      around,
      (a, path, b) => {
        expect(parsePathReply(reply(257, a + quotePath(path) + b))).toBe(path)
      },
    ),
  )
})
