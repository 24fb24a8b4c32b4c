/** How much of one listing is kept: a hostile server could go on with it for ever. */
import { FtpProtocolError } from '../errors.ts'
import type { Entry } from '../listing/entry.ts'
import { MAX_LISTED, MAX_LISTED_TEXT } from '../protocol/limits.ts'
import { printable } from '../protocol/text.ts'

const LONGEST_SHOWN = 200

export class ListingSize {
  #count = 0
  #characters = 0

  /**
   * One more entry or line, as it came.
   * @throws FtpProtocolError `ERR_FTP_LISTING_TOO_LARGE` where that is one too many
   */
  add(raw: string): void {
    this.#count += 1
    this.#characters += raw.length
    if (this.#count <= MAX_LISTED && this.#characters <= MAX_LISTED_TEXT) return
    const message = `A listing is larger than what is kept of one: ${MAX_LISTED} entries, or ${MAX_LISTED_TEXT} characters`
    const received = printable(raw, LONGEST_SHOWN)
    throw new FtpProtocolError('ERR_FTP_LISTING_TOO_LARGE', message, { received })
  }
}

/** What `keep` makes of each entry of a listing. Rejects with `ERR_FTP_LISTING_TOO_LARGE`, or as the listing does. */
export async function keepAll<T>(entries: AsyncIterable<Entry>, keep: (entry: Entry) => T): Promise<T[]> {
  const kept: T[] = []
  const size = new ListingSize()
  for await (const entry of entries) {
    size.add(entry.raw)
    kept.push(keep(entry))
  }
  return kept
}
