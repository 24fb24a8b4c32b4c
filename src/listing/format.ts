/** What all formats have in common. */
import type { Entry } from './entry.ts'

/**
 * What a line says in a format: an entry; that it is none (a heading, a total); that the next line may belong
 * to it; or `undefined`, that it is not of this format.
 */
export type Reading = Entry | 'no entry' | 'unfinished' | undefined

export interface ListingFormat {
  /** Takes any line, blank ones aside, and never throws. */
  read(line: string): Reading
}
