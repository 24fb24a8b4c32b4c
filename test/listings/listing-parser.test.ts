/** What comes out when: a listing is read while it is still on its way. */
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/listing/entry.ts'
import { ListingParser } from '../../src/listing/listing-parser.ts'

const NOW = new Date('2026-11-21T12:00:00Z')

/** The names that each line brings, and those that the end does. */
function pushed(lines: readonly string[], format?: 'mlsd' | 'list'): string[][] {
  const parser = new ListingParser({ format, now: NOW })
  const names = (add: (entries: Entry[]) => void): string[] => {
    const entries: Entry[] = []
    add(entries)
    return entries.map(({ name }) => name)
  }
  const steps = lines.map((line) => names((entries) => parser.push(line, entries)))
  return [...steps, names((entries) => parser.end(entries))]
}

it('an entry comes with its line', () => {
  expect(
    pushed(['total 1', '-rw-r--r-- 1 a b 1 Jan  2 03:04 x', 'junk', '-rw-r--r-- 1 a b 1 Jan  2 03:04 y']),
  ).toEqual([[], ['x'], ['junk'], ['y'], []])
})

describe('OpenVMS', () => {
  const whole = 'A.TXT;1  2  19-MAY-1995 11:16 [X] (RWED,,,)'
  const open = 'B.TXT;1  2  19-MAY-1995 11:16 [X]'

  it('an entry with its protection comes with its line, another with the next', () => {
    expect(pushed([whole, open, whole, open, ''])).toEqual([
      ['A.TXT'],
      [],
      ['B.TXT', 'A.TXT'],
      [],
      ['B.TXT'],
      [],
    ])
  })

  it('one that the end of the listing cuts short is not lost', () => {
    expect(pushed([open])).toEqual([[], ['B.TXT']])
    expect(pushed(['LONG.TXT;1'])).toEqual([[], ['LONG.TXT']])
  })

  it('a line that does not go on with it is read for itself', () => {
    expect(pushed(['LONG.TXT;1', 'junk', ' 2  19-MAY-1995'])).toEqual([
      [],
      ['LONG.TXT', 'junk'],
      [' 2  19-MAY-1995'],
      [],
    ])
  })

  it('a name, its attributes, and its protection on a third line are one entry', () => {
    const parser = new ListingParser({ now: NOW })
    const entries: Entry[] = []
    const lines = ['LONG.DIR;1', ' 1/3 14-FEB-1997 00:12:00 [G,O]', '   (RWE,RWE,RE,E)', whole]
    for (const line of lines) parser.push(line, entries)
    expect(entries).toMatchObject([
      { name: 'LONG', type: 'directory', owner: 'O', group: 'G', raw: lines.slice(0, 3).join('\n') },
      { name: 'A.TXT' },
    ])
  })
})

describe('OS/400', () => {
  const undated = 'X                                       *DIR       d/'
  const dated = (date: string, name = date): string => `X  1 ${date} 00:00:00 *STMF      ${name}`

  function times(dates: readonly string[]): (string | undefined)[] {
    const parser = new ListingParser({ format: 'list', now: NOW })
    const entries: Entry[] = []
    for (const date of dates) parser.push(dated(date), entries)
    parser.end(entries)
    return entries.map(({ modifiedAt }) => modifiedAt?.toISOString().slice(0, 10))
  }

  it.each([
    ['nothing tells', ['01/02/03'], ['2003-01-02']],
    ['a day beyond twelve, first', ['01/02/03', '13/02/03'], ['2003-02-01', '2003-02-13']],
    ['a day beyond twelve, second', ['01/02/03', '01/13/03'], ['2003-01-02', '2003-01-13']],
    [
      'a year beyond thirty-one, first',
      ['01/02/03', '13/02/03', '98/02/03'],
      ['2001-02-03', '2013-02-03', '1998-02-03'],
    ],
    ['a year beyond thirty-one, last', ['01/02/03', '13/02/98'], ['2003-02-01', '1998-02-13']],
    ['a year of zero', ['01/02/03', '00/02/03'], ['2001-02-03', '2000-02-03']],
    ['full stops', ['01.02.03', '01/02/03'], ['2003-02-01', '2003-01-02']],
    ['a date that is none', ['01/02/03', '77/77/77', '13/02/03'], ['2003-02-01', undefined, '2003-02-13']],
  ])('the order of all dates, if %s', (_what, dates, expected) => {
    expect(times(dates)).toEqual(expected)
  })

  it('lines are held until one tells it, and come in their order', () => {
    expect(
      pushed([undated, dated('01/02/03', 'a'), 'junk', '', dated('13/02/98', 'b'), dated('02/02/03', 'c')]),
    ).toEqual([['d'], [], [], [], ['a', 'junk', 'b'], ['c'], []])
  })

  it('no more than a thousand lines are held', () => {
    const steps = pushed(Array.from({ length: 1500 }, () => dated('01/02/03', 'x')))
    expect(steps.map((names) => names.length).filter(Boolean)).toEqual([1000, ...Array<number>(500).fill(1)])
    expect(steps[999]).toHaveLength(1000)
  })

  it('one odd line of this kind holds nothing up', () => {
    const unix = '-rw-r--r-- 1 a b 1 Jan  2 03:04 x'
    expect(pushed([unix, dated('01/02/03', 'odd'), unix])).toEqual([['x'], ['odd'], ['x'], []])
  })
})

describe('which format it is', () => {
  const machine = 'type=file;size=1; m'

  it('a machine listing shows by its facts, and then names alone are read too', () => {
    expect(pushed(['junk', machine, ' alone'])).toEqual([['junk'], ['m'], ['alone'], []])
    expect(pushed([' alone', 'a=b; c', machine])).toEqual([[' alone'], ['a=b; c'], ['m'], []])
  })

  it('what the listing answers decides, if it is told', () => {
    expect(pushed([machine], 'list')).toEqual([[machine], []])
    expect(pushed(['-rw-r--r-- 1 a b 1 Jan  2 03:04 x'], 'mlsd')).toEqual([
      ['-rw-r--r-- 1 a b 1 Jan  2 03:04 x'],
      [],
    ])
  })

  it('several in one listing are all read', () => {
    const lines = [
      '11-20-26  09:51AM                   58 dos',
      '-rw-r--r-- 1 a b 1 Jan  2 03:04 unix',
      '+r,s1,\teplf',
      '11-20-26  09:51AM                   58 dos again',
    ]
    expect(pushed(lines).flat()).toEqual(['dos', 'unix', 'eplf', 'dos again'])
  })
})
