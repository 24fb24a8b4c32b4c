import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Board } from '../../src/segmented/board.ts'
import { SegmentJob } from '../../src/segmented/job.ts'
import { planGaps } from '../../src/segmented/plan.ts'
import { coveredBytes, gapsIn, mergeRanges, type ByteRange } from '../../src/segmented/ranges.ts'
import { RetryBudget } from '../../src/segmented/retry.ts'

const SIZE = 10_000_000
const POLICY = { attempts: 1, minDelay: 0, maxDelay: 0, factor: 1, jitter: 0 }
const PACE = { bytesPerSecond: 1_000_000, startSeconds: 0.01 }

function newBudget(): RetryBudget {
  return new RetryBudget(POLICY, SIZE, Math.random)
}

function boardOf(done: readonly ByteRange[], connections: number): Board {
  const jobs = planGaps(gapsIn(done, SIZE), connections, 1_000).map(
    (segment) => new SegmentJob({ ...segment, size: SIZE, retries: newBudget() }),
  )
  return new Board({ jobs, done, newBudget, speedOf: () => 500_000 })
}

/** Every byte is done, or in one segment. */
function expectWhole(board: Board): void {
  const parts = board.segments
  expect(parts[0]?.start).toBe(0)
  expect(parts.at(-1)?.end).toBe(SIZE)
  expect(parts.slice(1).map(({ start }) => start)).toEqual(parts.slice(0, -1).map(({ end }) => end))
}

const ranges = fc
  .array(fc.tuple(fc.nat(SIZE), fc.nat(SIZE / 4)), { maxLength: 5 })
  .map((pairs) =>
    mergeRanges(pairs.map(([start, length]) => ({ start, end: Math.min(SIZE, start + length) }))),
  )
const steps = fc.array(
  fc.record({
    does: fc.constantFrom('take', 'move', 'finish', 'put back', 'share', 'extend', 'give up'),
    source: fc.nat(2),
    which: fc.nat(),
    by: fc.nat(3_000_000),
  }),
  { maxLength: 200 },
)

describe('Board', () => {
  test('every byte is in one place, whatever is taken, split, finished and put back', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 8 }), steps, (done, connections, script) => {
        const board = boardOf(done, connections)
        const running: SegmentJob[] = []
        let written = coveredBytes(done)
        const sources: object[] = [{}, {}, {}]
        for (const { does, which, by, source } of script) {
          const job = running[which % Math.max(1, running.length)]
          if (does === 'take') {
            const found = board.take(PACE, sources[source])
            if (found !== undefined && 'job' in found) {
              expect(found.job.by).toBe(sources[source])
              running.push(found.job)
            }
          } else if (does === 'extend') {
            board.extend((one) => one === job)
          } else if (does === 'give up') {
            const by = sources[source]
            const given = coveredBytes(board.giveUp(by))
            written -= given
            expect(board.bytesOf(by)).toBe(0)
          } else if (job !== undefined) {
            if (does === 'move' || does === 'finish') {
              const to = does === 'finish' ? job.end : Math.min(job.end, job.position + by)
              // What comes of one that is given up does not count.
              if (!job.isGivenUp) written += to - job.position
              job.position = to
            }
            if (does === 'finish') board.finished(job)
            if (does === 'put back') board.putBack(job)
            if (does === 'share' && job.isGivenUp) board.putBack(job)
            else if (does === 'share') board.putBackShared(job, 1 + (by % 8))
            if (does !== 'move') running.splice(running.indexOf(job), 1)
            board.settle()
          }
          expectWhole(board)
          expect(coveredBytes(board.written)).toBe(written)
        }
        expect(board.isDone).toBe(running.length === 0 && !board.hasWork({ ...PACE, bytesPerSecond: 0 }))
      }),
      { numRuns: 300 },
    )
  })

  test("what another source has brought of a segment stays that source's, and is compared when it goes on", () => {
    const [a, b] = [{}, {}]
    const board = boardOf([], 1)
    const first = board.take(PACE, a)
    if (first === undefined || !('job' in first)) throw new Error('nothing to do')
    first.job.position = 2_000_000
    board.putBack(first.job)
    const second = board.take(PACE, b)
    if (second === undefined || !('job' in second)) throw new Error('nothing to do')
    board.settle()
    expect(second.job).toMatchObject({ start: 2_000_000, end: SIZE, by: b, knownBy: a, knownBytes: 4_096 })
    expect(board.sourcesOf({ start: 0, end: 2_000_000 })).toEqual([a])
    expect(board.sourcesOf({ start: 0, end: 2_000_001 })).toBeUndefined()
    expect([board.bytesOf(a), board.bytesOf(b)]).toEqual([2_000_000, 0])
    expect(board.giveUp(a)).toEqual([{ start: 0, end: 2_000_000 }])
    expect(board.written).toEqual([])
    expect(board.hasWork(PACE)).toBe(true)
  })

  test('one that is nearly done goes on with the next that nobody has begun', () => {
    const board = boardOf([], 3)
    const found = board.take(PACE)
    if (found === undefined || !('job' in found)) throw new Error('nothing to do')
    const { end } = found.job
    board.extend(() => false)
    expect(found.job.end).toBe(end)
    board.extend(() => true)
    expect(found.job.end).toBe(6_666_667)
    found.job.position = found.job.end
    board.extend(() => true)
    expect(found.job.end).toBe(6_666_667)
    expectWhole(board)
  })

  test('what lies before a seam that is not compared is not claimed', () => {
    const board = boardOf([], 2)
    const found = board.take(PACE)
    if (found === undefined || !('job' in found)) throw new Error('nothing to do')
    const { job } = found
    job.position = job.end
    job.overlap = new Uint8Array(4_096)
    board.finished(job)
    board.settle()
    expect(board.written).toEqual([{ start: 0, end: job.end - 4_096 }])
    job.overlap = new Uint8Array(0)
    board.settle()
    expect(board.written).toEqual([{ start: 0, end: job.end }])
  })
})
