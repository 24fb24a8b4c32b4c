/** What each known server lists, and what comes of it: as it is, cut in lines, and with junk in it. */
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/listing/entry.ts'
import { ListingParser } from '../../src/listing/listing-parser.ts'
import { parseListing, type ParseListingOptions } from '../../src/listing/parse-listing.ts'
import { corpora, described, expected, FIELDS, type CorpusListing } from './corpus.ts'

const JUNK = '?? nobody knows this line ??'

function optionsOf(format: string, { now, timeZone }: CorpusListing) {
  return { format: format === 'mlsd' ? 'mlsd' : 'list', now: new Date(now), timeZone } as const
}

/** Where a line goes on that was begun in the line before. */
function continuedLines(lines: readonly string[], entries: readonly Entry[]): readonly number[] {
  const wrapped = entries.filter(({ raw }) => raw.includes('\n')).map(({ raw }) => raw)
  return lines.flatMap((line, at) => (wrapped.includes(`${lines[at - 1]}\n${line}`) ? [at] : []))
}

function parsePushed(lines: readonly string[], options: ParseListingOptions & { now: Date }): Entry[] {
  const parser = new ListingParser(options)
  const entries: Entry[] = []
  for (const line of lines) parser.push(line, entries)
  parser.end(entries)
  return entries
}

describe.each(corpora)('$format', ({ format, listings }) => {
  it.each(listings)('$from', (listing) => {
    const entries = parseListing(listing.lines.join('\n'), optionsOf(format, listing))
    expect(entries.map(described)).toStrictEqual(listing.entries.map(expected))
  })

  it.each(listings)('$from: lines that end with CR LF, the format not told, line by line', (listing) => {
    const options = optionsOf(format, listing)
    const entries = parseListing(listing.lines.join('\n'), options).map(described)
    const untold = { now: options.now, timeZone: options.timeZone }
    expect(parseListing(`${listing.lines.join('\r\n')}\r\n`, options).map(described)).toStrictEqual(entries)
    expect(parseListing(listing.lines.join('\r\n'), untold).map(described)).toStrictEqual(entries)
    expect(parsePushed(listing.lines, options).map(described)).toStrictEqual(entries)
  })

  it.each(listings)('$from: a line that nobody knows costs no other', (listing) => {
    const options = optionsOf(format, listing)
    const clean = parseListing(listing.lines.join('\n'), options)
    const continued = continuedLines(listing.lines, clean)
    for (let at = 0; at <= listing.lines.length; at++) {
      if (continued.includes(at)) continue
      const entries = parseListing(listing.lines.toSpliced(at, 0, JUNK).join('\n'), options)
      const junk = entries.filter(({ name }) => name === JUNK)
      expect(junk).toMatchObject([{ type: 'other', raw: JUNK }])
      const others = entries.filter((entry) => !junk.includes(entry))
      expect(others.map(described)).toStrictEqual(clean.map(described))
    }
  })

  it.each(listings)('$from: every entry has its lines, and one shape', (listing) => {
    const entries = parseListing(listing.lines.join('\n'), optionsOf(format, listing))
    const lines = entries.flatMap(({ raw }) => raw.split('\n'))
    let at = 0
    for (const line of lines) at = listing.lines.indexOf(line, at) + 1 || Infinity
    expect(at).toBeLessThanOrEqual(listing.lines.length)
    entries.forEach((entry, index) => {
      expect(Object.keys(entry)).toEqual(FIELDS)
      expect(entry.raw).toContain(entry.name)
      if (listing.entries[index]?.raw !== undefined) expect(entry.raw).toBe(listing.entries[index].raw)
    })
  })
})
