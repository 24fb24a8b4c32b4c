/** What basic-ftp's suite expects of listings (parseList, its dates, StringWriter, FileInfo). */
import { describe, expect, it, test } from 'vitest'
import type { Entry } from '../../../src/listing/entry.ts'
import { parseListing } from '../../../src/listing/parse-listing.ts'
import { LineSplitter } from '../../../src/operations/listing-receiver.ts'
import { UTF_8 } from '../../../src/protocol/text-codec.ts'

const NOW = new Date('2026-06-15T12:00:00Z')

/** What an entry tells, without all that is `undefined`, and without its line and facts. */
function told(entry: Entry): object {
  const fields = Object.entries({ ...entry, raw: undefined, facts: undefined })
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined))
}

function listed(text: string, format?: 'mlsd' | 'list'): object[] {
  return parseListing(text, { now: NOW, format }).map(told)
}

const second = (text: string): object => ({ modifiedAt: new Date(text), modifiedPrecision: 'second' })
const minute = (text: string): object => ({ modifiedAt: new Date(text), modifiedPrecision: 'minute' })

describe('MLSD', () => {
  it.each<[string, string, object[]]>([
    [
      'a directory',
      'size=11;type=dir;modify=20190218120006; papers',
      [{ name: 'papers', type: 'directory', size: 11, ...second('2019-02-18T12:00:06Z') }],
    ],
    [
      'a file, with a blank in its name',
      'size=11;type=file;modify=20181025120459; paper one',
      [{ name: 'paper one', type: 'file', size: 11, ...second('2018-10-25T12:04:59Z') }],
    ],
    [
      'names of facts in any case',
      'SiZe=11;tYpe=file;MoDIfy=20181025120459;uNIx.MOde=0755; paper one',
      [
        {
          ...{ name: 'paper one', type: 'file', size: 11, ...second('2018-10-25T12:04:59Z') },
          permissions: 'rwxr-xr-x',
        },
      ],
    ],
    // basic-ftp knows `dir` in this case only.
    ['values of facts in any case', 'Type=Dir; papers', [{ name: 'papers', type: 'directory' }]],
    ['the directory itself, by its type', 'type=cdir; papers', []],
    ['the directory above, by its type', 'type=pdir; ..', []],
    ['the directory itself, by its name (#99)', 'type=dir; .', []],
    ['the directory above, by its name (#99)', 'type=dir; ..', []],
    // basic-ftp takes it for the size; it is what the directory itself takes on the disk, and stays a fact.
    ['sizd (#95)', 'type=dir;sizd=4096; papers', [{ name: 'papers', type: 'directory' }]],
    ['UNIX.mode', 'type=file;UNIX.mode=0755; p', [{ name: 'p', type: 'file', permissions: 'rwxr-xr-x' }]],
    [
      'UNIX.owner, UNIX.group',
      'type=file;UNIX.owner=11;UNIX.group=22; p',
      [{ name: 'p', type: 'file', owner: '11', group: '22' }],
    ],
    [
      'UNIX.uid, UNIX.gid',
      'type=file;UNIX.uid=11;UNIX.gid=22; p',
      [{ name: 'p', type: 'file', owner: '11', group: '22' }],
    ],
    [
      'UNIX.ownername, UNIX.groupname before the numbers',
      'type=file;UNIX.ownername=anna;UNIX.groupname=staff;UNIX.owner=11;UNIX.group=22; p',
      [{ name: 'p', type: 'file', owner: 'anna', group: 'staff' }],
    ],
    [
      'UNIX.ownername, UNIX.groupname behind the numbers',
      'type=file;UNIX.owner=11;UNIX.group=22;UNIX.ownername=anna;UNIX.groupname=staff; p',
      [{ name: 'p', type: 'file', owner: 'anna', group: 'staff' }],
    ],
    [
      'a link that tells where it leads',
      'type=OS.unix=slink:/real/place; short',
      [{ name: 'short', type: 'symlink', target: '/real/place' }],
    ],
    // basic-ftp: an empty target. What a server leaves empty it does not tell.
    ['a link that does not', 'type=OS.unix=slink:; short', [{ name: 'short', type: 'symlink' }]],
    [
      'a link of the other kind, without an identifier',
      'type=OS.unix=symlink; short\ntype=file; long',
      [
        { name: 'short', type: 'symlink' },
        { name: 'long', type: 'file' },
      ],
    ],
  ])('%s', (_what, text, entries) => {
    expect(listed(text)).toEqual(entries)
    expect(listed(text, 'mlsd')).toEqual(entries)
  })

  // basic-ftp makes the entry of the same identifier the link's target. Hard links have one as well: it would be a
  // guess, and could not be made of an entry that is given as it comes.
  it.each<[string, string[], object[]]>([
    [
      'a link and the file that it leads to',
      ['type=OS.unix=symlink;unique=1234; short', 'type=file;unique=1234; long'],
      [
        { name: 'short', type: 'symlink', unique: '1234' },
        { name: 'long', type: 'file', unique: '1234' },
      ],
    ],
    // basic-ftp leaves out what has a `/` in its name. Nothing of a listing is left out here; whoever uses a name
    // for a path, local or remote, refuses one that is none.
    [
      'two links, and in another directory the file that they lead to',
      [
        'type=OS.unix=symlink;unique=1234; short',
        'type=file;unique=1; other',
        'type=OS.unix=symlink;unique=1234; shorter',
        'type=file;unique=1234; /real/place',
      ],
      [
        { name: 'short', type: 'symlink', unique: '1234' },
        { name: 'other', type: 'file', unique: '1' },
        { name: 'shorter', type: 'symlink', unique: '1234' },
        { name: '/real/place', type: 'file', unique: '1234' },
      ],
    ],
  ])('%s', (_what, lines, entries) => {
    expect(listed(lines.join('\r\n'))).toEqual(entries)
  })

  // basic-ftp guesses the format of every listing; here it is known what was asked for.
  it.each([
    ['a fact that nobody knows', 'colour=blue; name'],
    ['a name alone', ' name'],
  ])('%s is read in what MLSD has answered, and is no guess elsewhere', (_what, line) => {
    expect(listed(line, 'mlsd')).toEqual([{ name: 'name', type: 'other' }])
    expect(listed(line)).toEqual([{ name: line, type: 'other' }])
    expect(listed(`type=file; first\r\n${line}`)).toMatchObject([{ name: 'first' }, { name: 'name' }])
  })

  it.each([
    ['19991005213102', '1999-10-05T21:31:02.000Z', 'second'],
    ['19991005213102.014', '1999-10-05T21:31:02.014Z', 'millisecond'],
  ])('the time %s', (text, expected, modifiedPrecision) => {
    expect(listed(`type=file;modify=${text}; p`)).toEqual([
      { name: 'p', type: 'file', modifiedAt: new Date(expected), modifiedPrecision },
    ])
  })
})

