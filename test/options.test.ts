import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { clientSettings, DEFAULTS, optionsWithUrl, readUrl, type FtpClientOptions } from '../src/options.ts'

const SECRET = 'hunter2-secret'
const settingsOf = (options: object): ReturnType<typeof clientSettings> =>
  clientSettings({ host: 'ftp.example.org', ...options })

/** The settings of a client that is given a URL and options. */
const withUrl = (url: string, options: FtpClientOptions = {}): ReturnType<typeof clientSettings> =>
  clientSettings(optionsWithUrl(options, readUrl(url)))

function thrownBy(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('a bad value: an error with the name, the value and what is allowed', () => {
  test.each([
    [{ port: 0 }, RangeError, /"port" is 0.*1 to 65535/],
    [{ port: 65_536 }, RangeError, /"port" is 65536.*1 to 65535/],
    [{ port: '21' }, TypeError, /"port" is '21'.*1 to 65535/],
    [{ user: '' }, RangeError, /"user" is ''.*not empty/],
    [{ user: 7 }, TypeError, /"user" is 7.*a string/],
    [{ user: 'a\r\nDELE b' }, RangeError, /"user".*CR, LF/],
    [{ account: 7 }, TypeError, /"account".*a string/],
    [{ account: 'a\nb' }, RangeError, /"account" may not hold CR, LF/],
    [{ host: 'h\r\nb' }, TypeError, /"host" must be the name or the address/],
    [{ retry: { minDelay: Infinity } }, RangeError, /"retry\.minDelay" is Infinity/],
    [{ security: 'tls' }, RangeError, /"security" is 'tls'.*'none', 'explicit', 'implicit'/],
    [{ security: true }, TypeError, /"security" is true.*'none', 'explicit', 'implicit'/],
    [{ tls: true }, TypeError, /"tls" must be an object/],
    [{ maxConnections: 0 }, RangeError, /"maxConnections" is 0.*1 to 64/],
    [{ maxConnections: 65 }, RangeError, /"maxConnections" is 65.*1 to 64/],
    [{ maxConnections: 1.5 }, RangeError, /"maxConnections" is 1\.5.*whole number/],
    [{ family: 5 }, RangeError, /"family" is 5.*4, 6/],
    [{ family: '4' }, RangeError, /"family" is '4'.*4, 6/],
    [{ localAddress: 7 }, TypeError, /"localAddress" is 7.*a string/],
    [{ localAddress: 'eth0' }, RangeError, /"localAddress" is 'eth0'.*IP address/],
    [{ timeouts: 5_000 }, TypeError, /"timeouts" is 5000.*an object/],
    [{ timeouts: { reply: 0 } }, RangeError, /"timeouts\.reply" is 0.*above 0, or Infinity/],
    [{ timeouts: { data: -1 } }, RangeError, /"timeouts\.data" is -1/],
    [{ timeouts: { idle: NaN } }, RangeError, /"timeouts\.idle" is NaN/],
    [{ timeouts: { connect: '5s' } }, TypeError, /"timeouts\.connect" is '5s'/],
    [{ mode: 'auto' }, RangeError, /"mode" is 'auto'.*'passive', 'active'/],
    [{ mode: 'active', active: 'here' }, TypeError, /"active" is 'here'.*an object/],
    [{ mode: 'active', active: { address: 1 } }, TypeError, /"active\.address" is 1.*a string/],
    [
      { mode: 'active', active: { address: 'me.example' } },
      RangeError,
      /"active\.address" is 'me\.example'.*IP address/,
    ],
    [{ mode: 'active', active: { ports: 2_000 } }, RangeError, /"active\.ports" is 2000.*\[first, last\]/],
    [
      { mode: 'active', active: { ports: [2_000, 1_999] } },
      RangeError,
      /"active\.ports" is \[ 2000, 1999 \]/,
    ],
    [
      { mode: 'active', active: { ports: [0, 10] } },
      RangeError,
      /"active\.ports" is \[ 0, 10 \].*1 to 65535/,
    ],
    [{ active: { ports: [0, 10] } }, RangeError, /"active\.ports"/],
    [{ passiveHost: 'nat' }, TypeError, /"passiveHost" is 'nat'.*'control', 'server' or a function/],
    [{ retry: 3 }, TypeError, /"retry" is 3.*an object/],
    [{ retry: { attempts: 0 } }, RangeError, /"retry\.attempts" is 0/],
    [{ retry: { minDelay: -1 } }, RangeError, /"retry\.minDelay" is -1/],
    [{ retry: { maxDelay: NaN } }, RangeError, /"retry\.maxDelay" is NaN/],
    [{ retry: { factor: 0.5 } }, RangeError, /"retry\.factor" is 0\.5.*1 to 100/],
    [{ retry: { jitter: 2 } }, RangeError, /"retry\.jitter" is 2.*0 to 1/],
    [{ host: 7 }, TypeError, /"host" must be the name or the address/],
    [{ host: '' }, TypeError, /"host" must be the name or the address/],
    [{ host: undefined }, TypeError, /"host" is missing/],
  ])('%o', (options, kind, message) => {
    const error = thrownBy(() => settingsOf(options))
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toMatch(message)
  })

  test.each([
    ['a URL', `ftp://bob:${SECRET}@ftp.example.org`],
    ['a URL with a path', `ftp://bob:${SECRET}@ftp.example.org/pub`],
    ['a URL object', new URL(`ftp://bob:${SECRET}@h/`)],
    ['login and host', `bob:${SECRET}@ftp.example.org`],
    ['login and IPv6 address', `bob:${SECRET}@[::1]`],
    ['a path behind the host', `ftp.example.org/${SECRET}`],
    ['a query', `ftp.example.org?password=${SECRET}`],
    ['a blank', `ftp.example.org ${SECRET}`],
    ['a line end', `ftp.example.org\r\nPASS ${SECRET}`],
    ['a list', [`bob:${SECRET}@h`]],
  ])('a host that is more than one (%s) is refused, and not shown', (_what, host) => {
    const error = thrownBy(() => settingsOf({ host }))
    expect([TypeError, RangeError]).toContain(error.constructor)
    expect(error.message).toMatch(/"host"/)
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(SECRET)
  })

  test.each([
    ['FTP.Example.ORG', 'ftp.example.org'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['::1', '::1'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['192.0.2.1', '192.0.2.1'],
  ])('a host is read as in a URL: %s', (host, read) => {
    expect(settingsOf({ host }).session.host).toBe(read)
    expect(
      withUrl(`ftp://${host.includes('::') && !host.startsWith('[') ? `[${host}]` : host}/`).session.host,
    ).toBe(read)
  })

  test.each([
    ['text', `-----BEGIN PRIVATE KEY-----\n${SECRET}\n`],
    ['a list', [`-----BEGIN PRIVATE KEY-----\n${SECRET}\n`]],
    ['its `key` in the wrong form', { key: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n` }],
    ['its `pfx` in the wrong form', { pfx: SECRET, passphrase: SECRET }],
  ])('a key in the place of the TLS options (%s) is refused, and not shown', (_what, tls) => {
    const error = thrownBy(() => settingsOf({ tls }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/"tls"/)
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(SECRET)
  })

  test('TLS material that cannot be read: the option is named', () => {
    const error = thrownBy(() => settingsOf({ tls: { ca: 'not a certificate', cert: 'nor this' } }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/"tls"/)
  })

  test.each([[{ password: 7 }], [{ password: null }], [{ password: [SECRET] }]])(
    'a password of another type is named and not shown: %#',
    (options) => {
      const error = thrownBy(() => settingsOf(options))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/"password" must be a string or a function/)
      expect(inspect(error)).not.toContain(SECRET)
    },
  )

  test('a password with a line break is refused before any connection, and not shown', () => {
    const error = thrownBy(() => settingsOf({ password: `${SECRET}\r\nDELE a` }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toMatch(/"password".*CR, LF/)
    expect(inspect(error)).not.toContain(SECRET)
  })

  test('a password function that gives something else', async () => {
    const { session } = settingsOf({ password: () => [SECRET] })
    const error: unknown = await session.password().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    expect(inspect(error)).not.toContain(SECRET)
  })

  test('options that are no object', () => {
    for (const options of [null, [], 'ftp.example.org', 21]) {
      expect(() => clientSettings(options as unknown as FtpClientOptions)).toThrow(/"options" is /)
    }
  })
})

describe('clientSettings', () => {
  test('with only a host: protected, and the documented defaults', () => {
    const { session, ...rest } = settingsOf({})
    expect(session).toMatchObject({
      host: 'ftp.example.org',
      port: 21,
      label: 'ftp.example.org:21',
      user: 'anonymous',
      account: undefined,
      security: 'explicit',
      family: 0,
      localAddress: undefined,
      timeouts: DEFAULTS.timeouts,
      dataMode: { is: 'passive' },
      passiveHost: 'control',
    })
    expect(session.identity?.host).toBe('ftp.example.org')
    expect(rest).toEqual({
      maxConnections: 8,
      bytesPerSecond: Infinity,
      timeZone: 'UTC',
      prepareSession: undefined,
      rotateAfter: Infinity,
      retry: DEFAULTS.retry,
    })
  })

  test.each([
    ['none', 21, false],
    ['explicit', 21, true],
    ['implicit', 990, true],
  ] as const)('security %s: port %i', (security, port, isProtected) => {
    const { session } = settingsOf({ security })
    expect(session.port).toBe(port)
    expect(session.identity !== undefined).toBe(isProtected)
  })

  test('an IPv6 address stands in brackets where a port follows', () => {
    expect(settingsOf({ host: '2001:db8::1' }).session.label).toBe('[2001:db8::1]:21')
  })

  test('the edges of what is allowed', () => {
    const given = {
      port: 65_535,
      maxConnections: 64,
      timeouts: { data: Infinity, reply: 0.5 },
      retry: { attempts: 1, minDelay: 0, factor: 1, jitter: 0 },
      mode: 'active',
      active: { ports: [1, 65_535] },
    }
    expect(settingsOf(given)).toMatchObject({
      maxConnections: 64,
      session: {
        port: 65_535,
        timeouts: { data: Infinity, reply: 0.5, idle: 30_000 },
        dataMode: { ports: [1, 65_535] },
      },
      retry: { attempts: 1, minDelay: 0, maxDelay: 30_000 },
    })
  })

  test('the password: given, asked for anew at each login, or none', async () => {
    let asked = 0
    const passwords = [SECRET, () => `${++asked}`, async () => `${++asked}`, undefined]
    const given = await Promise.all(passwords.map((password) => settingsOf({ password }).session.password()))
    expect(given).toEqual([SECRET, '1', '2', undefined])
  })

  test('inspected or serialised, the settings do not show the password', () => {
    const settings = settingsOf({ password: SECRET })
    expect(inspect(settings, { depth: 10, showHidden: true })).not.toContain(SECRET)
  })

  test('are frozen, and no longer the business of who gave them', () => {
    const ports: [number, number] = [2_000, 2_010]
    const given = { timeouts: { reply: 5 }, retry: { attempts: 3 }, mode: 'active', active: { ports } }
    const settings = settingsOf(given)
    given.timeouts.reply = 6
    given.retry.attempts = 7
    ports[1] = 9_999
    expect(settings).toMatchObject({
      session: { timeouts: { reply: 5 }, dataMode: { ports: [2_000, 2_010] } },
      retry: { attempts: 3 },
    })
    const parts = [
      settings,
      settings.session,
      settings.session.timeouts,
      settings.session.dataMode,
      settings.retry,
    ]
    expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true))
  })

  test('DEFAULTS cannot be changed', () => {
    const parts = [DEFAULTS, DEFAULTS.timeouts, DEFAULTS.retry, DEFAULTS.download]
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true)
  })
})

describe('a URL and options', () => {
  test('the URL says where, who and how', async () => {
    const { session } = withUrl('ftps://alice:pw@ftp.example.org:2121/')
    expect(session).toMatchObject({
      host: 'ftp.example.org',
      port: 2_121,
      user: 'alice',
      security: 'implicit',
    })
    expect(await session.password()).toBe('pw')
  })

  test('what the options say goes first', async () => {
    const options = {
      host: 'other.example',
      port: 2_000,
      user: 'bob',
      password: 'pw2',
      security: 'none',
    } as const
    const { session } = withUrl('ftps://alice:pw@ftp.example.org:2121/', options)
    expect(session).toMatchObject({ host: 'other.example', port: 2_000, user: 'bob', security: 'none' })
    expect(await session.password()).toBe('pw2')
  })

  test.each([
    ['ftp://h/', 'implicit', 990],
    ['ftp://h/', 'explicit', 21],
    ['ftps://h/', 'none', 21],
    ['ftp://h:2121/', 'implicit', 2_121],
    ['ftp://h:21/', 'implicit', 21],
    ['ftps://h:990/', 'explicit', 990],
  ] as const)('%s with security %s: port %i, since one that is written stays', (url, security, port) => {
    expect(withUrl(url, { security }).session.port).toBe(port)
  })

  test('the password of a URL goes to no other host or user than its own', async () => {
    const passwordOf = (url: string, options: FtpClientOptions): Promise<string | undefined> =>
      withUrl(url, options).session.password()
    expect(await passwordOf('ftp://alice:pw@h/', { user: 'bob' })).toBeUndefined()
    expect(await passwordOf('ftp://alice:pw@h/', { host: 'other.example' })).toBeUndefined()
    expect(await passwordOf('ftp://alice:pw@h/', { user: 'alice', host: 'h', port: 2_121 })).toBe('pw')
    expect(await passwordOf('ftp://alice@h/', { password: 'pw2' })).toBe('pw2')
  })

  test('a bad URL is not shown', () => {
    for (const url of [
      `ftp://alice:${SECRET}@h:port/`,
      `sftp://alice:${SECRET}@h/`,
      `ftp://a:${SECRET}@b@h/`,
    ]) {
      const error = thrownBy(() => readUrl(url))
      expect(error).toBeInstanceOf(TypeError)
      expect(inspect(error)).not.toContain(SECRET)
    }
    expect(() => readUrl(7 as unknown as string)).toThrow('must be a string or a URL')
  })
})
