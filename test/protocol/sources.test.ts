/** A list of mirrors, as people write it. */
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSources } from '../../src/protocol/sources.ts'
import { parseFtpUrl } from '../../src/protocol/url.ts'

describe('what is read', () => {
  it('one URL a line, of every scheme, with ports, passwords and escapes, in their order', () => {
    const urls = [
      'ftp://a.example.org/pub/x.iso',
      'ftpes://user:p%40ss@b.example.org:2121/x%20y.iso',
      'FTPS://[2001:db8::1]:990//abs/x.iso;type=i',
      'ftp://c.example.org/%2Fx.iso',
    ]
    expect(parseSources(urls.join('\n'))).toEqual(urls)
  })

  it.each([
    ['# all of it\nftp://h/x', 'ftp://h/x'],
    ['   # behind blanks\nftp://h/x', 'ftp://h/x'],
    ['ftp://h/x # near', 'ftp://h/x'],
    ['ftp://h/x\t#near', 'ftp://h/x'],
    ['ftp://h/x #1 #2', 'ftp://h/x'],
    ['#\nftp://h/x\n#ftp://other/x', 'ftp://h/x'],
    ['ftp://h/a#b', 'ftp://h/a#b'],
    ['ftp://h/a#b#c # not d#e', 'ftp://h/a#b#c'],
    ['ftp://h/#', 'ftp://h/#'],
    ['ftp://h/a%20#b', 'ftp://h/a%20#b'],
    ['ftp://h/a?b#c', 'ftp://h/a?b#c'],
    ['ftp://h/two words', 'ftp://h/two words'],
  ])('comments: %j', (text, url) => {
    expect(parseSources(text)).toEqual([url])
  })

  it.each([
    '\uFEFFftp://a/x\r\nftp://b/x\r\n',
    '\uFEFF# with a mark\nftp://a/x\n\n\nftp://b/x',
    '\r\n \t ftp://a/x \t \r\n\t\r\n  ftp://b/x',
    'ftp://a/x\rftp://b/x\r',
    '\n\uFEFF\nftp://a/x\n\uFEFFftp://b/x\u00A0',
  ])('line ends, blanks, byte order marks: %j', (text) => {
    expect(parseSources(text)).toEqual(['ftp://a/x', 'ftp://b/x'])
  })

  it('the same source twice is one, as it was written first', () => {
    const same = [
      'ftp://H.example/a%62c',
      'ftp://h.example/abc',
      'FTP://h.example:21/abc',
      'ftp://h.example/ab%63 # again',
    ]
    expect(parseSources(same.join('\n'))).toEqual([same[0]])
  })

  it.each([
    ['ftp://h/x', 'ftp://h/X'],
    ['ftp://h/x', 'ftpes://h/x'],
    ['ftp://h/x', 'ftp://h//x'],
    ['ftp://h/x', 'ftp://h:2121/x'],
    ['ftp://u@h/x', 'ftp://v@h/x'],
    ['ftp://u:p@h/x', 'ftp://u:q@h/x'],
    ['ftp://u@h/x', 'ftp://u:@h/x'],
    ['ftp://h/x', 'ftp://h/x;type=a'],
  ])('%s and %s are two', (one, other) => {
    expect(parseSources(`${one}\n${other}\n${one}`)).toEqual([one, other])
  })

  it('whatever is around them, the URLs come out', () => {
    const url = fc
      .tuple(
        fc.constantFrom('ftp', 'ftpes', 'ftps'),
        fc.nat(9_999),
        fc.string({ unit: 'grapheme', maxLength: 12 }),
      )
      .map(([scheme, host, name]) => `${scheme}://h${host}.example/${encodeURIComponent(name)}#`)
    const noise = fc.constantFrom('', ' ', '\t', '# c', '  # ftp://not/this', '\uFEFF')
    const tail = fc.constantFrom('', ' ', ' # c', '\t#', ' #ftp://not/this')
    const end = fc.constantFrom('\n', '\r\n', '\r')
    const lines = fc.array(fc.tuple(url, noise, tail, end), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(lines, (all) => {
        const text = all.map(([line, before, after, eol]) => `${before}${eol} ${line}${after}${eol}`).join('')
        const sources = parseSources(text)
        expect(sources).toEqual([...new Set(all.map(([line]) => line))])
        for (const source of sources) parseFtpUrl(source)
      }),
    )
  })
})

describe('what is refused', () => {
  it.each([
    ['ftp://a/x\r\n\r\n# c\r\nwww.example.org/x', /^Line 4 of the sources is no URL: .*begin with a scheme/],
    ['ftp://a/x\rnonsense', /^Line 2 /],
    [
      'sftp://a/x',
      /^Line 1 of the sources is no URL: The scheme sftp: is not supported; supported are ftp: /,
    ],
    ['\nhttp://a/x', /^Line 2 .* scheme http: /],
    ['ftp://', /^Line 1 .*needs a host/],
    ['ftp://h:0/x', /^Line 1 .*port/],
    ['ftp://h/%zz', /^Line 1 .*%25/],
    ['ftp://a/x ftp://b/x', /^Line 1 of the sources holds more than one URL/],
    ['ftp://a/x\tFTPES://b/x', /^Line 1 of the sources holds more than one URL/],
  ])('%j', (text, message) => {
    expect(() => parseSources(text)).toThrow(TypeError)
    expect(() => parseSources(text)).toThrow(message)
  })

  it.each(['', '\n\n', '\uFEFF', '# only this', ' \r\n#\r\n'])('no URL at all: %j', (text) => {
    expect(() => parseSources(text)).toThrow(new TypeError('The list of sources has no URL in it'))
  })

  it.each([undefined, null, 1, ['ftp://h/x'], Buffer.from('ftp://h/x')])('no text: %j', (value) => {
    expect(() => parseSources(value as unknown as string)).toThrow(/has to be a string/)
  })

  it.each([
    'ftp://u:hunter2@x@h/x',
    'ftp://u:hunter2/x@h/x',
    'ftp://u:hunter2#x@h/x',
    'ftp://u:hunter2 #x@h/x',
    'ftp://u:hunter2 x',
    'sftp://u:hunter2@h/x',
    'u:hunter2@h/x',
    'ftp://u:hunter2@h/x ftp://u:hunter2@g/x',
    'ftp://u:hunter2@h/%',
    'ftp://u:hunter2%@h/x',
  ])('%j: the error holds nothing of the password', (line) => {
    let error: unknown
    try {
      parseSources(line)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(TypeError)
    expect(inspect(error, { depth: 10, showHidden: true }).replace(/\n +at .*/g, '')).not.toContain('hunter2')
  })
})

it('a long line costs no more than its length', () => {
  const blanks = ' '.repeat(200_000)
  expect(parseSources(`ftp://h/x${blanks}# c`)).toEqual(['ftp://h/x'])
  expect(parseSources(`ftp://h/x${' a'.repeat(200_000)}`)).toHaveLength(1)
})
