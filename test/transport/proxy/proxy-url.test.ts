/** The URLs of proxies: what they mean, and that none shows. */
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ftpProxy, httpProxy, socksProxy } from '../../../src/proxy.ts'
import { readProxyUrl } from '../../../src/transport/proxy/proxy-url.ts'
import { findSecret } from '../../hazards/support/secrets.ts'

const SECRET = 'hunter2-secret'
const PORTS = { socks5: 1080, http: 80 }

test.each([
  ['http://h', { scheme: 'http', host: 'h', port: 80, user: undefined, password: undefined }],
  ['http://h:3128/', { host: 'h', port: 3128 }],
  ['socks5://Bücher.example', { host: 'xn--bcher-kva.example', port: 1080 }],
  ['socks5://[2001:DB8::1]:1', { host: '2001:db8::1', port: 1 }],
  ['socks5://a%40b:c%2Fd%25@h', { user: 'a@b', password: 'c/d%' }],
])('%s', (url, read) => {
  expect(readProxyUrl(url, PORTS)).toMatchObject(read)
})

describe('what is none: TypeError, and it is not shown', () => {
  test.each([
    `socks5://u:${SECRET}@`,
    `socks5://u:${SECRET}@h:99999`,
    `socks5://u:${SECRET}/x@h`,
    `socks5://u:1#${SECRET}@h`,
    `socks5://u:1?${SECRET}@h`,
    `socks5://u:${SECRET}%@h`,
    `socks5://u:${SECRET}@h h`,
    `socks5://u:${SECRET}@h/path`,
    `gopher://u:${SECRET}@h`,
    `u:${SECRET}@h`,
    SECRET,
    '',
  ])('%s', (url) => {
    for (const make of [socksProxy, httpProxy, ftpProxy]) {
      let thrown: unknown
      try {
        make(url)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(TypeError)
      expect(findSecret(thrown, SECRET)).toEqual([])
    }
  })

  test('a password for SOCKS 4; one that is too long; a login that an FTP proxy cannot be sent', () => {
    expect(() => socksProxy('socks4://u:p@h')).toThrow(/SOCKS 4 knows nothing of/)
    expect(() => socksProxy(`socks5://u:${'p'.repeat(256)}@h`)).toThrow(RangeError)
    expect(() => ftpProxy('ftp://u:p%0D%0AQUIT@h')).toThrow(/may not hold CR, LF/)
    expect(() => ftpProxy('ftp://h', { login: 'joined' })).toThrow(/needs a user in the URL/)
    expect(() => ftpProxy('ftp://h', { login: 'proxy' as 'open' })).toThrow(/"login" is 'proxy'.*'open'/)
  })

  test('what is made of them shows nothing either', () => {
    const made = [socksProxy, httpProxy, ftpProxy].map((make, at) =>
      make(`${['socks5', 'https', 'ftp'][at]}://u:${SECRET}@h`),
    )
    expect(findSecret(made, SECRET)).toEqual([])
    expect(inspect(made)).toContain('FtpProxy')
  })
})
