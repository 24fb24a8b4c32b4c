/** What holds for every listing, whoever made it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseListing, type ParseListingOptions } from '../../src/listing/parse-listing.ts'
import { corpora, described } from './corpus.ts'
import { workOf } from './work.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const corpusLines = corpora.flatMap(({ listings }) => listings.flatMap(({ lines }) => lines)).filter(Boolean)

const options: fc.Arbitrary<ParseListingOptions> = fc.record({
  format: fc.constantFrom('mlsd', 'list', undefined),
  now: fc.date({ noInvalidDate: true }),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Apia'),
})

/** Beyond what grows: the cost of a word, which an expression may be given. */
const SLACK = 150_000

function expectLinear(lineOf: (size: number) => string, given: ParseListingOptions): void {
  const [once, twice] = [4000, 8000].map((size) => {
    const line = lineOf(size)
    return workOf(() => parseListing(line, given))
  })
  if (once === undefined || twice === undefined) throw new RangeError('two sizes, two works')
  expect(twice).toBeLessThan(2.3 * once + SLACK)
}

const corpusLine = fc.constantFrom(...corpusLines)
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    ' ',
    '  ',
    '\t',
    ';',
    '=',
    ',',
    ' -> ',
    '; ',
    '\r',
    ']',
    '(',
    '.DIR;1',
    '\0',
    '99999999999999999999',
  ),
)

/** A line of the corpus with a part of it put in place of another. */
const brokenLine = fc
  .tuple(corpusLine, corpusLine, piece, fc.nat(), fc.nat(), fc.nat(9))
  .map(([line, other, text, at, from, length]) => {
    const start = at % (line.length + 1)
    const part = other.slice(from % (other.length + 1))
    const cut = line.slice(start + length)
    return from % 2 === 0 ? line.slice(0, start) + text + cut : line.slice(0, start) + part
  })

const anyLine = fc.oneof(
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 2, arbitrary: corpusLine },
  { weight: 6, arbitrary: brokenLine },
)
const anyText = fc.array(anyLine, { maxLength: 12 }).map((lines) => lines.join('\n'))

