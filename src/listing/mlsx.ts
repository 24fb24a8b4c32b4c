/**
 * Machine listings, MLSD and MLST (RFC 3659 §7):
 *
 *   entry = [ 1*( fact "=" value ";" ) ] SP name
 *   type=file;size=6180;modify=20060209081502;UNIX.mode=0444; read first.txt
 *
 * The name is all behind the first `; `: a value may hold a blank, a name anything. Servers that leave the last
 * semicolon out have no `; `, and the name is all behind the first blank. Times are UTC.
 */
import { parseModificationTime } from '../protocol/time.ts'
import { utcTime } from './calendar.ts'
import { modifiedTime } from './clock.ts'
import type { ModifiedTime } from './modified.ts'
import { entryOf, filled, type EntryType } from './entry.ts'
import { FactScanner } from './fact-scanner.ts'
import { factsOf } from './facts.ts'
import type { ListingFormat, Reading } from './format.ts'
import { numberAt, sizeOf } from './scan.ts'
import { permissionsOf } from './permissions.ts'

/** The first fact that a listing can be told by (RFC 3659 §7.5, and what servers add). */
const FIRST_FACT =
  /^(?:type|size|sizd|modify|create|perm|unique|lang|media-type|charset|(?:unix|win32|x)\.[^=;]+)=/i
const LONGEST_FIRST_FACT = 32

const LINKS = ['os.unix=slink', 'os.unix=symlink']

/** A time with more of a fraction than anybody measures. */
const LONGEST_TIME = 64

export class MachineListing implements ListingFormat {
  readonly #facts = new FactScanner()
  /** The last mode, and what was made of it: most files of a directory have the same. */
  #mode: string | undefined
  #permissions: string | undefined
  #isCertain: boolean

  /** @param isCertain whether a listing is known to be of this format, or its first facts have to show it */
  constructor(isCertain: boolean) {
    this.#isCertain = isCertain
  }

  read(line: string): Reading {
    if (line.startsWith(' ')) return this.#readNameOnly(line)
    const hasFacts = this.#facts.scan(line)
    const { end, nameStart } = this.#facts
    if (!hasFacts || nameStart >= line.length) return undefined
    this.#isCertain ||= FIRST_FACT.test(line.slice(0, LONGEST_FIRST_FACT))
    return this.#isCertain ? this.#entry(line, nameStart, factsOf(line, end)) : undefined
  }

  #entry(line: string, nameStart: number, facts: ReadonlyMap<string, string>): Reading {
    const [fact, size, modify, unique, mode, ownerName, owner, uid, groupName, group, gid] =
      this.#facts.values
    const type = typeOf(fact)
    if (type === undefined) return 'no entry'
    return entryOf({
      name: line.slice(nameStart),
      type,
      size: size === undefined ? undefined : sizeOf(size),
      modified: timeOf(modify),
      target: type === 'symlink' ? targetOf(fact) : undefined,
      permissions: this.#permissionsOf(mode),
      owner: filled(ownerName) ?? filled(owner) ?? filled(uid),
      group: filled(groupName) ?? filled(group) ?? filled(gid),
      unique: filled(unique),
      facts,
      raw: line,
    })
  }

  #permissionsOf(mode: string | undefined): string | undefined {
    if (mode !== this.#mode) {
      this.#mode = mode
      this.#permissions = mode === undefined ? undefined : permissionsOf(mode)
    }
    return this.#permissions
  }

  #readNameOnly(line: string): Reading {
    if (!this.#isCertain) return undefined
    return entryOf({ name: line.slice(1), type: 'other', facts: factsOf(line, 0), raw: line })
  }
}

/** `undefined` for the directory that is listed, and that above it. */
function typeOf(fact = ''): EntryType | undefined {
  if (fact === 'file') return 'file'
  const type = fact.toLowerCase()
  if (type === 'file') return 'file'
  if (type === 'dir') return 'directory'
  if (type === 'cdir' || type === 'pdir') return undefined
  return LINKS.some((link) => type === link || type.startsWith(`${link}:`)) ? 'symlink' : 'other'
}

/** Behind `OS.unix=slink:`; the other form, `OS.unix=symlink`, does not tell it (RFC 3659, erratum 1500). */
function targetOf(fact = ''): string | undefined {
  const colon = fact.indexOf(':')
  return colon < 0 ? undefined : filled(fact.slice(colon + 1))
}

/** Fourteen digits are what servers send; {@link parseModificationTime} knows what else there is. */
function timeOf(fact: string | undefined): ModifiedTime | undefined {
  if (fact === undefined || fact.length > LONGEST_TIME) return undefined
  const digits = fact.length === 14 ? numberAt(fact, 0, 14) : NaN
  if (Number.isNaN(digits)) return parseModificationTime(fact)
  const time = digits % 1_000_000
  const date = (digits - time) / 1_000_000
  const utc = utcTime(Math.floor(date / 10_000), {
    month: Math.floor(date / 100) % 100,
    day: date % 100,
    hour: Math.floor(time / 10_000),
    minute: Math.floor(time / 100) % 100,
    second: time % 100,
    millisecond: 0,
  })
  return modifiedTime(utc, 'second')
}
