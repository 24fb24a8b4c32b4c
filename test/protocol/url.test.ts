import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeFtpUrl, parseFtpUrl } from '../../src/protocol/url.ts'
import type { FtpUrl } from '../../src/protocol/url.ts'
import { bytesOf } from './support.ts'

const pathOf = (text: string): string => Buffer.from(parseFtpUrl(text).path).toString('latin1')

describe('schemes', () => {
  it.each([
    ['ftp://h/', 'ftp', 'none', 21],
    ['ftpes://h/', 'ftpes', 'explicit', 21],
    ['FTPS://h/', 'ftps', 'implicit', 990],
    ['ftps://h:21/', 'ftps', 'implicit', 21],
    ['ftp://h:', 'ftp', 'none', 21],
  ])('%s', (text, scheme, security, port) => {
    expect(parseFtpUrl(text)).toMatchObject({ scheme, security, port, host: 'h' })
  })

  it.each(['sftp://h/', 'http://h/', 'h/x', 'ftp:h', 'ftp:/h', '//h/x', '', 'toString://h'])('%j', (text) => {
    expect(() => parseFtpUrl(text)).toThrow(/supported are ftp: .* ftpes: .* ftps: /)
  })

  it('names the one it does not know', () => {
    expect(() => parseFtpUrl('SFTP://u:hunter2@h/')).toThrow(/^The scheme sftp: is not supported/)
  })
})

describe('credentials', () => {
  it.each([
    ['ftp://h', undefined, undefined],
    ['ftp://@h', undefined, undefined],
    ['ftp://user@h', 'user', undefined],
    ['ftp://user:@h', 'user', ''],
    ['ftp://user:a:b@h', 'user', 'a:b'],
    ['ftp://me%40x.org:p%40%3a%2F%C3%BC@h', 'me@x.org', 'p@:/ü'],
    ['ftp://CORP\\user:pä ß@h', 'CORP\\user', 'pä ß'],
    ['ftp://u%3Ap@h', 'u:p', undefined],
  ])('%s', (text, user, password) => {
    const url = parseFtpUrl(text)
    expect([url.user, url.password, url.host]).toEqual([user, password, 'h'])
  })

  it.each([
    'ftp://u:hun@ter2@h/x',
    'ftp://u:hun#ter2@h/x',
    'ftp://u:hun?ter2@h/x',
    'ftp://h?x=a@b',
    'ftp://u:hun/ter2@h/x',
  ])('%s: percent-encode the password', (text) => {
    expect(() => parseFtpUrl(text)).toThrow(/percent-encode the password/)
  })
})

describe('hosts', () => {
  it.each([
    ['FTP.Example.ORG', 'ftp.example.org'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['b%C3%BCcher.example', 'xn--bcher-kva.example'],
    ['exa_mple', 'exa_mple'],
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:DB8:0::1]', '2001:db8::1'],
    ['[fe80::1%25eth0]', 'fe80::1%eth0'],
    ['[fe80::1%eth0]', 'fe80::1%eth0'],
  ])('%s is %s, with a port and without', (written, host) => {
    expect(parseFtpUrl(`ftps://u:p@${written}/x`)).toMatchObject({ host, port: 990 })
    expect(parseFtpUrl(`ftp://${written}:2121`)).toMatchObject({ host, port: 2121 })
  })

  it.each(
    [
      '',
      'u@',
      'u:p@',
      ':21',
      'a b',
      'a\tb',
      'a|b',
      'a<b',
      'a\\b',
      'a%2Fb',
      'a%40b',
      'a%00b',
      'a%zz',
      'a%',
      'a%FF',
    ].concat(
      [
        'h?x',
        'h#x',
        '[::1',
        '[::g]',
        '[1::2::3]',
        '[::1]x',
        '::1',
        '[::1%25e/0]',
        '[192.0.2.7]',
        '1.2.3.4.5',
        'a／b',
      ],
      ['h:0', 'h:65536', 'h:-1', 'h:1.5', 'h:x', 'h:21:21', 'h: 21', 'h:000021'],
    ),
  )('ftp://%s/ is refused', (authority) => {
    expect(() => parseFtpUrl(`ftp://${authority}/`)).toThrow(TypeError)
  })
})

