import fc from 'fast-check'
import { posix, win32 } from 'node:path'
import { expect, test } from 'vitest'
import { escapingName, unsafeName } from '../../src/local/safe-name.ts'

type Platforms = readonly NodeJS.Platform[]
const ALL: Platforms = ['linux', 'darwin', 'win32']

/** A name, and where it is refused. */
const NAMES: readonly (readonly [name: string, refused: Platforms])[] = [
  ['', ALL],
  ['.', ALL],
  ['..', ALL],
  ['../x', ALL],
  ['a/b', ALL],
  ['/', ALL],
  ['a\0', ALL],
  ['...', ['win32']],
  ['..\\x', ['win32']],
  ['a\\b', ['win32']],
  ['C:', ['win32', 'darwin']],
  ['C:x', ['win32', 'darwin']],
  ['file.txt:stream', ['win32', 'darwin']],
  ['a<b', ['win32']],
  ['a>b', ['win32']],
  ['a"b', ['win32']],
  ['a|b', ['win32']],
  ['what?', ['win32']],
  ['*', ['win32']],
  ['a\nb', ['win32']],
  ['\u001b[2J', ['win32']],
  ['dot.', ['win32']],
  ['blank ', ['win32']],
  ['.. ', ['win32']],
  ['CON', ['win32']],
  ['nul', ['win32']],
  ['Aux.txt', ['win32']],
  ['prn .tar.gz', ['win32']],
  ['COM1', ['win32']],
  ['com¹.log', ['win32']],
  ['LPT³', ['win32']],
  ['lpt9.x', ['win32']],
  ['CONIN$', ['win32']],
  ['conout$.a', ['win32']],
  ['latin-\udce9.txt', ['win32', 'darwin']],
  ['half-\ud83d', ALL],
  ['half-\udc41', ALL],
  ['a'.repeat(255), []],
  ['a'.repeat(256), ALL],
  ['é'.repeat(127), []],
  ['é'.repeat(128), ['linux', 'darwin']],
  ['é'.repeat(256), ALL],
  ['\udce9'.repeat(255), ['win32', 'darwin']],
  ['\udce9'.repeat(256), ALL],
  ['CONSOLE', []],
  ['COM10', []],
  ['COM', []],
  ['a CON', []],
  ['..a', []],
  ['.hidden', []],
  ['a..b', []],
  ['%2e%2e%2fx', []],
  [' first blank', []],
  ['日本語.txt', []],
  ['😀', []],
]

const cases = NAMES.flatMap(([name, refused]) =>
  ALL.map((platform) => ({
    name,
    platform,
    shown: JSON.stringify(name.slice(0, 20)),
    is: refused.includes(platform),
  })),
)

test.each(cases)('$shown on $platform: refused $is', ({ name, platform, is }) => {
  expect(unsafeName(name, platform) !== undefined).toBe(is)
})

test('what is not refused stays in its directory, and is the last step of its path', () => {
  const hostile = fc.constantFrom('.', '..', '/', '\\', ':', 'C:', '\0', ' ', 'a', 'NUL', '\udcff')
  const names = fc.array(hostile, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(names, (name) => {
      for (const [platform, system] of [
        ['linux', posix],
        ['win32', win32],
      ] as const) {
        if (unsafeName(name, platform) !== undefined) continue
        const path = system.join('/etc/of', name)
        expect(system.dirname(path)).toBe(system.join('/etc', 'of'))
        expect(system.basename(path)).toBe(name)
      }
    }),
  )
})

test('what is there already may have a colon on macOS, where the Finder makes it of a slash', () => {
  expect(escapingName('10:30', 'darwin')).toBeUndefined()
  expect(escapingName('10:30', 'win32')).toBeDefined()
})
