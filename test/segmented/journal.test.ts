import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JournalFile } from '../../src/local/journal-file.ts'
import {
  decodeJournal,
  encodeJournal,
  JOURNAL_BYTES,
  type JournalRecord,
} from '../../src/segmented/journal.ts'
import { coveredBytes, gapsIn, mergeRanges } from '../../src/segmented/ranges.ts'

const records: fc.Arbitrary<JournalRecord> = fc.maxSafeNat().chain((size) =>
  fc.record({
    source: fc.record({
      scheme: fc.constantFrom('ftp', 'ftpes', 'ftps'),
      host: fc.string({ unit: 'binary' }),
      port: fc.integer({ min: 1, max: 65_535 }),
      path: fc.string({ unit: 'binary' }),
    }),
    size: fc.constant(size),
    modified: fc.option(fc.maxSafeInteger(), { nil: undefined }),
    ranges: fc.array(fc.record({ start: fc.nat(size), end: fc.nat(size) }), { maxLength: 40 }),
  }),
)

const record: JournalRecord = {
  source: { scheme: 'ftpes', host: 'ftp.example.org', port: 21, path: 'pub/disk%20one.iso' },
  size: 1000,
  modified: 981_173_106_789,
  ranges: [
    { start: 0, end: 100 },
    { start: 200, end: 300 },
  ],
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const decodeText = (json: string): JournalRecord | undefined => decodeJournal(Buffer.from(json))

describe('a journal', () => {
  test('is read as it was written, its ranges merged', () => {
    fc.assert(
      fc.property(records, (given) => {
        expect(decodeJournal(encodeJournal(given))).toEqual({ ...given, ranges: mergeRanges(given.ranges) })
      }),
    )
  })

  test('knows no user and no password, whatever the objects carry', () => {
    const source = { ...record.source, user: 'octo', password: 'sesame' }
    const carrying: JournalRecord & { secret: string } = { ...record, source, secret: 'sesame' }
    expect(text(encodeJournal(carrying))).toBe(text(encodeJournal(record)))
    expect(text(encodeJournal(carrying))).not.toMatch(/octo"|sesame/)
  })

  test('fits into its file', () => {
    expect(JOURNAL_BYTES).toBeLessThanOrEqual(JournalFile.CAPACITY)
  })
})

describe('too many ranges', () => {
  const size = 2 ** 52
  /** Far up, where numbers are longest; of lengths that differ, in no order. */
  const ranges = Array.from({ length: 5_000 }, (_, index) => {
    const start = 2 ** 50 + index * 100_000
    return { start, end: start + 1 + ((index * 7_919) % 99_991) }
  })
  const encoded = encodeJournal({ ...record, size, ranges })
  const kept = decodeJournal(encoded)?.ranges ?? []

  test('fill the room that there is', () => {
    expect(encoded.length).toBeLessThanOrEqual(JOURNAL_BYTES)
    expect(encoded.length).toBeGreaterThan(JOURNAL_BYTES - 40)
  })

  test('leave out the smallest, and claim nothing that is not there', () => {
    const lengths = ranges.map(({ start, end }) => end - start).sort((a, b) => b - a)
    expect(kept.length).toBeGreaterThan(1_000)
    expect(coveredBytes(kept)).toBe(lengths.slice(0, kept.length).reduce((sum, length) => sum + length))
    expect(coveredBytes([...gapsIn(ranges, size), ...kept])).toBe(
      coveredBytes(gapsIn(ranges, size)) + coveredBytes(kept),
    )
  })

  test('are no more bytes than allowed, whatever they are', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 2 ** 30 }), { maxLength: 4_000, size: 'max' })
    fc.assert(
      fc.property(lengths, (some) => {
        const apart = some.map((length, index) => ({ start: index * 2 ** 31, end: index * 2 ** 31 + length }))
        const bytes = encodeJournal({ ...record, size, ranges: apart })
        expect(bytes.length).toBeLessThanOrEqual(JOURNAL_BYTES)
        expect(decodeJournal(bytes)).toBeDefined()
      }),
      { numRuns: 20 },
    )
  })

  test('a path that leaves no room at all is an error', () => {
    const source = { ...record.source, path: 'a'.repeat(JOURNAL_BYTES) }
    expect(() => encodeJournal({ ...record, source })).toThrow(RangeError)
  })
})