describe('paths', () => {
  it.each([
    ['ftp://h', ''],
    ['ftp://h/', ''],
    ['ftp://h/a/b', 'a/b'],
    ['ftp://h//a', '/a'],
    ['ftp://h/%2Fa', '/a'],
    ['ftp://h/%2fa', '/a'],
    ['ftp://h//', '/'],
    ['ftp://h/a?b#c', 'a?b#c'],
    ['ftp://h/a@b:c', 'a@b:c'],
    ['ftp://h/../a/./%2e%2E/b', '../a/./../b'],
    ['ftp://h/a\\b', 'a\\b'],
    ['ftp://h/a b', 'a b'],
    ['ftp://h/a//b/', 'a//b/'],
    ['ftp://h/100%25', '100%'],
    ['ftp://h/gr%FC%DFe', 'gr\xfc\xdfe'],
    ['ftp://h/é', '\xc3\xa9'],
    ['ftp://h/a%3Btype=a', 'a;type=a'],
    ['ftp://h/a;type=a/b', 'a;type=a/b'],
    ['ftp://h/a;b', 'a;b'],
  ])('%s', (text, path) => {
    expect(pathOf(text)).toBe(path)
    expect(parseFtpUrl(text).type).toBeUndefined()
    expect(parseFtpUrl(text).directory).toBe(path === '' || path.endsWith('/'))
  })

  it.each([
    ['ftp://h/a;type=a', 'a', 'ascii'],
    ['ftp://h/a;TYPE=I', 'a', 'binary'],
    ['ftp://h/;type=i', '', 'binary'],
    ['ftp://h/a;type=a;type=i', 'a;type=a', 'binary'],
  ])('%s', (text, path, type) => {
    expect([pathOf(text), parseFtpUrl(text).type]).toEqual([path, type])
  })

  it.each([
    'a;type=d',
    'a;type=',
    'a;type=x',
    'a;type=ai',
    'a%',
    'a%zz',
    'a%2',
    'a%0',
    '%00',
    'a%0Db',
    'a%0a',
  ])('ftp://h/%s is refused', (path) => {
    expect(() => parseFtpUrl(`ftp://h/${path}`)).toThrow(TypeError)
  })

  it.each([
    'ftp://h/a\r\nDELE b',
    'ftp://h/a\0',
    'ftp://u\n@h',
    'ftp://u:%0A@h',
    'ftp://h/\ud800',
    ' ftp://h',
    'ftp://h/a ',
  ])('%j is refused', (text) => {
    expect(() => parseFtpUrl(text)).toThrow(TypeError)
  })

  it('refuses what is no string', () => {
    expect(() => parseFtpUrl(new URL('ftp://h/') as unknown as string)).toThrow(TypeError)
  })
})

describe('secrets', () => {
  it('a parsed URL shows its password in no way, and its copy still has it', () => {
    const url = parseFtpUrl('ftp://user:hunter2@h/a')
    const shown =
      inspect(url) + inspect({ url }, { showHidden: true }) + JSON.stringify({ url }) + describeFtpUrl(url)
    expect(shown).toContain('ftp://h/a')
    expect(shown).not.toMatch(/hunter2|user/)
    expect({ ...url }.password).toBe('hunter2')
  })

  it('no error shows anything of the URL but its scheme', () => {
    // Behind `.5` a host is taken for an IPv4 address, so that the platform's parser refuses it.
    const special = fc.constantFrom(
      '.5',
      '@',
      ':',
      '/',
      '#',
      '?',
      '%',
      '[',
      ']',
      '\n',
      '\0',
      ' ',
      ';type=',
      '%0A',
      '|',
      '\ud800',
    )
    const scheme = fc.constantFrom('ftp://', 'ftps://', 'sftp://', '', 'ftp:')
    const text = fc.array(fc.oneof(special, fc.constant('Hunter2')), { maxLength: 12 })
    fc.assert(
      fc.property(scheme, text, (start, pieces) => {
        try {
          parseFtpUrl(start + pieces.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          expect(inspect(error, { showHidden: true })).not.toMatch(/hunter2/i)
          expect(error).not.toHaveProperty('cause')
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('round trips', () => {
  const percentEncode = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const nameByte = fc.nat(255).filter((byte) => ![0, 10, 13].includes(byte))
  const name = fc.array(nameByte, { maxLength: 20 }).map((bytes) => Uint8Array.from(bytes))
  const secret = fc.string({ unit: 'grapheme' }).filter((text) => !/[\0\r\n]/.test(text))
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  )

  it('whatever is percent-encoded arrives', () => {
    fc.assert(
      fc.property(secret, secret, name, (user, password, path) => {
        const authority = `${percentEncode(bytesOf(user))}:${percentEncode(bytesOf(password))}@h`
        const url = parseFtpUrl(`ftpes://${authority}/${percentEncode(path)}`)
        expect([url.user, url.password, [...url.path]]).toEqual([user || undefined, password, [...path]])
      }),
    )
  })

  it('a URL described and parsed again is the same place', () => {
    const scheme = fc.constantFrom('ftp', 'ftpes', 'ftps')
    const port = fc.option(fc.integer({ min: 1, max: 65535 }))
    const type = fc.constantFrom('', ';type=a', ';type=i')
    fc.assert(
      fc.property(scheme, host, port, name, type, (written, where, number, path, suffix) => {
        const authority = number === null ? where : `${where}:${number}`
        const url = parseFtpUrl(`${written}://u:p@${authority}/${percentEncode(path)}${suffix}`)
        const place: FtpUrl = { ...url, user: undefined, password: undefined }
        expect({ ...parseFtpUrl(describeFtpUrl(url)) }).toEqual(place)
        expect(describeFtpUrl(url)).toMatch(/^[!-~]+$/)
      }),
    )
  })

  it('never makes a type of a name', () => {
    expect(describeFtpUrl(parseFtpUrl('ftp://h/a%3Btype=a'))).toBe('ftp://h/a%3Btype=a')
  })

  it('keeps the zone of an address', () => {
    expect(describeFtpUrl(parseFtpUrl('ftp://[fe80::1%25eth0]:2121/a'))).toBe('ftp://[fe80::1%25eth0]:2121/a')
  })
})
