/**
 * NetWare's servers: rights in brackets where Unix has a mode.
 *
 *   d [RWCEAFMS] olga                              512 Feb 14 05:37 all updates
 *   -[R----F-]  1 ute           960 Mar 27  2000 !index!
 *   d [R----F--] supervisor            512       Feb 11 19:42    login
 *
 * One blank stands before the name, but several where several stand before the date.
 */
import type { ListingClock } from './clock.ts'
import { entryOf, filled, type Entry } from './entry.ts'
import type { ListingFormat, Reading } from './format.ts'
import { skipBlanks, sizeOf, Words } from './scan.ts'
import { UnixDate } from './unix-date.ts'

const RIGHTS = /^[-d] ?\[[-A-Z]{1,16}\] /
/** More than the longest rights take. */
const RIGHTS_WIDTH = 24

export class NetwareListing implements ListingFormat {
  readonly #clock: ListingClock
  readonly #date = new UnixDate()

  constructor(clock: ListingClock) {
    this.#clock = clock
  }

  read(line: string): Reading {
    const rights = RIGHTS.exec(line.slice(0, RIGHTS_WIDTH))
    if (rights === null) return undefined
    const words = new Words(line, rights[0].length)
    // "olga 512", or with the number of links "1 ute 960".
    const [first, second] = [words.next(), words.next()]
    return this.#read(line, first, second, words.end) ?? this.#read(line, second, words.next(), words.end)
  }

  #read(line: string, owner: string, bytes: string, end: number): Entry | undefined {
    const date = this.#date
    const dateStart = skipBlanks(line, end)
    if (!date.read(line, dateStart)) return undefined
    const nameStart = dateStart > end + 1 ? skipBlanks(line, date.nameStart) : date.nameStart
    if (nameStart >= line.length) return undefined
    const type = line.startsWith('d') ? 'directory' : 'file'
    const size = type === 'file' ? sizeOf(bytes) : undefined
    const modified = date.time(this.#clock)
    return entryOf({ name: line.slice(nameStart), type, size, modified, owner: filled(owner), raw: line })
  }
}
