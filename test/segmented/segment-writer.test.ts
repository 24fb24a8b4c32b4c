import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OVERLAP_BYTES, SegmentWriter } from '../../src/segmented/segment-writer.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { deliver, inTurn, type Pace } from './receive.ts'
import { WrittenFile } from './written-file.ts'

const MIB = 1_048_576
const REMOTE = randomBytes(7 * MIB, 'remote')

interface Stretch {
  readonly start: number
  readonly end: number
  readonly known: number
  readonly overlap: number
}

interface Begun {
  readonly writer: SegmentWriter
  readonly file: WrittenFile
  /** What the server sends, from the first of the known bytes on. */
  readonly source: Buffer
}

function begin({ start, end, known, overlap }: Stretch): Begun {
  const file = new WrittenFile(start, Number.isFinite(end) ? end - start : REMOTE.length - start)
  const writer = new SegmentWriter({
    file,
    start,
    until: { end, overlapBytes: overlap },
    known: REMOTE.subarray(start - known, start),
  })
  return { writer, file, source: REMOTE.subarray(start - known) }
}

const lengths = fc.oneof(
  { arbitrary: fc.nat(200), weight: 2 },
  { arbitrary: fc.nat(300_000), weight: 2 },
  { arbitrary: fc.integer({ min: MIB, max: 6 * MIB }), weight: 3 },
)

/** A segment that is cut where `overlap` is not 0, and ends with the file where it is. */
const stretches: fc.Arbitrary<Stretch> = fc
  .record({
    start: fc.nat(10_000),
    length: lengths,
    known: fc.nat(OVERLAP_BYTES),
    overlap: fc.nat(OVERLAP_BYTES),
  })
  .map(({ start, length, known, overlap }) => ({
    start,
    end: start + length,
    known: Math.min(start, known),
    overlap,
  }))

const readSizes = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: 100, max: 70_000 }),
  fc.constant(MIB),
)
const paces: fc.Arbitrary<Pace> = fc.record({
  // Never only tiny ones: a million reads in a run would tell no more.
  reads: fc.array(readSizes, { minLength: 1, maxLength: 20 }).map((sizes) => [...sizes, 65_536, MIB]),
  writes: fc.array(fc.record({ count: fc.nat(2), which: fc.nat(3) }), { minLength: 1, maxLength: 10 }),
  late: fc.constantFrom(0, 0, 1, 3, 30),
})

