/**
 * z/OS (MVS). What a line means is told by the heading before it:
 *
 *   Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname               data sets
 *   PRD001 3390   2026/11/20  1   15  FB      80 27920  PO  JCL.CNTL
 *   Migrated                                                OLD.MASTER
 *
 *    Name     VV.MM   Created       Changed      Size  Init   Mod   Id            members of one, or of a
 *   ALPHA     01.05 2021/07/19 2026/09/14 08:26    42    40     2 DEV017          load library
 *
 *   JOBNAME  JOBID    OWNER    STATUS CLASS                                       jobs
 *   ANNA1    JOB01906 ANNA     OUTPUT A        RC=0000 3 spool files
 *            ID  STEPNAME PROCSTEP C DDNAME   BYTE-COUNT                          spool files of one
 *            001 JES2              A JESMSGLG      1207
 *
 * Columns run into each other where a value is too wide: what counts is found from the ends of a line. Sizes are
 * tracks, records or storage, and no bytes, but those of spool files; `Referred` is not when a data set was modified.
 */
import { fullYear, parseTimeOfDay } from './calendar.ts'
import type { ListingClock } from './clock.ts'
import { entryOf, type Entry, type EntryType } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { sizeOf, Words } from './scan.ts'

type Section = 'none' | 'data sets' | 'members' | 'load library' | 'jobs' | 'spool files'

/** What the headings begin with. */
const HEADINGS: readonly (readonly [words: string, section: Section])[] = [
  ['Volume Unit Referred', 'data sets'],
  ['Volume Unit Date', 'data sets'],
  ['Volume Referred Ext', 'data sets'],
  ['Name VV.MM Created', 'members'],
  ['Name Size TTR', 'load library'],
  ['JOBNAME JOBID OWNER', 'jobs'],
  ['ID STEPNAME PROCSTEP', 'spool files'],
]

const DATA_SET = /^'?([A-Z@#$][A-Z0-9@#$.()-]{0,53})'?$/i
const VOLUME = /^[A-Z0-9@#$]{1,6}$/
const REFERRED = /^(?:\d{2,4}\/\d\d\/\d\d|\*\*NONE\*\*)/
const MEMBER = /^[A-Z@#$][A-Z0-9@#$]{0,7}$/
const VERSION = /^\d\d\.\d\d$/
const CHANGED = /^(\d{2}|\d{4})\/(\d\d)\/(\d\d)$/
const HEXADECIMAL = /^[0-9A-F]{6,8}$/
const JOB = /^(?:JOB|STC|TSU|[JST])\d{5,7}$/
const STATUS = /^(?:INPUT|ACTIVE|OUTPUT|HELD)$/
const COUNT_OF_FILES = /^\d+ spool files?$/i
const RULE = /^-+$/

/** In place of the columns, where there is nothing to tell of a data set. */
const WITHOUT_COLUMNS = [
  /^Migrated$/,
  /^ARCIVE Not Direct Access Device$/,
  /^\S{1,6} Not Mounted$/,
  /^Error determining attributes$/,
  /^(?:\S{1,6} )?(?:\S{1,4} )?(?:VSAM|GDG)$/,
]
const PSEUDO_DIRECTORY = 'Pseudo Directory'

/** More than any of these lines has. */
const MAX_WORDS = 24

export class MvsListing implements ListingFormat {
  readonly #clock: ListingClock
  #section: Section = 'none'

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const words = wordsOf(line)
    const heading = words.slice(0, 3).join(' ')
    const section = HEADINGS.find(([beginning]) => beginning === heading)?.[1]
    if (section !== undefined) {
      this.#section = section
      return 'no entry'
    }
    return (
      this.#readMember(line, words) ??
      readDataSet(line, words) ??
      readJob(line, words) ??
      this.#inSection(line, words)
    )
  }

  /** What is known for what it is by its heading only. */
  #inSection(line: string, words: readonly string[]): Reading {
    switch (this.#section) {
      case 'none':
        return undefined
      case 'data sets':
        return readWithoutColumns(line, words)
      case 'members':
        return words.length === 1 ? memberOf(line, words[0]) : undefined
      case 'load library':
        return isModule(words) || words.length === 1 ? memberOf(line, words[0]) : undefined
      case 'jobs':
      case 'spool files':
        return readSpoolFile(line, words)
      default:
        return this.#section satisfies never
    }
  }

  /** One with the statistics of ISPF. */
  #readMember(line: string, words: readonly string[]): Entry | undefined {
    const [name = '', version = '', , changed = '', clock = '', , , , owner] = words
    const date = CHANGED.exec(changed)
    const time = parseTimeOfDay(clock)
    if (!MEMBER.test(name) || !VERSION.test(version) || date === null || time === undefined) return undefined
    const [, year = '', month, day] = date
    const modified = this.#clock.time({
      ...time,
      year: fullYear(Number(year), year.length),
      month: Number(month),
      day: Number(day),
    })
    return entryOf({ name, type: 'file', modified, owner, raw: line })
  }
}

