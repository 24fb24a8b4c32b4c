/** A whole listing at once, for callers who have its text. */
import { oneOf, optionsObject, type OptionNames } from '../util/validate.ts'
import type { Entry } from './entry.ts'
import { ListingParser } from './listing-parser.ts'
import { date, timeZone } from './options.ts'

const CARRIAGE_RETURN = 0x0d

/** Of {@link parseListing}. */
export interface ParseListingOptions {
  /**
   * The command that the listing answers: `'mlsd'` for MLSD and MLST, `'list'` for LIST. Default: a listing whose
   * facts show it is `'mlsd'`, any other `'list'`.
   */
  readonly format?: 'mlsd' | 'list' | undefined
  /**
   * The time by which a year that is left out is guessed: it is that of the latest such date which is at most 24 hours
   * ahead of it. Default: now.
   */
  readonly now?: Date | undefined
  /**
   * The server's zone, an IANA name such as `Europe/Berlin`, for times that do not tell theirs. Those of MLSD and EPLF
   * do. Default `UTC`.
   */
  readonly timeZone?: string | undefined
}

const PARSE_LISTING_OPTIONS: OptionNames<ParseListingOptions> = { format: true, now: true, timeZone: true }

/**
 * Reads the listing of a directory as a server sent it: of MLSD (RFC 3659 §7), or of LIST, which no document describes
 * (RFC 959 §4.1.3 leaves it to the server). Of LIST it knows what `ls -l` and Unix servers print, and what NetPresenz and
 * others print like it; DOS and IIS, EPLF, NetWare, OpenVMS, IBM i (AS/400), z/OS (MVS), HPE NonStop, OS/2 and VxWorks.
 * Lines end with CR LF or LF.
 *
 * Headings, totals and blank lines give nothing, nor do `.`, `..` and the `cdir` and `pdir` of MLSD. A line that cannot
 * be read is not lost: it becomes an entry of type `'other'` with the whole line as `name` and `raw`. It never throws
 * for a text, whatever is in it. Names are as they were sent, and may hold anything but a line end, `/` and `\`
 * included: check them before a file is named by one.
 *
 * @throws TypeError for a text that is no string, or an option of the wrong type
 * @throws RangeError for an option's value that is not allowed: a zone that is unknown, a Date that is invalid
 */
export function parseListing(text: string, options: ParseListingOptions = {}): Entry[] {
  if (typeof text !== 'string') throw new TypeError('The listing has to be a string')
  const parser = new ListingParser(checked(options))
  const entries: Entry[] = []
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const isAfterReturn = end > start && text.charCodeAt(end - 1) === CARRIAGE_RETURN
    parser.push(text.slice(start, isAfterReturn ? end - 1 : end), entries)
    start = end + 1
  }
  parser.end(entries)
  return entries
}

function checked(options: ParseListingOptions): { format?: 'mlsd' | 'list'; now: Date; timeZone: string } {
  const given = optionsObject(options, 'options', PARSE_LISTING_OPTIONS)
  return {
    ...(given.format !== undefined && { format: oneOf(given, 'format', 'list', ['mlsd', 'list']) }),
    now: date(given, 'now', new Date()),
    timeZone: timeZone(given, 'timeZone', 'UTC'),
  }
}