describe('LIST', () => {
  // basic-ftp gives directories the size that stands there, and no date.
  test('of Unix: marks behind the permissions, blanks before a line, lines without anything', () => {
    const text = `
total 96
 drwxr-xr-x+  11 anna  crew    374 Dec 11 21:24 .
 drwxr-xr-x+  38 anna  crew   1292 Dec 11 14:31 ..
    -rw-r--r--+   1 anna  crew   1057 Dec 11 14:35 NOTICE.txt
 drwxr-xr-x+   5 anna  crew    170 Dec 11 17:24 src


`
    const anna = { owner: 'anna', group: 'crew' }
    const file = { name: 'NOTICE.txt', type: 'file', size: 1_057, permissions: 'rw-r--r--', ...anna }
    const directory = { name: 'src', type: 'directory', permissions: 'rwxr-xr-x', ...anna }
    expect(listed(text)).toEqual([
      { ...file, ...minute('2025-12-11T14:35:00Z') },
      { ...directory, ...minute('2025-12-11T17:24:00Z') },
    ])
  })

  test('of Unix: numbers for owners (#61)', () => {
    const text = [
      'drwxr-xr-x    2 1001     1001         4096 Feb 25 19:03 .',
      'dr-xr-xr-x    3 1001     1001         4096 Feb 25 18:55 ..',
      '-rw-------    1 1001     1001          487 Feb 25 19:03 lock.json',
    ]
    const file = { name: 'lock.json', type: 'file', size: 487, permissions: 'rw-------' }
    expect(listed(text.join('\n'))).toEqual([
      { ...file, owner: '1001', group: '1001', ...minute('2026-02-25T19:03:00Z') },
    ])
  })

  // basic-ftp tells the permissions all the same; one of the nine is missing, and nobody knows which.
  test('of Unix: permissions of eight letters (#193)', () => {
    const line = 'drw-r--rw   1     root     root         0 Apr 21 19:31 Shared1'
    const directory = { name: 'Shared1', type: 'directory', owner: 'root', group: 'root' }
    expect(listed(line)).toEqual([{ ...directory, ...minute('2026-04-21T19:31:00Z') }])
  })

  // basic-ftp gives the directory the size 0, and no date.
  test('of DOS', () => {
    const text = [
      '',
      '12-05-96  05:03PM       <DIR>          papers',
      '11-14-97  04:21PM                  953 NOTES.INI',
    ]
    expect(listed(text.join('\r\n'))).toEqual([
      { name: 'papers', type: 'directory', ...minute('1996-12-05T17:03:00Z') },
      { name: 'NOTES.INI', type: 'file', size: 953, ...minute('1997-11-14T16:21:00Z') },
    ])
  })

  // basic-ftp throws for a whole listing whose last line it cannot read.
  test('of nobody knows whom: the line is an entry', () => {
    expect(listed('bbb')).toEqual([{ name: 'bbb', type: 'other' }])
    const text = '-rw-r--r-- 1 anna crew 1 Dec 11 14:35 a\r\nbbb'
    expect(listed(text)).toMatchObject([{ name: 'a' }, { name: 'bbb', type: 'other' }])
  })

  // basic-ftp throws for it.
  test('of MVS', () => {
    const text = [
      'Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname',
      'WORK01 3390   2004/06/23  1    1  FB     128  6144  PO    PAYROLL.REPORT.D061704',
      'WORK01 3390   2004/06/23  1    1  FB     128  6144  PS    PAYROLL.INPUT.D061704',
    ]
    expect(listed(text.join('\r\n'))).toMatchObject([
      { name: 'PAYROLL.REPORT.D061704', type: 'directory' },
      { name: 'PAYROLL.INPUT.D061704', type: 'file' },
    ])
  })

  test.each(['  \r\n  \r\n      \r\n  ', '  \r\ntotal 0\r\n      \r\n  '])('%j is empty', (text) => {
    expect(listed(text)).toEqual([])
    expect(listed(text, 'list')).toEqual([])
  })

  // basic-ftp leaves out every line that begins with the word.
  test('a line that begins with "total" need not be one', () => {
    expect(listed('total 8\r\ntotals.txt')).toEqual([{ name: 'totals.txt', type: 'other' }])
  })
})

describe('bytes', () => {
  const text = 'type=file; Grüße\r\ntype=dir; 文件\ntype=file; 🐙'
  const bytes = Buffer.from(text)

  test('give the same lines, cut anywhere or one by one', () => {
    const lines = text.split(/\r?\n/)
    for (let at = 0; at <= bytes.length; at++) {
      expect(linesOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(lines)
    }
    expect(linesOf(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(lines)
  })

  function linesOf(chunks: readonly Buffer[]): string[] {
    const splitter = new LineSplitter(UTF_8)
    return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()]
  }

  // basic-ftp bounds the whole listing; ours, which is not held as a whole, has a bound for a line.
  test('without an end are refused', () => {
    const splitter = new LineSplitter(UTF_8)
    const push = (): void => {
      for (let chunk = 0; chunk < 32; chunk++) splitter.push(Buffer.alloc(65_536, 'x'))
    }
    expect(push).toThrow(/does not end/)
  })
})
