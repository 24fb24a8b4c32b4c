/** The parts of the page that need no document: orders, numbers for people, addresses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row } from '../../examples/dashboard/model.ts'
import { addressOf, readAddress } from '../../examples/dashboard/page/address.ts'
import { bytes, duration, limitOf, limitText, percent, when } from '../../examples/dashboard/page/format.ts'
import { comparison, itemOf, type Order } from '../../examples/dashboard/page/order.ts'
import { SortedRuns } from '../../examples/dashboard/page/sorted-runs.ts'

test('what comes in pieces is sorted as a whole, and equal ones stay in their order', () => {
  const pieces = fc.array(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer())))
  fc.assert(
    fc.property(pieces, (all) => {
      const runs = new SortedRuns<[number, number]>(([one], [other]) => one - other)
      for (const piece of all) runs.add(piece)
      expect(runs.all()).toEqual(all.flat().toSorted(([one], [other]) => one - other))
    }),
  )
})

describe('the order of a directory', () => {
  const rows: readonly Row[] = [
    ['file', 'b 10', 5, 3, 'second'],
    ['file', 'b 9', 7, 2, 'second'],
    ['file', 'B 0010', 6, null, null],
    ['directory', 'z', null, 1, 'second'],
    ['symlink', 'á', null, 4, 'second'],
    ['directory', 'Y', null, 9, 'second'],
  ]
  test.each<[Order, string]>([
    [{ column: 'name', isDescending: false }, 'Y z á b 9 B 0010 b 10'],
    [{ column: 'name', isDescending: true }, 'z Y B 0010 b 10 b 9 á'],
    [{ column: 'size', isDescending: true }, 'Y z b 9 B 0010 b 10 á'],
    [{ column: 'modified', isDescending: false }, 'z Y B 0010 b 9 b 10 á'],
  ])('%j', (order, names) => {
    const sorted = rows.map(itemOf).toSorted(comparison(order))
    expect(sorted.map(({ row }) => row[1]).join(' ')).toBe(names)
  })
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '0.98 KiB'],
  [1_024, '1.00 KiB'],
  [15 * 2 ** 20, '15.0 MiB'],
  [2 ** 40, '1.00 TiB'],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text)
})

test('times and shares', () => {
  expect([4.4, 130, 11_100].map(duration)).toEqual(['4 s', '2 min 10 s', '3 h 05 min'])
  expect([0, limitOf('2.3'), limitOf('0.0001')].map(limitText)).toEqual(['', '2.3', '0'])
  expect([0, 0.9999, 1].map(percent)).toEqual(['0.0 %', '99.9 %', '100.0 %'])
  const noon = new Date(2026, 0, 2, 12, 5).getTime()
  expect([when(noon), when(noon, 'day')]).toEqual(['2026-01-02 12:05', '2026-01-02'])
})

test.each([
  [
    'ftpes://octo@ftp.example.org',
    { host: 'ftp.example.org', port: '21', user: 'octo', security: 'explicit' },
  ],
  ['ftps://[::1]:2990/pub', { host: '[::1]', port: '2990', user: '', security: 'implicit' }],
  ['ftp://octo:secret@host', { host: 'host', port: '21', user: 'octo', security: 'none' }],
  ['ftp.example.org', undefined],
  ['https://example.org', undefined],
])('the address %s', (text, typed) => {
  expect(readAddress(text)).toEqual(typed)
})

test('an address is shown without what is usual', () => {
  const login = { host: 'h', port: 21, user: 'anonymous', security: 'explicit' } as const
  expect(addressOf(login)).toBe('ftpes://h')
  expect(addressOf({ ...login, port: 2121, user: 'octo' })).toBe('ftpes://octo@h:2121')
})
