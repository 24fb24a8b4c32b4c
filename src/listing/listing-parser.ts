/**
 * The lines of one listing to its entries, as they come. Owns which format the listing has; knows no socket and no
 * clock. A line is read by the format that had the first entry and, if it is none of that, by all others, so that one
 * odd line never loses the rest. A line that nobody can read becomes an entry of type `other`.
 *
 * Only two formats need lines that are still to come. VMS holds one entry for as long as its next line may belong to
 * it. OS/400 holds lines for as long as the order of its dates is not known, at most {@link MAX_LINES_AHEAD}.
 */
import { ListingClock } from './clock.ts'
import { DosListing } from './dos.ts'
import { entryOf, type Entry } from './entry.ts'
import { EplfListing } from './eplf.ts'
import type { ListingFormat, Reading } from './format.ts'
import { MachineListing } from './mlsx.ts'
import { MvsListing } from './mvs.ts'
import { NetwareListing } from './netware.ts'
import { NonStopListing } from './nonstop.ts'
import { Os2Listing } from './os2.ts'
import { Os400Listing } from './os400.ts'
import { skipBlanks } from './scan.ts'
import { UnixListing } from './unix.ts'
import { VmsListing } from './vms.ts'
import { VxWorksListing } from './vxworks.ts'
import { Zone } from './zone.ts'

export interface ListingParserOptions {
  /** What the listing was asked for with; default: either, and the first lines show which. */
  readonly format?: 'mlsd' | 'list' | undefined
  /** The time that a year which is left out is guessed by. */
  readonly now: Date
  /** Of the server, for times without a zone: an IANA name. Default `UTC`. */
  readonly timeZone?: string | undefined
}

/** So many dates that could be read in two ways are rare in any directory, and no burden to hold. */
const MAX_LINES_AHEAD = 1000

export class ListingParser {
  readonly #formats: readonly ListingFormat[]
  readonly #vms: VmsListing
  readonly #os400: Os400Listing
  #found: ListingFormat | undefined
  #ahead: string[] = []

  /** @throws RangeError for a zone that Intl does not know */
  constructor({ format, now, timeZone = 'UTC' }: ListingParserOptions) {
    const clock = new ListingClock(now, new Zone(timeZone))
    this.#vms = new VmsListing(clock)
    this.#os400 = new Os400Listing(clock)
    const machine = new MachineListing(format === 'mlsd')
    const listFormats = [
      new UnixListing(clock),
      new DosListing(clock),
      new EplfListing(),
      new NetwareListing(clock),
      this.#vms,
      this.#os400,
      new MvsListing(clock),
      new NonStopListing(clock),
      new Os2Listing(clock),
      new VxWorksListing(clock),
    ]
    this.#formats =
      format === 'mlsd' ? [machine] : format === 'list' ? listFormats : [machine, ...listFormats]
  }

  /** Takes a line without its end, and adds to `entries` what it completes. */
  push(line: string, entries: Entry[]): void {
    if (this.#ahead.length === 0) this.#take(line, entries)
    else this.#wait(line, entries)
  }

  /** Adds what is still held. Nothing may be pushed afterwards. */
  end(entries: Entry[]): void {
    this.#readAhead(entries)
    if (this.#vms.isUnfinished) add(this.#vms.release(), entries)
  }

  #take(line: string, entries: Entry[]): void {
    if (this.#vms.isUnfinished && this.#resume(line, entries)) return
    if (skipBlanks(line, 0) === line.length) return
    const reading = this.#read(line)
    if (this.#found === this.#os400 && this.#os400.isUndecided) this.#ahead.push(line)
    else add(reading ?? unread(line), entries)
  }

  #read(line: string): Reading {
    const reading = this.#found?.read(line)
    if (reading !== undefined) return reading
    for (const format of this.#formats) {
      const other = format === this.#found ? undefined : format.read(line)
      if (other === undefined) continue
      if (other !== 'no entry') this.#found ??= format
      return other
    }
    return undefined
  }

  /** Whether the line belonged to the entry before it. */
  #resume(line: string, entries: Entry[]): boolean {
    const reading = this.#vms.resume(line)
    add(reading ?? this.#vms.release(), entries)
    return reading !== undefined
  }

  #wait(line: string, entries: Entry[]): void {
    this.#ahead.push(line)
    this.#os400.read(line)
    if (!this.#os400.isUndecided || this.#ahead.length >= MAX_LINES_AHEAD) this.#readAhead(entries)
  }

  #readAhead(entries: Entry[]): void {
    const lines = this.#ahead
    this.#ahead = []
    if (lines.length > 0) this.#os400.decide()
    for (const line of lines) this.#take(line, entries)
  }
}

function unread(line: string): Entry {
  return entryOf({ name: line, type: 'other', raw: line })
}

function add(reading: Reading, entries: Entry[]): void {
  if (typeof reading === 'object' && !isDots(reading.name)) entries.push(reading)
}

/** The directory that is listed, or that above it. */
function isDots(name: string): boolean {
  return name.length <= 2 && (name === '.' || name === '..')
}
