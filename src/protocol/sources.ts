/**
 * A list of sources, as people keep it in a file: the mirrors of one file, a URL a line.
 *
 *   # near                                              a comment
 *   ftp://ftp.example.org/pub/disk.iso
 *   ftpes://user:secret@b.example.org:2121/disk%20#1.iso    # another; the first # belongs to the name
 *
 * - `#` begins a comment at the start of a line and after a blank; elsewhere it belongs to the name. A name with
 *   a blank before a `#` is written with `%20`.
 * - Empty lines, blanks around a line, a byte order mark and any kind of line end are fine.
 * - An error names the line and **quotes nothing of it**: there may be a password in it.
 */
import { describeFtpUrl, parseFtpUrl, type FtpUrl } from './url.ts'

/**
 * Reads a list of sources: `ftp:`, `ftpes:` and `ftps:` URLs, one a line, with comments (`# …`). Gives them in
 * their order, without those that name the same place for the same user again, for `download(sources, …)`.
 *
 * @throws TypeError with the number of a line that is no URL, or if there is no URL at all
 */
export function parseSources(text: string): readonly string[] {
  if (typeof text !== 'string') throw new TypeError('The list of sources has to be a string')
  const sources = new Map<string, string>()
  text.split(/\r\n|\n|\r/).forEach((line, index) => {
    const source = withoutComment(line)
    if (source === '') return
    const place = placeOf(parseLine(source, index + 1))
    if (!sources.has(place)) sources.set(place, source)
  })
  if (sources.size === 0) throw new TypeError('The list of sources has no URL in it')
  return [...sources.values()]
}

/** `trim` takes the byte order mark for a blank, wherever files were put together. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s)#.*$/s, '').trim()
}

function parseLine(source: string, line: number): FtpUrl {
  // As one URL it would be a file of an odd name.
  if (/\s[a-z][a-z\d+.-]*:\/\//i.test(source)) {
    throw new TypeError(
      `Line ${line} of the sources holds more than one URL; a blank in a name is written %20`,
    )
  }
  try {
    return parseFtpUrl(source)
  } catch (error) {
    const why = (error as Error).message
    throw new TypeError(`Line ${line} of the sources is no URL: ${why}`, { cause: error })
  }
}

/** The same for all ways to write the same source. It never leaves this file: it holds the password. */
function placeOf(url: FtpUrl): string {
  return JSON.stringify([describeFtpUrl(url), url.user, url.password])
}
