import { describe, expect, test } from 'vitest'
import { mirrorFilter, type FilterOptions, type MirrorPattern } from '../../src/mirror/filter.ts'
import { directory, file, link } from './entries.ts'

function isExcluded(options: FilterOptions, path: string): boolean {
  const isDirectory = path.endsWith('/')
  const bare = isDirectory ? path.slice(0, -1) : path
  const name = bare.slice(bare.lastIndexOf('/') + 1)
  return mirrorFilter(options).isExcluded(bare, isDirectory ? directory(name) : file(name))
}

describe('a glob', () => {
  test.each<[string, string[], string[]]>([
    // the glob, what it matches, what it does not; directories end in a slash
    ['*.tmp', ['a.tmp', 'deep/in/a.tmp', '.tmp', 'dir.tmp/'], ['a.tmp.gz', 'a.tmp/b', 'A.TMP']],
    ['.git', ['.git/', 'sub/.git/', '.git'], ['.gitignore', '.git/config']],
    ['docs/*.md', ['docs/a.md', 'docs/.md'], ['sub/docs/a.md', 'docs/sub/a.md', 'a.md']],
    ['/todo.txt', ['todo.txt'], ['sub/todo.txt']],
    ['/cache/', ['cache/'], ['cache', 'sub/cache/']],
    ['cache/', ['cache/', 'sub/cache/'], ['cache', 'sub/cache']],
    ['docs/**', ['docs/a', 'docs/.b/c', 'docs/sub/', 'docs/a\nb/c'], ['docs/', 'docs', 'sub/docs/a']],
    ['**/logs/*', ['logs/a', 'a/logs/b', 'a/b/logs/c/'], ['logs/', 'logs/a/b', 'blogs/a']],
    ['**', ['a', 'a/b/c', '.a'], []],
    ['a/**/z', ['a/z', 'a/b/z', 'a/.b/c/z', 'a/b\nc/z'], ['z', 'b/a/z']],
    ['*', ['a', '.a', 'a/b', 'a\nb'], []],
    ['a?c', ['abc', 'sub/a.c'], ['ac', 'abbc']],
    ['[a-c]x', ['bx'], ['dx', 'Bx']],
    ['{one,two}.txt', ['one.txt', 'sub/two.txt'], ['three.txt']],
    ['!(keep)', ['lose'], ['keep']],
    ['!a', ['!a'], ['a', 'b']],
    ['a\\*', ['a*'], ['ab']],
  ])('%s', (glob, matching, others) => {
    const excluded = [...matching, ...others].filter((path) => isExcluded({ exclude: [glob] }, path))
    expect(excluded).toEqual(matching)
  })

  test('matches names of any length and kind', () => {
    expect(isExcluded({ exclude: ['*.log'] }, `${'é'.repeat(5_000)}.log`)).toBe(true)
    expect(isExcluded({ exclude: ['constructor'] }, 'constructor')).toBe(true)
  })
})

describe('include and exclude', () => {
  test('with neither nothing is left out, nor by empty arrays', () => {
    expect(isExcluded({}, 'a')).toBe(false)
    expect(isExcluded({ include: [], exclude: [] }, 'a')).toBe(false)
  })

  test('files that match no include are left out, directories are not', () => {
    const options = { include: ['*.txt', 'data/**'] }
    expect(isExcluded(options, 'a.txt')).toBe(false)
    expect(isExcluded(options, 'data/a/b.bin')).toBe(false)
    expect(isExcluded(options, 'a.bin')).toBe(true)
    expect(isExcluded(options, 'anything/')).toBe(false)
    expect(mirrorFilter(options).isExcluded('l', link('l', 'a.txt'))).toBe(true)
  })

  test('exclude wins', () => {
    const options = { include: ['*.txt'], exclude: ['secret*'] }
    expect(isExcluded(options, 'secret.txt')).toBe(true)
    expect(isExcluded(options, 'secrets/')).toBe(true)
    expect(isExcluded(options, 'a.txt')).toBe(false)
  })

  test('functions get the path from the root and the entry', () => {
    const seen: unknown[] = []
    const large: MirrorPattern = (path, entry) => {
      seen.push([path, entry.name])
      return (entry.size ?? 0) > 100
    }
    const filter = mirrorFilter({ exclude: [large] })
    expect(filter.isExcluded('sub/a', file('a', { size: 101 }))).toBe(true)
    expect(filter.isExcluded('sub/b', file('b', { size: 100 }))).toBe(false)
    expect(seen).toEqual([
      ['sub/a', 'a'],
      ['sub/b', 'b'],
    ])
  })

  test.each<[object, typeof TypeError | typeof RangeError, RegExp]>([
    [{ exclude: '*.tmp' }, TypeError, /"exclude" is '\*\.tmp'; it must be an array of globs and functions/],
    [{ include: {} }, TypeError, /"include" is {}/],
    [{ exclude: ['a', 7] }, TypeError, /"exclude\[1\]" is 7; it must be a glob or a function/],
    [{ exclude: [''] }, RangeError, /"exclude\[0\]" is ''; it must be a glob that can be read/],
    [{ exclude: ['/'] }, RangeError, /"exclude\[0\]" is '\/'/],
    [{ include: ['[z-a]'] }, RangeError, /"include\[0\]" is '\[z-a\]'/],
    [{ include: ['src/'] }, RangeError, /"include\[0\]" is 'src\/'.*"src\/\*\*" for what is below/],
  ])('%o is refused', (options, type, message) => {
    expect(() => mirrorFilter(options)).toThrow(type)
    expect(() => mirrorFilter(options)).toThrow(message)
  })
})