describe('whatever a server sends', () => {
  it('nothing is thrown, no line is lost or read twice, and no entry is without a name', () => {
    fc.assert(
      fc.property(anyText, options, (text, given) => {
        const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
        let at = 0
        for (const entry of parseListing(text, given)) {
          for (const line of entry.raw.split('\n')) {
            at = lines.indexOf(line, at) + 1
            expect(at).toBeGreaterThan(0)
          }
          expect(['', '.', '..']).not.toContain(entry.name)
          expect(entry.modifiedAt?.getTime()).not.toBeNaN()
          expect(entry.modifiedAt === undefined).toBe(entry.modifiedPrecision === undefined)
          expect(entry.size === undefined || Number.isSafeInteger(entry.size)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('the work grows no faster than the text: lines in which anything is repeated', () => {
    const repeated = fc
      .tuple(corpusLine, fc.nat(), fc.integer({ min: 1, max: 12 }), fc.constantFrom('', ' ', ';', ',', '\t'))
      .map(([line, at, length, behind]) => {
        const start = at % line.length
        const part = line.slice(start, start + length) + behind
        return (size: number) =>
          line.slice(0, start) + part.repeat(Math.ceil(size / part.length)) + line.slice(start + length)
      })
    fc.assert(
      fc.property(repeated, options, (lineOf, given) => {
        expectLinear((size) => lineOf(size), given)
      }),
      { numRuns: 250 },
    )
  })

  it.each([
    ['blanks', ' '],
    ['digits', '1'],
    ['facts', 'a=b;'],
    ['names of facts', 'size;'],
    ['equals signs', '='],
    ['links', 'x -> '],
    ['dates', '1 Jan 1 '],
    ['numbers', '0 '],
    ['dates of numbers', '1 2026-01-01'],
    ['groups of a number', '1,111'],
    ['brackets', ' ['],
    ['attributes of VMS', '(RWED) '],
    ['versions of VMS', 'A.B;1'],
  ])('the work grows no faster than the text: %s behind whatever a line begins with', (_what, part) => {
    const beginnings = new Set(corpusLines.flatMap((line) => [line.slice(0, 12), line.slice(0, 30), '']))
    for (const format of ['mlsd', 'list'] as const) {
      for (const beginning of [...beginnings].slice(0, 150)) {
        expectLinear((size) => beginning + part.repeat(size / part.length), { format, now: NOW })
      }
    }
  })

  it('the work grows no faster than the text: many lines', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { minLength: 5, maxLength: 20 }), options, (lines, given) => {
        const text = `${lines.join('\n')}\n`
        const work = (times: number): number => {
          const many = text.repeat(times)
          return workOf(() => parseListing(many, given))
        }
        expect(work(80)).toBeLessThan(2.3 * work(40) + SLACK)
      }),
      { numRuns: 40 },
    )
  })
})

describe('names are as they were sent', () => {
  const part = fc.constantFrom(
    '\r',
    ' ',
    '  ',
    '; ',
    ';',
    ' -> ',
    '->',
    '=',
    ',',
    '\t',
    '"',
    '[x]',
    '10:30 ',
    '2026',
    '日',
    '🐙',
  )
  const name = fc
    .array(fc.oneof(part, fc.string({ unit: 'grapheme', maxLength: 4 })), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join('').replaceAll('\n', '\r'))
    .filter((text) => text !== '' && text !== '.' && text !== '..')

  const column = fc.constantFrom('0', '14', '1000', 'ftp', 'jan', 'domain users', 'x')
  const date = fc.constantFrom(
    'Jan  2 03:04',
    'Dec 31  2019',
    '2026-01-02 03:04',
    '02 Jan 03:04',
    'Okt 14  2021',
  )
  const size = fc.constantFrom('0', '31', '2026', '4294967296')

  function survive(lineOf: fc.Arbitrary<(name: string) => string>, format: 'mlsd' | 'list'): void {
    fc.assert(
      fc.property(fc.array(fc.tuple(lineOf, name), { minLength: 1, maxLength: 5 }), (files) => {
        const text = files.map(([line, file]) => `${line(file)}\r\n`).join('')
        const entries = parseListing(text, { format, now: NOW })
        expect(entries.map((entry) => entry.name)).toEqual(files.map(([, file]) => file))
        expect(entries.map(({ type }) => type)).not.toContain('other')
      }),
      { numRuns: 1000 },
    )
  }

  it('in a list of Unix', () => {
    const line = fc.tuple(fc.constantFrom('-rw-r--r--', 'drwxr-xr-x+'), column, column, size, date).map(
      ([mode, owner, group, bytes, time]) =>
        (file: string) =>
          `${mode}   1 ${owner}   ${group}  ${bytes} ${time} ${file}`,
    )
    survive(line, 'list')
  })

  it('in a list of Unix: links, with their targets', () => {
    fc.assert(
      fc.property(name, name, (file, target) => {
        fc.pre(!`${file} `.includes(' -> '))
        const line = `lrwxrwxrwx   1 ftp      ftp  9 Jan  2 03:04 ${file} -> ${target}\r\n`
        expect(parseListing(line, { now: NOW })).toMatchObject([{ name: file, target, type: 'symlink' }])
      }),
    )
  })

  it('in a list of DOS', () => {
    const file = size.map((bytes) => (text: string) => `11-20-26  09:51AM ${bytes.padStart(20)} ${text}`)
    const directory = fc.constant((text: string) => `11-20-26  09:50AM       <DIR>          ${text}`)
    survive(fc.oneof(file, directory), 'list')
  })

  it('in a machine listing', () => {
    const fact = fc.constantFrom('size=1', 'perm=adfrw', 'UNIX.groupname=domain users', 'unique=a+b', 'x.y=')
    const line = fc.tuple(fc.constantFrom('type=file', 'Type=dir'), fc.array(fact)).map(
      ([type, facts]) =>
        (text: string) =>
          `${[type, ...facts].join(';')}; ${text}`,
    )
    survive(line, 'mlsd')
  })

  it('in a list of NetWare, OS/2 or AS/400, and in EPLF', () => {
    const line = fc.constantFrom<(text: string) => string>(
      (text) => `- [RWCEAFMS] olga                    512 Feb 14 05:37 ${text}`,
      (text) => `               845      A          08-23-96   17:56  ${text}`,
      (text) => `MILLER          77120 31.12.99 00:00:01 *STMF      ${text}`,
      (text) => `+i1.1,r,s1,\t${text}`,
    )
    survive(line, 'list')
  })
})

describe('a line says the same, whatever stands before it', () => {
  function expectAlone(line: fc.Arbitrary<string>, format: 'mlsd' | 'list'): void {
    fc.assert(
      fc.property(fc.array(line, { minLength: 2, maxLength: 8 }), (lines) => {
        const alone = lines.flatMap((each) => parseListing(each, { format, now: NOW }))
        const together = parseListing(lines.join('\n'), { format, now: NOW })
        expect(together.map(described)).toStrictEqual(alone.map(described))
      }),
      { numRuns: 1000 },
    )
  }

  it('in a list of Unix, with names and numbers that could be those of a date', () => {
    const front = fc.constantFrom(
      '1 0 0',
      '1 1000 maria',
      '1 jan 12',
      'jan 12',
      '12 jan',
      '1 may 5 maria',
      '5 8,1',
    )
    const size = fc.constantFrom('0', '12', '5', '98', '2020', '13,  2', '8,1', '-5', '')
    const date = fc.constantFrom(
      ...[
        'Jan  3 10:00',
        'Jan 3 2020',
        'Jan 2020',
        '12 Jan 03:04',
        '12 Jan 2020',
        '2020 Jan 3',
        '2020 10:30',
      ],
      ...[
        '98 10:30',
        '98 Jan 3 10:30',
        '5月 02 03:04',
        '12月 24 18:00',
        '11-20 18:22',
        '2026-01-02',
        '10:30',
        'x',
      ],
    )
    const mode = fc.constantFrom('-rw-r--r--', 'crw-rw-rw-')
    const line = fc
      .tuple(mode, front, size, date, fc.constantFrom('a', 'Jan 3 10:00 b', '2020', '10:30 c'))
      .map((columns) => columns.join(' '))
    expectAlone(line, 'list')
  })

  it('in a machine listing', () => {
    const fact = fc.constantFrom(
      ...['type=file', 'type=dir', 'TYPE=file', 'size=1', 'size=2', 'modify=20260102030405', 'modify=2026'],
      ...[
        'unix.owner=a',
        'UNIX.owner=b',
        'unix.mode=0644',
        'unix.mode=0755',
        'UNIX.groupname=a b',
        'size',
        '',
        '=x',
      ],
    )
    const end = fc.constantFrom('; a', ';; b', ' c', ' c; d', '; d; e', ';')
    const line = fc
      .tuple(fc.array(fact, { maxLength: 5 }), end)
      .map(([facts, name]) => facts.join(';') + name)
    expectAlone(line, 'mlsd')
  })
})

it('the facts of a machine listing are those that its fields were made of', () => {
  const lines = corpora
    .filter(({ format }) => format === 'mlsd')
    .flatMap(({ listings }) => listings.flatMap((l) => l.lines))
  const line = fc
    .tuple(fc.constantFrom(...lines), fc.nat(), piece)
    .map(([text, at, part]) => text.slice(0, at % text.length) + part + text.slice(at % text.length))
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (some) => {
      for (const { facts, size, owner, unique, raw, name } of parseListing(some.join('\n'), {
        format: 'mlsd',
        now: NOW,
      })) {
        if (facts === undefined) continue
        const bytes = facts.get('size') ?? ''
        expect(size).toBe(
          /^\d+$/.test(bytes) && Number.isSafeInteger(Number(bytes)) ? Number(bytes) : undefined,
        )
        const owners = ['unix.ownername', 'unix.owner', 'unix.uid'].map((fact) => facts.get(fact))
        expect(owner).toBe(owners.find((each) => each !== undefined && each !== ''))
        expect(unique ?? '').toBe(facts.get('unique') ?? '')
        expect(raw.endsWith(` ${name}`)).toBe(true)
      }
    }),
    { numRuns: 1000 },
  )
})
