import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Relay } from '../../src/segmented/relay.ts'
import { SegmentWriter } from '../../src/segmented/segment-writer.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { deliver } from './receive.ts'
import { WrittenFile } from './written-file.ts'

const REMOTE = randomBytes(3_000_000, 'relay')
const OVERLAP = 100

interface Leg {
  readonly start: number
  end: number
  readonly file: WrittenFile
  readonly writer: SegmentWriter
}

function leg(start: number, end: number, known = 0, onEnd: () => void = () => {}): Leg {
  const file = new WrittenFile(start, 2_000_000)
  const until = { end, overlapBytes: OVERLAP }
  const writer = new SegmentWriter({
    ...{ file, start, until, known: REMOTE.subarray(start - known, start) },
    onEnd,
  })
  const made: Leg = {
    ...{ start, file, writer },
    get end() {
      return until.end
    },
    set end(to: number) {
      until.end = to
    },
  }
  return made
}

const pace = fc.record({
  // Not by single bytes: where it fails, finding the smallest case would take minutes.
  reads: fc.array(fc.integer({ min: 500, max: 300_000 }), { minLength: 1, maxLength: 5 }),
  writes: fc.array(fc.record({ count: fc.nat(2), which: fc.nat(5) }), { minLength: 1, maxLength: 5 }),
  late: fc.nat(3),
})

function contentOf({ file }: Leg): Buffer {
  file.carryOutAll()
  return file.content()
}

describe('Relay', () => {
  test('each segment gets its bytes and none of what lies between, however they arrive', () => {
    const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 400_000 }), fc.nat(300_000)), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(lengths, pace, fc.nat(1_000), (parts, how, start) => {
        let at = start
        const legs = parts.map(([length, gap]) => {
          const made = leg(at, at + length)
          at = made.end + OVERLAP + gap
          return made
        })
        const [first, ...others] = legs
        if (first === undefined) return
        const relay = new Relay(first.writer, () => others.shift()?.writer)
        // Carries out the writes of all of them.
        const disk = {
          waiting: [],
          carryOut: (which: number) => legs.map(({ file }) => file.carryOut(which)).includes(true),
        } as unknown as WrittenFile
        const { stopped } = deliver(REMOTE.subarray(start), relay, disk, how)
        expect(stopped).toBe(true)
        for (const one of legs) {
          expect(contentOf(one).equals(REMOTE.subarray(one.start, one.end))).toBe(true)
          expect(Buffer.compare(one.writer.overlap, REMOTE.subarray(one.end, one.end + OVERLAP))).toBe(0)
          expect(one.writer.isWhole).toBe(true)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('an end that is moved when it is reached is no end: nothing is read twice or lost', () => {
    fc.assert(
      fc.property(
        pace,
        fc.integer({ min: 1, max: 900_000 }),
        fc.integer({ min: 1, max: 900_000 }),
        (how, length, more) => {
          let asked = 0
          const only: Leg = leg(1_000, 1_000 + length, 200, () => {
            asked += 1
            if (asked === 1) only.end += more
          })
          const relay = new Relay(only.writer, () => undefined)
          expect(deliver(REMOTE.subarray(800), relay, only.file, how).stopped).toBe(true)
          const end = 1_000 + length + more
          expect(contentOf(only).equals(REMOTE.subarray(1_000, end))).toBe(true)
          expect(Buffer.compare(only.writer.overlap, REMOTE.subarray(end, end + OVERLAP))).toBe(0)
          expect(asked).toBeGreaterThanOrEqual(1)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('an end that is moved when a buffer was full among the bytes behind it leaves no hole', () => {
    const length = 200_000
    const only: Leg = leg(0, length, 0, () => {
      if (only.end === length) only.end = 900_000
    })
    const relay = new Relay(only.writer, () => undefined)
    // The second leaves less room than a read is worth, fifty bytes behind the end.
    const how = { reads: [134_000, 66_050, 50, 300_000, 300_000], writes: [{ count: 2, which: 0 }], late: 0 }
    expect(deliver(REMOTE, relay, only.file, how).stopped).toBe(true)
    expect(only.writer.written).toBeLessThanOrEqual(900_000)
    expect(contentOf(only).equals(REMOTE.subarray(0, 900_000))).toBe(true)
    expect(only.writer.written).toBe(900_000)
    expect(Buffer.compare(only.writer.overlap, REMOTE.subarray(900_000, 900_000 + OVERLAP))).toBe(0)
  })

  test('what was kept behind an end that has moved counts as written when it is', () => {
    const length = 200_000
    const only: Leg = leg(0, length, 0, () => {
      if (only.end === length) only.end = 900_000
    })
    const relay = new Relay(only.writer, () => undefined)
    const nothing = { writes: [{ count: 0, which: 0 }], late: 0 }
    deliver(REMOTE.subarray(0, length + OVERLAP), relay, only.file, {
      ...nothing,
      reads: [134_000, 66_050, 50],
    })
    expect(only.writer.written).toBe(0)
    // The buffer before it, and not yet what was kept.
    only.file.carryOut(0)
    expect(only.writer.written).toBe(length)
    only.file.carryOut(0)
    expect(only.writer.written).toBe(length + 50)
  })

  test('is cut where nothing follows', () => {
    const only = leg(0, 1_000)
    const relay = new Relay(only.writer, () => undefined)
    const how = { reads: [1], writes: [{ count: 0, which: 0 }], late: 0 }
    expect(deliver(REMOTE, relay, only.file, how)).toMatchObject({ bytes: 1_000 + OVERLAP, stopped: true })
  })
})
