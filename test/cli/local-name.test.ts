/** Which names on a server can be those of files here. */
import { expect, it } from 'vitest'
import { localName } from '../../src/cli/local-name.ts'

it.each(['', '/', '.', '..', '/pub/', '/pub/..', 'a\0b'])('%j names no file anywhere', (path) => {
  expect(localName(path, 'linux')).toBeUndefined()
  expect(localName(path, 'win32')).toBeUndefined()
})

it.each(['..\\x', 'C:x', 'C:\\x', '\\\\host\\share\\x', 'x:stream', 'NUL', 'com1.txt', 'aux .log', '...'])(
  '%j is a name like any other, but not on Windows',
  (name) => {
    expect(localName(`/pub/${name}`, 'linux')).toBe(name)
    expect(localName(`/pub/${name}`, 'win32')).toBeUndefined()
  },
)

it.each(['disk.iso', 'a b', 'console', 'com10'])('%j is a name everywhere', (name) => {
  expect(localName(`pub/${name}`, 'linux')).toBe(name)
  expect(localName(name, 'win32')).toBe(name)
})
