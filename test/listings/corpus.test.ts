/** What each known server lists, and what is to come of it. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/listing/entry.ts'
import { parseListing } from '../../src/listing/parse-listing.ts'

/** An entry as the corpus writes it: without what the line does not tell. */
type Expected = Partial<Omit<Entry, 'modifiedAt'>> & { readonly modifiedAt?: string }

interface Listing {
  readonly from: string
  readonly now: string
  readonly timeZone: string
  readonly lines: readonly string[]
  readonly entries: readonly Expected[]
}

interface Corpus {
  readonly format: string
  readonly listings: readonly Listing[]
}

const FOLDER = new URL('corpus/', import.meta.url)
const corpora = readdirSync(FOLDER).map((file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Corpus)

describe.each(corpora)('$format', ({ format, listings }) => {
  it.each(listings)('$from', (listing) => {
    const got = parseListing(listing.lines.join('\n'), { format: format === 'mlsd' ? 'mlsd' : 'list', now: new Date(listing.now), timeZone: listing.timeZone })
    expect(got.map(({ raw, path, ...r }) => JSON.parse(JSON.stringify(r)))).toEqual(listing.entries.map(({ raw, ...r }) => r))
  })
})
