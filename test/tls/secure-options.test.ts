import { createSecureContext } from 'node:tls'
import { beforeAll, describe, expect, test } from 'vitest'
import { identityOptions, secureIdentity } from '../../src/tls/secure-options.ts'
import { certificate } from '../support/certificates.ts'

let ca: string

beforeAll(async () => {
  ca = (await certificate()).ca
})

describe('secureIdentity', () => {
  test.each([
    ['ftp.example.org', 'ftp.example.org'],
    ['192.0.2.1', undefined],
    ['::1', undefined],
    ['2001:db8::1', undefined],
  ])('host %s: the server name is %s, since SNI carries names only', (host, servername) => {
    expect(secureIdentity({}, host).servername).toBe(servername)
    expect(identityOptions(secureIdentity({}, host))).toMatchObject({ host })
    expect('servername' in identityOptions(secureIdentity({}, host))).toBe(servername !== undefined)
  })

  test('a server name that is given counts, for an address too', () => {
    for (const host of ['192.0.2.1', 'other.example']) {
      const options = identityOptions(secureIdentity({ servername: 'ftp.example.org' }, host))
      expect(options).toMatchObject({ host, servername: 'ftp.example.org' })
    }
  })

  test('never changes what it is given', () => {
    const lookup = (): void => undefined
    const options = {
      ca,
      host: 'a',
      port: 1,
      session: Buffer.from('s'),
      timeout: 5,
      lookup,
      minVersion: 'TLSv1.2',
    } as const
    const before = { ...options }
    secureIdentity(Object.freeze(options), 'ftp.example.org')
    expect(options).toEqual(before)
  })

  test('keeps what holds for every connection, and drops what belongs to one', () => {
    const checkServerIdentity = (): undefined => undefined
    const oneConnection = {
      host: 'elsewhere',
      port: 1,
      path: '/socket',
      session: Buffer.from('s'),
      timeout: 5,
      lookup: () => undefined,
      onread: {},
      socket: {},
    }
    const shared = { ca, checkServerIdentity, rejectUnauthorized: false, ALPNProtocols: ['ftp'] }
    const options = identityOptions(
      secureIdentity({ ...oneConnection, ...shared } as never, 'ftp.example.org'),
    )
    expect(options).toMatchObject({ ...shared, host: 'ftp.example.org' })
    const dropped = Object.keys(oneConnection).filter((name) => name !== 'host')
    expect(Object.keys(options).filter((name) => dropped.includes(name))).toEqual([])
  })

  test('what is undefined is not given: it would take the place of a default', () => {
    const options = identityOptions(secureIdentity({ checkServerIdentity: undefined, ca: undefined }, '::1'))
    expect(Object.keys(options)).not.toContain('ca')
    expect(options.checkServerIdentity).toBeTypeOf('function')
  })

  test('is the same for both channels, with one secure context', () => {
    const identity = secureIdentity({ ca }, 'localhost')
    expect(identityOptions(identity)).toEqual(identityOptions(identity))
    expect(identityOptions(identity).secureContext).toBe(identity.secureContext)
  })

  test("takes the caller's own secure context", () => {
    const secureContext = createSecureContext({ ca })
    expect(secureIdentity({ secureContext }, 'localhost').secureContext).toBe(secureContext)
  })

  test('verification is on unless it is switched off', () => {
    expect(identityOptions(secureIdentity({}, 'localhost')).rejectUnauthorized).not.toBe(false)
  })
})
