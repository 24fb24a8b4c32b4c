import { expect, it } from 'vitest'
import { withoutPasswords } from '../../../src/cli/text/without-passwords.ts'

it.each([
  ['Cannot read ftp://u:secret@h/x', 'Cannot read ftp://u:****@h/x'],
  [
    "unknown '  ftp://u:se/cr:et@h/x' and ftps://v:other@i",
    "unknown '  ftp://u:****@h/x' and ftps://v:****@i",
  ],
  ['ftp://u@h:21/x, and a@b', 'ftp://u@h:21/x, and a@b'],
])('%j', (text, shown) => {
  expect(withoutPasswords(text)).toBe(shown)
})
