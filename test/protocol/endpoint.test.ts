import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FtpProtocolError } from '../../src/errors.ts'
import {
  chooseDataHost,
  formatExtendedPort,
  formatPort,
  parseAnyPassiveReply,
  parseExtendedPassiveReply,
  parsePassiveReply,
} from '../../src/protocol/endpoint.ts'
import { reply } from './support.ts'

const dataPort = fc.integer({ min: 1024, max: 65535 })
const malformed: unknown = expect.objectContaining({ code: 'ERR_FTP_MALFORMED_REPLY' })
const unsafe: unknown = expect.objectContaining({ code: 'ERR_FTP_UNSAFE_HOST' })

describe('227', () => {
  it.each([
    'Entering Passive Mode (192,0,2,7,4,1).',
    'Entering Passive Mode (192,0,2,7,4,1)',
    'Entering Passive Mode 192,0,2,7,4,1',
    'Entering Passive Mode. 192, 0, 2, 7, 4, 1',
    '=192,0,2,7,4,1',
    'Passive 3 mode (192,0,2,7,4,1), 2 users',
  ])('%s', (text) => {
    expect(parsePassiveReply(reply(227, text))).toEqual({ host: '192.0.2.7', port: 1025 })
  })

  it.each([
    '',
    'Entering Passive Mode',
    '(192,0,2,7,4)',
    '(192,0,2,256,4,1)',
    '(192,0,2,7,256,1)',
    '(192,0,2,7,4,1000)',
    '(192,0,2,7,4,1,9)',
    '(1192,0,2,7,4,1)',
    '(192,0,2,7,0,0)',
    '(-1,0,2,7,4)',
  ])('%s is malformed', (text) => {
    expect(() => parsePassiveReply(reply(227, text))).toThrow(malformed)
  })
})

describe('229', () => {
  it.each([
    'Entering Extended Passive Mode (|||1025|)',
    'Entering Extended Passive Mode |||1025|',
    '(!!!1025!)',
    '($$$1025$)',
    '(|1|192.0.2.7|1025|)',
    '(|2|2001:db8::1|1025|)',
    '(|2|::1|1025|)',
    '(...1025.)',
    '(,,,1025,)',
    'Entering Passive Mode (192,0,2,7,4,1)',
  ])('%s', (text) => {
    expect(parseExtendedPassiveReply(reply(229, text))).toEqual({ port: 1025 })
  })

  it.each([
    '',
    '(|||)',
    '(192,1,2,1025,7)',
    '(||1025|)',
    '(|||0|)',
    '(|||65536|)',
    '(|||102500|)',
    '(|||x|)',
    '(||!1025|)',
  ])('%s is malformed', (text) => {
    expect(() => parseExtendedPassiveReply(reply(229, text))).toThrow(malformed)
  })
})

it('reads what came by its code: some servers answer EPSV with a 227', () => {
  const offered = { host: '192.0.2.7', port: 1025 }
  expect(parseAnyPassiveReply(reply(227, '(192,0,2,7,4,1)'))).toEqual(offered)
  expect(parseAnyPassiveReply(reply(229, '(|||1025|)'))).toEqual({ host: undefined, port: 1025 })
  expect(() => parseAnyPassiveReply(reply(226, '(192,0,2,7,4,1)'))).toThrow(malformed)
})

it('refuses ports of other services', () => {
  expect(() => parsePassiveReply(reply(227, '(192,0,2,7,0,25)'))).toThrow(unsafe)
  expect(() => parsePassiveReply(reply(227, '(192,0,2,7,3,255)'))).toThrow(unsafe)
  expect(() => parseExtendedPassiveReply(reply(229, '(|||1023|)'))).toThrow(unsafe)
  expect(parseExtendedPassiveReply(reply(229, '(|||1024|)'))).toEqual({ port: 1024 })
})

it('any text gives a safe endpoint or an FtpProtocolError', () => {
  const pieces = fc.array(fc.constantFrom('|', '1', '25', '255', '1025', ',', ' ', '(', '!', 'x', '::'))
  fc.assert(
    fc.property(fc.constantFrom(227, 229), pieces, (code, text) => {
      try {
        const { port } = parseAnyPassiveReply(reply(code, text.join('')))
        expect(port >= 1024 && port <= 65535).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(FtpProtocolError)
      }
    }),
  )
})

describe('PORT and EPRT', () => {
  it('write what PASV and EPSV replies are read from', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV6(), dataPort, (v4, v6, port) => {
        expect(parsePassiveReply(reply(227, formatPort(v4, port)))).toEqual({ host: v4, port })
        for (const address of [v4, v6]) {
          expect(parseExtendedPassiveReply(reply(229, formatExtendedPort(address, port)))).toEqual({ port })
        }
      }),
    )
  })

  it('read addresses as sockets tell them', () => {
    expect(formatPort('::ffff:192.0.2.7', 1025)).toBe('192,0,2,7,4,1')
    expect(formatExtendedPort('::ffff:192.0.2.7', 1025)).toBe('|1|192.0.2.7|1025|')
    expect(formatExtendedPort('fe80::1%eth0', 1025)).toBe('|2|fe80::1|1025|')
    expect(formatExtendedPort('::1', 65535)).toBe('|2|::1|65535|')
  })

  it.each(['', 'localhost', '1.2.3', '1.2.3.256', '1.2.3.4\r\n', '1.2.3.4.5'])('refuse %j', (address) => {
    expect(() => formatPort(address, 1025)).toThrow(TypeError)
    expect(() => formatExtendedPort(address, 1025)).toThrow(TypeError)
  })

  it.each([0, 65536, 1.5, NaN])('refuse the port %d', (port) => {
    expect(() => formatPort('192.0.2.7', port)).toThrow(RangeError)
    expect(() => formatExtendedPort('192.0.2.7', port)).toThrow(RangeError)
  })

  it('PORT has no IPv6', () => {
    expect(() => formatPort('::1', 1025)).toThrow(TypeError)
  })
})

describe('the host of a data connection', () => {
  const [offered, control] = ['10.0.0.1', '192.0.2.7']

  it('is that of the control connection unless told otherwise', () => {
    expect(chooseDataHost(offered, control, 'control')).toBe(control)
    expect(chooseDataHost(offered, control, 'server')).toBe(offered)
    expect(chooseDataHost('0.0.0.0', control, 'server')).toBe(control)
    expect(chooseDataHost(undefined, control, 'server')).toBe(control)
  })

  it('may be chosen by a function, if there is a choice', () => {
    const rule = (a: string, b: string): string => `${a} or ${b}`
    expect(chooseDataHost(offered, control, rule)).toBe('10.0.0.1 or 192.0.2.7')
    expect(chooseDataHost(undefined, control, rule)).toBe(control)
  })
})