describe('SegmentWriter', () => {
  test('puts every byte in its place, whatever the reads, the order of the writes and the pauses', async () => {
    await fc.assert(
      fc.asyncProperty(
        stretches,
        paces,
        fc.option(fc.nat(), { nil: undefined }),
        async (stretch, pace, breaksAt) => {
          const { start, end, known, overlap } = stretch
          const { writer, file, source } = begin(stretch)
          const wanted = known + (end - start) + overlap
          const sent = breaksAt === undefined || overlap === 0 ? wanted : breaksAt % (wanted + 1)
          // Behind the wanted bytes more are in flight where the segment does not end with the file.
          const offered =
            overlap > 0 && sent === wanted ? source.subarray(0, wanted + MIB) : source.subarray(0, sent)

          const { bytes, stopped, mostWaiting } = deliver(offered, writer, file, pace)
          const finished = writer.finish()
          while (file.carryOut(inTurn(pace.writes, 0).which));
          await finished

          const arrived = start + Math.min(Math.max(0, bytes - known), end - start)
          expect(writer.position).toBe(arrived)
          expect(file.content().equals(REMOTE.subarray(start, arrived))).toBe(true)
          const behind = Math.min(overlap, Math.max(0, start - known + bytes - end))
          expect(Buffer.compare(writer.overlap, REMOTE.subarray(end, end + behind))).toBe(0)
          // Cut, it is whole only with what proves its seam.
          expect(writer.isWhole).toBe(arrived === end && behind === overlap)
          expect(stopped).toBe(overlap > 0 && bytes >= wanted)
          expect(writer.stopped).toBe(stopped ? 'full' : undefined)
          if (pace.late === 0) expect(mostWaiting).toBeLessThanOrEqual(3)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('stops with the read that brings enough, and not before', () => {
    const { writer, file, source } = begin({ start: 0, end: 1_000, known: 0, overlap: 100 })
    const pace = { reads: [1], writes: [{ count: 0, which: 0 }], late: 0 }
    expect(deliver(source, writer, file, pace)).toMatchObject({ bytes: 1_100, stopped: true })
  })

  test('keeps an overlap that begins in one buffer and ends in the next', () => {
    const end = MIB - 50
    const { writer, file, source } = begin({ start: 0, end, known: 0, overlap: 100 })
    const pace = { reads: [65_536], writes: [{ count: 1, which: 0 }], late: 0 }
    expect(deliver(source, writer, file, pace)).toMatchObject({ bytes: MIB + 50, stopped: true })
    expect(Buffer.compare(writer.overlap, REMOTE.subarray(end, end + 100))).toBe(0)
  })

  test('pauses a source that is faster than the disk, within three buffers', () => {
    const { writer, file, source } = begin({ start: 0, end: 6 * MIB, known: 0, overlap: 0 })
    const pace = { reads: [65_536], writes: [{ count: 0, which: 0 }], late: 0 }
    const { pauses, mostWaiting, bytes } = deliver(source.subarray(0, 6 * MIB), writer, file, pace)
    expect(bytes).toBe(6 * MIB)
    expect(pauses).toBeGreaterThan(0)
    expect(mostWaiting).toBe(2)
  })

  test('does not wait for the disk where it keeps up', () => {
    const { writer, file, source } = begin({ start: 0, end: 6 * MIB, known: 0, overlap: 0 })
    const pace = { reads: [65_536], writes: [{ count: 1, which: 0 }], late: 0 }
    expect(deliver(source.subarray(0, 6 * MIB), writer, file, pace).pauses).toBe(0)
  })

  test('a known byte that comes differently: nothing is written and nothing counts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: OVERLAP_BYTES }),
        fc.nat(),
        fc.nat(2 * MIB),
        paces,
        async (known, which, length, pace) => {
          const stretch = { start: 10_000, end: 10_000 + length, known, overlap: 100 }
          const { writer, file, source } = begin(stretch)
          const altered = Buffer.from(source)
          altered[which % known] = ~(source[which % known] ?? 0)
          deliver(altered.subarray(0, known + length + 100), writer, file, pace)
          const finished = writer.finish()
          file.carryOutAll()
          await finished
          expect(writer.stopped).toBe('mismatch')
          expect(writer.isWhole).toBe(false)
          expect(writer.position).toBe(stretch.start)
          expect(file.content()).toHaveLength(0)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('more than the file has: told apart from a whole file, though its bytes are all there', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 5_000 }), paces, async (length, more, pace) => {
        const { writer, file, source } = begin({ start: 0, end: length, known: 0, overlap: 0 })
        const { stopped } = deliver(source.subarray(0, length + more), writer, file, pace)
        const finished = writer.finish()
        file.carryOutAll()
        await finished
        expect([stopped, writer.stopped, writer.isWhole, writer.position]).toEqual([
          true,
          'excess',
          false,
          length,
        ])
        expect(file.content().equals(REMOTE.subarray(0, length))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('an unknown end: takes whatever comes', async () => {
    const { writer, file, source } = begin({ start: 0, end: Infinity, known: 0, overlap: 0 })
    const pace = { reads: [65_536, 7], writes: [{ count: 1, which: 0 }], late: 2 }
    expect(deliver(source, writer, file, pace)).toMatchObject({ bytes: REMOTE.length, stopped: false })
    const finished = writer.finish()
    file.carryOutAll()
    await finished
    expect(file.content().equals(REMOTE)).toBe(true)
    expect(writer.position).toBe(REMOTE.length)
    expect(writer.isWhole).toBe(false)
  })

  test('a write that fails stops the source, also one that is paused, and is what finish() rejects with', async () => {
    const { writer, file, source } = begin({ start: 0, end: 6 * MIB, known: 0, overlap: 0 })
    const full = new Error('the disk is full')
    file.failWith(full)
    const pace = { reads: [65_536], writes: [{ count: 0, which: 0 }], late: 0 }
    const { stopped, bytes, pauses } = deliver(source.subarray(0, 6 * MIB), writer, file, pace)
    expect({ stopped, pauses }).toEqual({ stopped: true, pauses: 1 })
    expect(bytes).toBeLessThan(4 * MIB)
    expect(writer.stopped).toBe('write-failed')
    expect(writer.isWhole).toBe(false)
    const finished = writer.finish()
    file.carryOutAll()
    await expect(finished).rejects.toBe(full)
  })

  test('finish() waits for the last write, wherever it is in the row', async () => {
    const { writer, file, source } = begin({ start: 0, end: 3 * MIB, known: 0, overlap: 0 })
    const pace = { reads: [65_536], writes: [{ count: 0, which: 0 }], late: 60 }
    deliver(source.subarray(0, 3 * MIB), writer, file, pace)
    let isFinished = false
    const finished = writer.finish().then(() => (isFinished = true))
    while (file.waiting.length > 0) {
      await Promise.resolve()
      expect(isFinished).toBe(false)
      file.carryOut(1)
    }
    await finished
    expect(file.content().equals(REMOTE.subarray(0, 3 * MIB))).toBe(true)
  })
})
