import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Board } from '../../src/segmented/board.ts'
import { SegmentJob } from '../../src/segmented/job.ts'
import { planGaps } from '../../src/segmented/plan.ts'
import { coveredBytes, gapsIn, mergeRanges, type ByteRange } from '../../src/segmented/ranges.ts'
import { RetryBudget } from '../../src/operations/retry.ts'

const SIZE = 10_000_000
const POLICY = { attempts: 1, minDelay: 0, maxDelay: 0, factor: 1, jitter: 0 }
const PACE = { bytesPerSecond: 1_000_000, startSeconds: 0.01 }

function newBudget(): RetryBudget {
  return new RetryBudget(POLICY, SIZE, Math.random)
}

function boardOf(done: readonly ByteRange[], connections: number, currentSpeed = 100_000): Board {
  const jobs = planGaps(gapsIn(done, SIZE), connections, 1_000).map(
    (segment) => new SegmentJob({ ...segment, size: SIZE, retries: newBudget() }),
  )
  return new Board({
    jobs,
    done,
    newBudget,
    speedOf: () => 500_000,
    currentSpeedOf: (job) => (job.position > job.start ? currentSpeed : undefined),
  })
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
    does: fc.constantFrom('take', 'move', 'finish', 'put back', 'share', 'go on', 'give up'),
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
          } else if (does === 'go on') {
            if (job === undefined || job.isGivenUp) continue
            written += job.end - job.position
            job.position = job.end
            const { end } = job
            const found = board.goOn(job, Math.min(SIZE, end + (by % 5_000)), PACE, PACE, job.by)
            if (found === undefined) continue
            expect(found.by).toBe(job.by)
            if (found === job) expect(job.end).toBeGreaterThan(end)
            else {
              expect(found.position).toBeGreaterThanOrEqual(Math.min(SIZE, end + (by % 5_000)))
              running.push(found)
            }
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
      { numRuns: 1_000 },
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

  describe('a connection that has come to the end of its segment', () => {
    const taken = (board: Board): SegmentJob => {
      const found = board.take(PACE)
      if (found === undefined || !('job' in found)) throw new Error('nothing to do')
      return found.job
    }
    const PIECE = SIZE / 4

    test('goes on with the next one that nobody has begun, as one segment', () => {
      const board = boardOf([], 4)
      const job = taken(board)
      job.position = job.end
      expect(board.goOn(job, job.end + 4_096, PACE, PACE, undefined)).toBe(job)
      expect([job.start, job.end]).toEqual([0, 2 * PIECE])
      expectWhole(board)
    })

    test('takes it from one that has not had a byte of it', () => {
      const board = boardOf([], 4)
      const [job, next] = [taken(board), taken(board)]
      job.position = job.end
      expect(board.goOn(job, job.end + 4_096, PACE, PACE, undefined)).toBe(job)
      expect([job.end, next.start, next.end]).toEqual([2 * PIECE, PIECE, PIECE])
      board.putBack(next)
      expect(board.segments).not.toContain(next)
      expectWhole(board)
    })

    test('overtakes a slower one that has come a little way', () => {
      const board = boardOf([], 4)
      const [job, slower] = [taken(board), taken(board)]
      job.position = job.end
      slower.position += 4_500
      const found = board.goOn(job, PIECE, { ...PACE, startSeconds: 0.02 }, PACE, undefined)
      // At a tenth of the speed the other one comes 500 bytes further meanwhile.
      expect(found).toMatchObject({ start: PIECE + 5_000, end: 2 * PIECE })
      expect(slower.end).toBe(PIECE + 5_000)
      expectWhole(board)
    })

    test('goes on where another was stopped in the middle', () => {
      const board = boardOf([], 4)
      const [job, stopped] = [taken(board), taken(board)]
      job.position = job.end
      stopped.position += 5_000
      board.putBack(stopped)
      const found = board.goOn(job, PIECE + 4_096, PACE, PACE, undefined)
      expect(found).toMatchObject({ start: PIECE + 5_000, end: 2 * PIECE })
      expectWhole(board)
    })

    test.each([
      ['it has come too far', { speed: 100_000, done: 20_000 }],
      ['it is as fast', { speed: 600_000, done: 1_000 }],
    ])('leaves the next one to the other when %s', (_, { speed, done }) => {
      const board = boardOf([], 4, speed)
      const [job, other] = [taken(board), taken(board), taken(board), taken(board)]
      job.position = job.end
      other.position += done
      expect(board.goOn(job, PIECE, PACE, PACE, undefined)).toBeUndefined()
    })
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
