/** A segment whose end moves while its bytes arrive, and whose writes are done late and in any order. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SegmentWriter, type SegmentFile } from '../../src/segmented/segment-writer.ts'
import { randomBytes } from '../support/random-bytes.ts'

const STREAM = randomBytes(6_000_000, 'moving end')

/** Done when it is told, in the order of the numbers that it is told. */
class SlowFile implements SegmentFile {
  readonly bytes: Uint8Array = new Uint8Array(STREAM.length)
  readonly written: { start: number; end: number }[] = []
  readonly #pending: (() => void)[] = []

  write(bytes: Uint8Array, position: number, done: (error: Error | undefined) => void): void {
    // The buffer is the writer's until it is done: copied only then.
    this.#pending.push(() => {
      this.bytes.set(bytes, position)
      this.written.push({ start: position, end: position + bytes.length })
      done(undefined)
    })
  }

  get isBusy(): boolean {
    return this.#pending.length > 0
  }

  complete(pick: number): void {
    const [done] = this.#pending.splice(pick % Math.max(1, this.#pending.length), 1)
    done?.()
  }

  /** Whether all of `[start, end)` is on disk. */
  has(start: number, end: number): boolean {
    let at = start
    for (const piece of [...this.written].sort((a, b) => a.start - b.start)) {
      if (piece.start <= at) at = Math.max(at, piece.end)
    }
    return at >= end
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('receive' as const),
      amount: fc.integer({ min: 1, max: 700_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('complete' as const), amount: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('shorten' as const), amount: fc.nat(1_000_000) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('lengthen' as const), amount: fc.nat(500_000) }) },
)

test('the file has the segment as it ended, the overlap what came behind it, and no claim is too early', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        start: fc.integer({ min: 0, max: 500_000 }),
        length: fc.integer({ min: 1, max: 4_000_000 }),
        known: fc.integer({ min: 0, max: 4_096 }),
        overlap: fc.constantFrom(0, 1, 4_096),
      }),
      fc.array(step, { maxLength: 120 }),
      async ({ start, length, known: asked, overlap }, script) => {
        const file = new SlowFile()
        const known = Math.min(asked, start)
        const until = { end: start + length, overlapBytes: overlap }
        const writer = new SegmentWriter({ file, start, until, known: STREAM.subarray(start - known, start) })
        let at = start - known
        const flow = { isPaused: false }
        writer.onResume(() => (flow.isPaused = false))

        const receive = (amount: number): void => {
          if (flow.isPaused || writer.stopped !== undefined) return
          const room = writer.space()
          // A server whose file ends with the segment sends nothing behind it.
          const most = overlap === 0 ? until.end - at : STREAM.length - at
          const bytes = STREAM.subarray(at, at + Math.min(amount, room.length, most))
          if (bytes.length === 0) return
          room.set(bytes)
          at += bytes.length
          flow.isPaused = writer.received(bytes.length) === 'pause'
        }
        const expectHonest = (): void => {
          expect(file.has(start, writer.written)).toBe(true)
          expect(writer.written).toBeLessThanOrEqual(writer.position)
          expect(writer.position).toBe(Math.min(until.end, Math.max(start, at)))
        }

        for (const { does, amount } of script) {
          if (does === 'receive') receive(amount)
          if (does === 'complete') file.complete(amount)
          // Never to or before what has arrived, and only while it has not come to its end.
          if (at >= until.end) continue
          if (does === 'shorten') until.end = Math.max(writer.position + 1, until.end - amount)
          if (does === 'lengthen' && overlap > 0) until.end += amount
          expectHonest()
        }
        while (!writer.isWhole) {
          if (flow.isPaused) file.complete(0)
          receive(300_000)
          expectHonest()
        }
        const finished = writer.finish()
        for (let pick = 7; file.isBusy; pick += 3) file.complete(pick)
        await finished
        expect(writer.written).toBe(until.end)
        expect(Buffer.compare(file.bytes.subarray(start, until.end), STREAM.subarray(start, until.end))).toBe(
          0,
        )
        // Not a byte where another segment writes.
        expect(file.written.every((piece) => piece.start >= start && piece.end <= until.end)).toBe(true)
        if (overlap > 0) {
          const behind = STREAM.subarray(until.end, until.end + overlap)
          expect(Buffer.compare(writer.overlap.subarray(0, overlap), behind)).toBe(0)
          expect(writer.excessBytes).toBe(at - until.end)
        }
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)
