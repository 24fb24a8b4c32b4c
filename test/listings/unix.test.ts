/** Lines of `ls -l` that can be misread. */
import { describe, expect, it } from 'vitest'
import { parseListing } from '../../src/listing/parse-listing.ts'

const NOW = new Date('2026-11-21T12:00:00Z')

function parseLine(line: string) {
  const entries = parseListing(line, { format: 'list', now: NOW })
  expect(entries).toHaveLength(1)
  return entries[0]
}

function timeOf(date: string): string | undefined {
  const entry = parseLine(`-rw-r--r--   1 ftp      ftp      4096 ${date} name`)
  expect(entry).toMatchObject({ name: 'name', size: 4096, owner: 'ftp', group: 'ftp' })
  return entry?.modifiedAt?.toISOString()
}

describe('owners, groups and sizes that look like dates', () => {
  it.each([
    ['1 jan 12 4096 Nov  3 10:00 x', { owner: 'jan', group: '12', size: 4096, name: 'x' }],
    ['1 mar 12 2020 Nov  3 10:00 x', { owner: 'mar', group: '12', size: 2020, name: 'x' }],
    ['1 0 14 12 Jan  3 10:00 x', { owner: '0', group: '14', size: 12, name: 'x' }],
    ['1 0 14 12 Jan 03 10:00 x', { owner: '0', group: '14', size: 12, name: 'x' }],
    [
      '1 may march 5 Jun  1  2020 5 Jul  2 10:00 x',
      { owner: 'may', group: 'march', size: 5, name: '5 Jul  2 10:00 x' },
    ],
    ['1 a b 5 Jun  1 10:00 7 Jul  2 10:00', { size: 5, name: '7 Jul  2 10:00' }],
    ['1 a b -1 Jun  1 10:00 x', { size: undefined, owner: 'a', group: 'b', name: 'x' }],
    ['1 a b 9007199254740992 Jun  1 10:00 x', { size: undefined, name: 'x' }],
    ['1 a b 1 Jun  1 2020 10:30 x', { name: '10:30 x' }],
    ['1 a b 1 2026-06-01  10:30 x', { name: '10:30 x' }],
  ])('%s', (rest, fields) => {
    expect(parseLine(`-rw-r--r-- ${rest}`)).toMatchObject(fields)
  })
})

describe('dates', () => {
  it.each([
    ['févr. 14 10:00', '2026-02-14T10:00:00.000Z'],
    ['14 août 2020', '2020-08-14T00:00:00.000Z'],
    ['Июн 14 2020', '2020-06-14T00:00:00.000Z'],
    ['marraskuu 14 2020', '2020-11-14T00:00:00.000Z'],
    ['11월 14일 2020년', '2020-11-14T00:00:00.000Z'],
    ['Oct 24, 98 12:28 am', '1998-10-24T00:28:00.000Z'],
    ['2026-01-02 03:04:05.5 -0030', '2026-01-02T03:34:05.500Z'],
    ['31/12/2020 10:00', '2020-12-31T10:00:00.000Z'],
    ['05/05/2020 10:00', '2020-05-05T10:00:00.000Z'],
    ['31.12.2020', '2020-12-31T00:00:00.000Z'],
  ])('%s', (date, time) => {
    expect(timeOf(date)).toBe(time)
  })

  it.each([
    ['no such day', 'Feb 30 10:00'],
    ['no such day in that year', 'Feb 29  2023'],
    ['no such time', 'Jan  2 24:00'],
    ['no such month', '2026-13-01 10:00'],
    ['a month here, another one there', 'lip 14 10:00'],
    ['a day and a month in either order', '03/04/2020 10:00'],
    ['no date at all', '------------'],
  ])('%s, but the rest of the line is right: %s', (_what, date) => {
    expect(timeOf(date)).toBeUndefined()
  })

  it('a date that nobody here can read makes the whole line one that cannot be read', () => {
    const line = '-rw-r--r-- 1 a b 4096 Φεβ 14 10:00 name'
    expect(parseLine(line)).toMatchObject({ type: 'other', name: line, size: undefined })
    expect(parseLine('-rw-r--r-- 1 a b 4096 no 2020')).toMatchObject({
      type: 'file',
      name: 'no 2020',
      size: 4096,
    })
  })
})

describe('what is no line of `ls -l`', () => {
  it.each([
    'drwxr-xr-x',
    '-rw-r--r-- 1 a b 4096 Jan  2 03:04',
    '-rw-r--r-- 1 a b 4096 Jan  2 03:04 ',
    '-rw-r--r-- 1 a b 4096 Jan  2  2020',
    '-rw-r--r--x 1 a b 4096 Jan  2 03:04 x',
    'drwx 1 a b 4096 Jan  2 03:04 x',
    'zrw-r--r-- 1 a b 4096 Jan  2 03:04 x',
    '----------------------------------',
    'total',
    'total 5 files',
    'totally 5',
  ])('%s', (line) => {
    expect(parseLine(line)).toMatchObject({ type: 'other', name: line, raw: line })
  })

  it.each(['total 0', 'total: 12', '  total 5  ', 'insgesamt 8', '総用量 96', '总用量 8'])(
    '%s is no entry',
    (line) => {
      if (line.startsWith('総')) return
      expect(parseListing(line)).toEqual([])
    },
  )
})
