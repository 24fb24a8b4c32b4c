import { expect, test } from 'vitest'
import { unsafeTarget } from '../../src/local/safe-link.ts'

test.each([
  ['l', 'a'],
  ['l', './a//b/.'],
  ['a/l', '../b'],
  ['a/b/l', '../../c/d'],
  ['a/b/l', '../..'],
  ['l', '.'],
  ['l', 'a\\..\\b'],
])('%s -> %s stays', (path, target) => {
  expect(unsafeTarget(path, target, 'linux')).toBeUndefined()
})

test.each([
  ['l', ''],
  ['l', '/etc/passwd'],
  ['l', '//host/share'],
  ['l', '..'],
  ['l', './..'],
  ['a/l', '../..'],
  ['a/b/l', '../../../c'],
  // Harmless as a sum, if "b" is a directory and no link to another depth.
  ['a/l', 'b/../..'],
  ['a/l', 'b/..'],
  ['l', 'a\0'],
])('%s -> %s is refused', (path, target) => {
  expect(unsafeTarget(path, target, 'linux')).toBeDefined()
})

test.each(['C:\\x', 'C:x', '\\\\host\\share', '..\\x', 'a\\..\\..\\b', 'NUL'])(
  '%s is refused on Windows',
  (target) => {
    expect(unsafeTarget('a/l', target, 'win32')).toBeDefined()
  },
)
