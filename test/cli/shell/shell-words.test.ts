/** What is typed in the shell, and what Tab makes of it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { complete, type CompletionSources } from '../../../src/cli/shell/complete.ts'
import { withLine } from '../../../src/cli/shell/history.ts'
import { findVerb } from '../../../src/cli/shell/verbs.ts'
import { typed, wordsOf } from '../../../src/cli/shell/words.ts'

function words(line: string): string[] {
  return wordsOf(line).map(({ text }) => text)
}

describe('words', () => {
  it.each([
    ['get  a.txt b', ['get', 'a.txt', 'b']],
    ['get "a b" c\\ d', ['get', 'a b', 'c d']],
    [`get 'a "b"' x"y z"`, ['get', 'a "b"', 'xy z']],
    ['get "open', ['get', 'open']],
    ['  ', []],
  ])('of %s', (line, expected) => expect(words(line)).toEqual(expected))

  it('are read as they were typed', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(words(typed(text))).toEqual([text])
      }),
    )
  })
})

describe('completion', () => {
  const asked: string[] = []
  const sources: CompletionSources = {
    verbs: ['get', 'put', 'pwd'],
    isLocal: (verb) => verb === 'put',
    remoteNames: (directory) => {
      asked.push(directory)
      return Promise.resolve(['a file.txt', 'alpha/', 'b'])
    },
    localNames: () => Promise.resolve(['local.txt']),
  }

  it.each([
    ['', [['get ', 'put ', 'pwd '], '']],
    ['P', [['put ', 'pwd '], 'P']],
    ['get ', [['a\\ file.txt', 'alpha/', 'b'], '']],
    ['get b', [['b '], 'b']],
    ['get a\\ f', [['a\\ file.txt '], 'a\\ f']],
    ['get "a', [['a\\ file.txt', 'alpha/'], '"a']],
    ['get pub/al', [['pub/alpha/'], 'pub/al']],
    ['PUT l', [['local.txt '], 'l']],
    ['get x', [[], 'x']],
  ])('of "%s"', async (line, expected) => expect(await complete(line, sources)).toEqual(expected))

  it('asks for the directory that has been typed', () => expect(asked).toContain('pub/'))
})

describe('the shell', () => {
  it.each(['CONNECT', 'List', 'RETRIEVE', 'store', 'QUIT', 'ls', 'cd', 'get', 'put', 'mkdir', 'rm', 'pwd'])(
    'knows %s',
    (name) => expect(findVerb(name).help).not.toBe(''),
  )

  it('says what to do about a command that it does not know', () => {
    expect(() => findVerb('retreive')).toThrow('help lists them')
  })

  it('keeps no line with a password', () => {
    for (const login of [
      'ftp://u:secret@host/',
      'u:secret@host',
      '"ftp://u:my secret@host"',
      'ftp://u:s/t@host',
    ])
      expect(withLine(['a'], `connect ${login}`)).toEqual(['a'])
    expect(withLine(['a'], 'connect ftp://u@host/')).toEqual(['connect ftp://u@host/', 'a'])
    expect(withLine(['a'], 'a')).toEqual(['a'])
  })
})
