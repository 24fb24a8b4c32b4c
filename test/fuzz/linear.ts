/**
 * Inputs of every kind, doubled up to 64 MB, and how the time that each takes grows with it. The time is
 * the processor's, the best of three for all but the largest: what is left of it that is not the input's own is noise.
 */
import { ListingParser } from '../../src/listing/listing-parser.ts'
import { parseListing } from '../../src/listing/parse-listing.ts'
import { decodeJournal } from '../../src/segmented/journal.ts'
import { LineSplitter } from '../../src/operations/listing-receiver.ts'
import { ReplyParser } from '../../src/protocol/reply-parser.ts'
import { parseSources } from '../../src/protocol/sources.ts'
import { UTF_8 } from '../../src/protocol/text-codec.ts'
import { parseFtpUrl } from '../../src/protocol/url.ts'
import { corpora } from '../listings/corpus.ts'

const MIB = 1_048_576
const MOST_BYTES = 64 * MIB
const TRIES = 3
/** From this size on one try is enough: noise is little beside what it takes, and the memory of three is much. */
const LARGE_BYTES = 16 * MIB
/** From this size on the growth is looked at: below, compiling and the clock say more. */
const FIRST_BYTES = 4 * MIB
/** The power of the size that the time grows by: 1 is linear, 2 is quadratic; caches and collections add some. */
const MOST_POWER = 1.4
/** Less says more of the clock than of the work. Milliseconds. */
const LEAST_MS = 20

interface Subject {
  readonly what: string
  readonly unit: string | Uint8Array
  readonly run: (input: Buffer) => void
}

/** Prints a line for each; `false` where one grows faster than it should. */
export function showGrowth(): boolean {
  const slow = subjects().filter((subject) => !isLinear(subject))
  console.log(
    slow.length === 0
      ? 'all grow as their inputs do'
      : `too fast: ${slow.map(({ what }) => what).join('; ')}`,
  )
  return slow.length === 0
}

function isLinear({ what, unit, run }: Subject): boolean {
  const times = new Map<number, number>()
  for (let size = MIB; size <= MOST_BYTES; size *= 2) {
    const input = Buffer.alloc(size, unit)
    const tries = size < LARGE_BYTES ? TRIES : 1
    times.set(size, Math.min(...Array.from({ length: tries }, () => processorMs(() => run(input)))))
  }
  const [first, last] = [FIRST_BYTES, MOST_BYTES].map((size) => Math.max(LEAST_MS, times.get(size) ?? 0))
  const power = Math.log2((last ?? 0) / (first ?? 1)) / Math.log2(MOST_BYTES / FIRST_BYTES)
  const shown = [...times.values()].map((ms) => ms.toFixed(0)).join(', ')
  console.log(`${what}: ${shown} ms; by the power ${power.toFixed(2)}`)
  return power <= MOST_POWER
}

function processorMs(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

function subjects(): Subject[] {
  return [...ofReplies(), ...ofListings(), ...ofTexts()]
}

function ofReplies(): Subject[] {
  const units: [string, string | Uint8Array][] = [
    ['short replies', '226 Transfer complete\r\n'],
    ['replies of many lines', '211-Features:\r\n MDTM\r\n UTF8\r\n211 End\r\n'],
    ['empty lines', '\r\n'],
    ['Telnet', Buffer.from('\xff\xfb\x01220 x\r\n', 'latin1')],
  ]
  return units.flatMap(([what, unit]) =>
    [64 * 1_024, 7].map((chunk) => ({ what: `${what}, by ${chunk} bytes`, unit, run: pushing(chunk) })),
  )
}

function pushing(chunk: number): (input: Buffer) => void {
  return (input) => {
    const parser = new ReplyParser()
    for (let at = 0; at < input.length && parser.failure === undefined; at += chunk) {
      parser.push(input.subarray(at, at + chunk))
    }
  }
}

function ofListings(): Subject[] {
  const options = { now: new Date('2026-11-21T12:00:00Z') }
  const whole = corpora.map(({ format, listings }) => ({
    what: `a listing of ${format}`,
    unit: `${listings.flatMap(({ lines }) => lines).join('\r\n')}\r\n`,
    run: (input: Buffer) => void parseListing(input.toString(), options),
  }))
  const odd = ['-rw-r--r-- 1 a a 1 Jan  2 03:04 x -> ', 'type=file;size=1;', ' ', '1 2 3 ', '\t', 'ä'].map(
    (unit) => ({
      what: `one line of ${JSON.stringify(unit)}`,
      unit,
      run: (input: Buffer) => void parseListing(input.toString(), options),
    }),
  )
  const splitter = {
    what: 'a listing as it comes',
    unit: 'type=file;size=1;modify=20240229123456; näme\r\n',
    run: (input: Buffer) => {
      const lines = new LineSplitter(UTF_8)
      const parser = new ListingParser(options)
      for (let at = 0; at < input.length; at += 65_536) {
        for (const line of lines.push(input.subarray(at, at + 65_536))) parser.push(line, [])
      }
    },
  }
  return [...whole, ...odd, splitter]
}

function ofTexts(): Subject[] {
  const url = (input: Buffer): void => {
    try {
      parseFtpUrl(`ftp://host/${input.toString('latin1')}`)
      parseFtpUrl(`ftp://${input.toString('latin1')}`)
    } catch {
      // Refusing it is not the question here.
    }
  }
  const sources = (input: Buffer): void => {
    try {
      parseSources(input.toString())
    } catch {
      // Nor here.
    }
  }
  return [
    ...['a', '%41', '/', '@', ';type=', ' ', '#'].map((unit) => ({
      what: `a URL of ${unit}`,
      unit,
      run: url,
    })),
    { what: 'sources', unit: 'ftp://a.example.org/x.iso # near\r\n', run: sources },
    { what: 'comments', unit: '# x\n', run: sources },
    { what: 'blanks', unit: ' ', run: sources },
    { what: 'a journal', unit: '[1,2],', run: (input) => void decodeJournal(input) },
  ]
}