describe('what is not understood', () => {
  const json = text(encodeJournal(record))

  test('nothing, and other things than journals', () => {
    for (const other of ['', ' ', '{}', '[]', 'null', '1', '"a"', '\0\0\0', 'not json'])
      expect(decodeText(other)).toBeUndefined()
    expect(decodeJournal(Buffer.from([0xff, 0xfe, 0xfd]))).toBeUndefined()
    expect(decodeJournal(Buffer.alloc(10_000_000, ' '))).toBeUndefined()
  })

  test('a journal that is longer than one can be', () => {
    const longPath = 'a'.repeat(JOURNAL_BYTES - json.length + record.source.path.length)
    expect(decodeText(json.replace(record.source.path, longPath))?.source.path).toBe(longPath)
    expect(decodeText(json.replace(record.source.path, `${longPath}a`))).toBeUndefined()
  })

  test('bytes that are no UTF-8, in the place of those that are', () => {
    const bytes = Buffer.from(encodeJournal({ ...record, source: { ...record.source, path: '\u{fffd}' } }))
    expect(decodeJournal(bytes)).toBeDefined()
    const at = bytes.indexOf('\u{fffd}')
    const broken = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at + 3)])
    expect(decodeJournal(broken)).toBeUndefined()
  })

  test.each([
    ['another version', '"octoftpJournal":1', '"octoftpJournal":2'],
    ['no version', '"octoftpJournal":1,', ''],
    ['a scheme that is no text', '"ftpes"', '5'],
    ['a host that is missing', '"host":"ftp.example.org",', ''],
    ['a path that is no text', '"pub/disk%20one.iso"', '["a"]'],
    ['port 0', '"port":21', '"port":0'],
    ['a port too high', '"port":21', '"port":65536'],
    ['a port in quotes', '"port":21', '"port":"21"'],
    ['a size below zero', '"size":1000', '"size":-1000'],
    ['minus zero', '[0,100]', '[-0,100]'],
    ['a size that is no whole number', '"size":1000', '"size":1000.5'],
    ['a size that is whole but said otherwise', '"size":1000', '"size":1e3'],
    ['a size that no number holds', '"size":1000', '"size":9007199254740993'],
    ['a time that is no number', '981173106789', '"2001"'],
    ['a time that is missing', ',"modified":981173106789', ''],
    ['ranges that are no list', '[[0,100],[200,300]]', '{}'],
    ['a range that is no pair', '[0,100]', '[0,100,1]'],
    ['a range that is no list', '[0,100]', '{"start":0,"end":100}'],
    ['a range of texts', '[0,100]', '["0","100"]'],
    ['a range with half a byte', '[0,100]', '[0,99.5]'],
    ['a range with nothing', '[0,100]', '[0,null]'],
    ['a range below zero', '[0,100]', '[-1,100]'],
    ['a range beyond the size', '[200,300]', '[200,1001]'],
    ['an empty range', '[0,100]', '[0,0]'],
    ['a range that ends before it starts', '[0,100]', '[100,0]'],
    ['ranges out of order', '[[0,100],[200,300]]', '[[200,300],[0,100]]'],
    ['ranges that overlap', '[200,300]', '[99,300]'],
    ['ranges that touch', '[200,300]', '[100,300]'],
    ['an unknown key', '"size":1000', '"size":1000,"sparse":true'],
    ['a key twice', '"size":1000', '"size":999,"size":1000'],
    ['space', '"size":1000', '"size": 1000'],
    ['something behind it', ']}', ']}\n'],
  ])('%s', (_what, from, to) => {
    expect(decodeText(json)).toEqual(record)
    expect(json).toContain(from)
    expect(decodeText(json.replace(from, to))).toBeUndefined()
  })

  test('numbers that grow when written out: no error', () => {
    const ranges = Array.from({ length: 6_000 }, () => '[0,1e9]').join()
    const short = json.replace('"size":1000', `"size":1e15`).replace('[0,100],[200,300]', ranges)
    expect(short.length).toBeLessThan(JOURNAL_BYTES)
    expect(decodeText(short)).toBeUndefined()
  })

  test('any part of a journal, and any journal with a byte changed, is void or says what was in it', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(255), (given, position, byte) => {
        const bytes = Buffer.from(encodeJournal(given))
        expect(decodeJournal(bytes.subarray(0, position % bytes.length))).toBeUndefined()
        bytes[position % bytes.length] = byte
        const changed = decodeJournal(bytes)
        if (changed !== undefined) expect(Buffer.from(encodeJournal(changed)).equals(bytes)).toBe(true)
      }),
    )
  })
})
