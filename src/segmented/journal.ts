/**
 * What a journal says: of which source an unfinished file is, and which of its bytes are there. Pure.
 *
 * A journal is believed only if it is, byte for byte, what this version would have written itself. All doubt ends
 * in `undefined`, and that in a download from the start: slower, but never a wrong file.
 */
import { mergeRanges, type ByteRange } from './ranges.ts'

/** Where the bytes came from. Never the user or the password: a journal lies about as long as nobody cleans up. */
export interface JournalSource {
  readonly scheme: string
  readonly host: string
  readonly port: number
  /** The bytes of the remote path, percent-encoded. */
  readonly path: string
}

export interface JournalRecord {
  readonly source: JournalSource
  /** Bytes of the whole file. */
  readonly size: number
  /** The source's modification time in ms since the epoch; `undefined` where the server does not tell. */
  readonly modified: number | undefined
  /** What is on disk, half-open. */
  readonly ranges: readonly ByteRange[]
}

/**
 * An encoded journal is no longer than this. About 2,000 ranges of a file in the terabytes: some thirty for each of
 * 64 connections, and what touches is one range.
 */
export const JOURNAL_BYTES: number = 60 * 1024

/** Another number for everything that an older version would read wrongly. */
const VERSION = 1

/** `,` and the brackets around two numbers and their comma. */
const RANGE_PUNCTUATION = 4

/**
 * The record as bytes, its ranges merged. Where there are too many for {@link JOURNAL_BYTES}, the smallest are left
 * out: they are fetched again.
 *
 * @throws RangeError if the source alone is too long
 */
export function encodeJournal(record: JournalRecord): Uint8Array {
  const room = JOURNAL_BYTES - write(record, []).length
  if (room < 0)
    throw new RangeError(`The path of the source is too long for a journal of ${JOURNAL_BYTES} bytes`)
  return write(record, largest(mergeRanges(record.ranges), room))
}

/** The record in `bytes`, or `undefined` for anything that {@link encodeJournal} would not have written. */
export function decodeJournal(bytes: Uint8Array): JournalRecord | undefined {
  if (bytes.length > JOURNAL_BYTES) return undefined
  const record = recordFrom(parse(bytes))
  if (record === undefined) return undefined
  // What the checks of types let pass shows here: unsorted ranges, unknown or doubled keys, 1e3 for 1000.
  return write(record, mergeRanges(record.ranges)).equals(bytes) ? record : undefined
}

function write({ source, size, modified }: JournalRecord, ranges: readonly ByteRange[]): Buffer {
  // Named one by one: whatever else an object carries, a password say, stays out.
  const { scheme, host, port, path } = source
  const pairs = ranges.map(({ start, end }) => [start, end])
  const facts = { scheme, host, port, path, size, modified: modified ?? null }
  return Buffer.from(JSON.stringify({ octoftpJournal: VERSION, ...facts, ranges: pairs }))
}

/** As many of `ranges` as fit into `room` bytes, the largest first, in ascending order. */
function largest(ranges: readonly ByteRange[], room: number): ByteRange[] {
  const bySize = [...ranges].sort((a, b) => b.end - b.start - (a.end - a.start))
  let left = room
  const kept = new Set<ByteRange>()
  for (const range of bySize) {
    left -= `${range.start}${range.end}`.length + RANGE_PUNCTUATION
    if (left < 0) break
    kept.add(range)
  }
  return ranges.filter((range) => kept.has(range))
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

function recordFrom(content: unknown): JournalRecord | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const { octoftpJournal, scheme, host, port, path, size, modified, ranges } = content as Record<
    string,
    unknown
  >
  if (octoftpJournal !== VERSION) return undefined
  if (typeof scheme !== 'string' || typeof host !== 'string' || typeof path !== 'string') return undefined
  if (!isWhole(port, 1, 65_535) || !isWhole(size, 0)) return undefined
  if (modified !== null && !isWhole(modified, Number.MIN_SAFE_INTEGER)) return undefined
  if (!Array.isArray(ranges) || !ranges.every((range) => isRange(range, size))) return undefined
  const inside = ranges.map(([start, end]) => ({ start, end }))
  return { source: { scheme, host, port, path }, size, modified: modified ?? undefined, ranges: inside }
}

function isRange(value: unknown, size: number): value is [start: number, end: number] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [start, end] = value as unknown[]
  return isWhole(start, 0, size) && isWhole(end, 0, size)
}

function isWhole(value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}
