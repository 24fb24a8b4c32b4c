/** The listing parsers: nothing is thrown, nothing is lost, and lines are the same however they come. */
import type { Entry } from '../../../src/listing/entry.ts'
import { ListingParser } from '../../../src/listing/listing-parser.ts'
import { parseListing, type ParseListingOptions } from '../../../src/listing/parse-listing.ts'
import { unsafeName } from '../../../src/local/safe-name.ts'
import { LineSplitter } from '../../../src/operations/listing-receiver.ts'
import { UTF_8 } from '../../../src/protocol/text-codec.ts'
import { corpora, described } from '../../listings/corpus.ts'
import type { Random } from '../random.ts'
import { bytesOf, type Target } from '../target.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
/** Another than UTC takes much longer. */
const ZONES = ['UTC', 'UTC', 'UTC', 'UTC', 'UTC', 'UTC', 'Europe/Berlin', 'Pacific/Apia']
type Parse = (text: string, options: ParseListingOptions) => Entry[]

/** Takes a size beyond what a number holds for one that it holds. */
const parsePlanted: Parse = (text, options) =>
  parseListing(text, options).map((entry) =>
    entry.size === undefined && /\d{17}/.test(entry.raw) && entry.type === 'file'
      ? { ...entry, size: Number(/\d{17}/.exec(entry.raw)) }
      : entry,
  )

function check(subject: Parse, input: Uint8Array, random: Random): void {
  const format = random.of(['mlsd', 'list', undefined] as const)
  const options = { format, now: NOW, timeZone: random.of(ZONES) }
  const text = UTF_8.decode(input)
  if (!Buffer.from(input).equals(UTF_8.encode(text))) throw new Error('a name goes out as other bytes')
  const entries = subject(text, options)
  plausible(entries, text)
  const inPieces = readInPieces(random.pieces(input), options)
  if (shown(inPieces) !== shown(entries)) throw new Error('cut anywhere, it is something else')
}

function plausible(entries: readonly Entry[], text: string): void {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  let at = 0
  for (const { raw, name, size, modifiedAt, modifiedPrecision } of entries) {
    for (const line of raw.split('\n')) {
      at = lines.indexOf(line, at) + 1
      if (at === 0) throw new Error('an entry is of no line, or of one that was read before')
    }
    if (['', '.', '..'].includes(name)) throw new Error('an entry has no name')
    if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0))
      throw new Error('a size is no number')
    if (Number.isNaN(modifiedAt?.getTime())) throw new Error('a time is none')
    if ((modifiedAt === undefined) !== (modifiedPrecision === undefined))
      throw new Error('a time has no precision')
    stays(name)
  }
}

/** A name that is let through names a file in the folder itself. */
function stays(name: string): void {
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    const leads = platform === 'win32' ? /[/\\:\0]|^\.\.?$/ : /[/\0]|^\.\.?$/
    if (unsafeName(name, platform) === undefined && leads.test(name))
      throw new Error('a name leads elsewhere')
  }
}

function readInPieces(pieces: readonly Uint8Array[], options: ParseListingOptions): Entry[] {
  const lines = new LineSplitter(UTF_8)
  const parser = new ListingParser({ ...options, now: NOW })
  const entries: Entry[] = []
  const take = (texts: readonly string[]): void => texts.forEach((text) => parser.push(text, entries))
  for (const piece of pieces) take(lines.push(Buffer.from(piece)))
  take(lines.end())
  parser.end(entries)
  return entries
}

function shown(entries: readonly Entry[]): string {
  return JSON.stringify(entries.map((entry) => [entry.raw, described(entry)]))
}

const listings = corpora.flatMap((one) => one.listings.map(({ lines }) => lines))

export const listing: Target = {
  name: 'listings',
  seeds: listings.map((lines) => bytesOf(lines.slice(0, 12).join('\r\n'))),
  words: [
    ...[
      '\r\n',
      '\n',
      ' ',
      '  ',
      '\t',
      ';',
      '=',
      ' -> ',
      '; ',
      ']',
      '(',
      '.DIR;1',
      '<DIR>',
      'type=dir;',
      'size=',
    ],
    ...[
      'modify=20240229123456;',
      'Jan  2 03:04',
      '2024-01-02',
      '12:34',
      'drwxr-xr-x',
      'lrwxrwxrwx',
      '12345678',
    ],
  ],
  check: (input, random) => check(parseListing, input, random),
  checkPlanted: (input, random) => check(parsePlanted, input, random),
  planted: 'a size with more digits than a number holds is told all the same',
}