/** No words at all of a line that has too many, or one too long. */
function wordsOf(line: string): readonly string[] {
  const words = new Words(line)
  const found: string[] = []
  while (!words.isAtEnd) {
    const word = words.next()
    if (word === '' || found.length === MAX_WORDS) return []
    found.push(word)
  }
  return found
}

function readDataSet(line: string, words: readonly string[]): Entry | undefined {
  const [volume = '', unit = '', referred = ''] = words
  const hasDate = REFERRED.test(unit) || REFERRED.test(referred)
  if (!VOLUME.test(volume) || !hasDate || words.length < 5) return undefined
  return dataSetOf(line, words.at(-1), typeOf(words.at(-2) ?? ''))
}

function typeOf(organisation: string): EntryType {
  if (organisation === 'PO' || organisation === 'PO-E') return 'directory'
  return organisation === 'PS' || organisation === 'DA' ? 'file' : 'other'
}

function readWithoutColumns(line: string, words: readonly string[]): Entry | undefined {
  const text = words.slice(0, -1).join(' ')
  if (text === PSEUDO_DIRECTORY) return dataSetOf(line, words.at(-1), 'directory')
  return WITHOUT_COLUMNS.some((known) => known.test(text))
    ? dataSetOf(line, words.at(-1), 'other')
    : undefined
}

function dataSetOf(line: string, word: string | undefined, type: EntryType): Entry | undefined {
  const name = DATA_SET.exec(word ?? '')?.[1]
  return name === undefined ? undefined : entryOf({ name, type, raw: line })
}

function memberOf(line: string, name = ''): Entry | undefined {
  return MEMBER.test(name) ? entryOf({ name, type: 'file', raw: line }) : undefined
}

function isModule([, size = '', place = '']: readonly string[]): boolean {
  return HEXADECIMAL.test(size) && HEXADECIMAL.test(place)
}

/** With `JESINTERFACELEVEL 2` the owner stands before the status. */
function readJob(line: string, words: readonly string[]): Entry | undefined {
  const [job = '', name = '', third = '', fourth = ''] = words
  if (!MEMBER.test(job) || !JOB.test(name)) return undefined
  const owner = STATUS.test(fourth) ? third : undefined
  if (owner === undefined && !STATUS.test(third)) return undefined
  return entryOf({ name, type: 'file', owner, raw: line })
}

function readSpoolFile(line: string, words: readonly string[]): Reading {
  const text = words.join(' ')
  if (RULE.test(text) || COUNT_OF_FILES.test(text)) return 'no entry'
  const [name = ''] = words
  const size = sizeOf(words.at(-1) ?? '')
  const isSpoolFile =
    sizeOf(name) !== undefined && size !== undefined && words.length >= 4 && words.length <= 6
  return isSpoolFile ? entryOf({ name, type: 'file', size, raw: line }) : undefined
}
