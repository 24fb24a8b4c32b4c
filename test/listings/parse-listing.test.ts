/** The options, the ends of lines, and the facts. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseListing } from '../../src/listing/parse-listing.ts'

const UNIX = '-rw-r--r-- 1 a b 1 2026-07-02 03:04 x'

describe('options', () => {
  it('are all optional: UTC, and the year by the clock', () => {
    expect(parseListing(UNIX)[0]?.modifiedAt).toEqual(new Date('2026-07-02T03:04:00Z'))
    const today = new Date()
    const month = today.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' })
    const line = `-rw-r--r-- 1 a b 1 ${month} ${today.getUTCDate()} 00:00 x`
    expect(parseListing(line)[0]?.modifiedAt?.getUTCFullYear()).toBe(today.getUTCFullYear())
  })

  it.each([
    [
      { timeZone: 'Mars/Olympus' },
      RangeError,
      `Option "timeZone" is 'Mars/Olympus'; it must be an IANA time zone such as 'Europe/Berlin'`,
    ],
    [{ timeZone: '' }, RangeError, /^Option "timeZone" is ''/],
    [{ timeZone: 5 }, TypeError, 'Option "timeZone" is 5; it must be a string'],
    [{ now: '2026-01-01' }, TypeError, `Option "now" is '2026-01-01'; it must be a Date`],
    [{ now: 0 }, TypeError, 'Option "now" is 0; it must be a Date'],
    [{ now: new Date(NaN) }, RangeError, 'Option "now" is Invalid Date; it must be a valid Date'],
    [{ format: 'nlst' }, RangeError, `Option "format" is 'nlst'; it must be one of 'mlsd', 'list'`],
    [{ format: 1 }, TypeError, /^Option "format" is 1/],
    ['UTC', TypeError, /^Option "options" is 'UTC'/],
    [null, TypeError, /^Option "options" is null/],
  ])('%o', (options, type, message) => {
    const parse = (): unknown => parseListing(UNIX, options as never)
    expect(parse).toThrow(type)
    expect(parse).toThrow(message)
  })

  it.each([undefined, null, 5, Buffer.from(UNIX), [UNIX]])('a text has to be a string: %j', (text) => {
    expect(() => parseListing(text as never)).toThrow(new TypeError('The listing has to be a string'))
  })
})

describe('lines', () => {
  it.each(['', '\n', '\r\n\r\n', ' \t\r\n', 'total 0\r\n'])('%j has no entries', (text) => {
    expect(parseListing(text)).toEqual([])
  })

  it.each([
    ['a\r\nb\nc', ['a', 'b', 'c']],
    ['\r\na\n\nb\r\n', ['a', 'b']],
    ['a\r\r\nb\rc', ['a\r', 'b\rc']],
    ['a\u2028b\u0085c\vd', ['a\u2028b\u0085c\vd']],
  ])('%j ends them with CR LF or LF only', (text, names) => {
    expect(parseListing(text).map(({ name }) => name)).toEqual(names)
  })
})

describe('facts', () => {
  const [entry] = parseListing('Type=file;X.Y=;=no;constructor=c;__proto__=p;type=dir;x; name')
  const facts = entry?.facts

  it('are a Map, read when they are asked for', () => {
    const all = [
      ['type', 'dir'],
      ['x.y', ''],
      ['constructor', 'c'],
      ['__proto__', 'p'],
    ]
    expect([...(facts ?? [])]).toEqual(all)
    expect([...(facts?.entries() ?? [])]).toEqual(all)
    expect([facts?.size, facts?.get('x.y'), facts?.has('x'), facts?.get('toString')]).toEqual([
      4,
      '',
      false,
      undefined,
    ])
    expect([...(facts?.keys() ?? [])]).toEqual(all.map(([name]) => name))
    expect([...(facts?.values() ?? [])]).toEqual(all.map(([, value]) => value))
    const seen: unknown[] = []
    facts?.forEach((value, name, map) => seen.push([name, value, map === facts]))
    expect(seen).toEqual(all.map((fact) => [...fact, true]))
  })

  it('can be seen, and written as JSON', () => {
    expect(inspect(facts)).toContain("'x.y' => ''")
    expect(JSON.parse(JSON.stringify({ facts }))).toHaveProperty(['facts', 'x.y'], '')
  })

  it('a fact that is sent twice is what was sent last, for the field as well', () => {
    expect(entry?.type).toBe('directory')
  })
})
