import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SegmentJob } from '../../src/segmented/job.ts'
import { planSegments } from '../../src/segmented/plan.ts'
import { RestartDistrusted } from '../../src/segmented/restart.ts'
import { RetryBudget } from '../../src/operations/retry.ts'
import { compareSeams, type SeamFile } from '../../src/segmented/seams.ts'
import { randomBytes } from '../support/random-bytes.ts'

const FILE = randomBytes(1_000, 'seams')
const POLICY = { attempts: 1, minDelay: 0, maxDelay: 0, factor: 1, jitter: 0 }

/** A segment that has been fetched up to `position`, and, if it is whole, `overlap` bytes more. */
function job(start: number, end: number, overlap: number, position: number = end): SegmentJob {
  const retries = new RetryBudget(POLICY, FILE.length, Math.random)
  const made = new SegmentJob({ start, end, size: FILE.length, retries })
  made.position = position
  if (position === end) made.overlap = Uint8Array.from(FILE.subarray(end, end + overlap))
  return made
}

/** Reads answer in a later turn of the loop, as those of a disk do. */
function fileOf(bytes: Uint8Array): SeamFile & { readonly reads: [number, number][] } {
  const reads: [number, number][] = []
  return {
    reads,
    read: async (position, length) => {
      reads.push([position, length])
      await new Promise((resolve) => setImmediate(resolve))
      return bytes.subarray(position, position + length)
    },
  }
}

const without = (index: number): Buffer => {
  const altered = Buffer.from(FILE)
  altered[index] = ~(FILE[index] ?? 0)
  return altered
}

describe('compareSeams', () => {
  test('agrees with what two connections brought alike, and compares each seam once', async () => {
    const jobs = [job(0, 500, 100), job(500, 1_000, 0)]
    const file = fileOf(FILE)
    expect(await compareSeams(jobs, file)).toBe(true)
    expect(await compareSeams(jobs, file)).toBe(true)
    expect(file.reads).toEqual([[500, 100]])
  })

  test('called by two workers at once it reports no difference that is none', async () => {
    const jobs = [job(0, 300, 100), job(300, 600, 100), job(600, 1_000, 0)]
    const file = fileOf(FILE)
    const both = await Promise.all([compareSeams(jobs, file), compareSeams(jobs, file)])
    expect(both).toEqual([true, true])
  })

  test('called by two workers at once both see a difference', async () => {
    const jobs = [job(0, 500, 100), job(500, 1_000, 0)]
    const file = fileOf(without(550))
    const both = await Promise.allSettled([compareSeams(jobs, file), compareSeams(jobs, file)])
    for (const outcome of both)
      expect(outcome).toMatchObject({ reason: expect.any(RestartDistrusted) as unknown })
  })

  test('waits for a right side that is not written yet, and compares it later', async () => {
    const right = job(500, 1_000, 0, 599)
    const file = fileOf(without(550))
    const jobs = [job(0, 500, 100), right]
    expect(await compareSeams(jobs, file)).toBe(false)
    expect(file.reads).toEqual([])
    right.position = 600
    await expect(compareSeams(jobs, file)).rejects.toThrow(RestartDistrusted)
  })

  test('does not count bytes that have arrived and are not on disk', async () => {
    const right = job(500, 1_000, 0, 500)
    right.live = { written: 0, position: 1_000 }
    expect(await compareSeams([job(0, 500, 100), right], fileOf(FILE))).toBe(false)
  })

  test('a file that is shorter than the overlap differs', async () => {
    const jobs = [job(0, 500, 100), job(500, 1_000, 0)]
    await expect(compareSeams(jobs, fileOf(FILE.subarray(0, 599)))).rejects.toThrow(/500/)
  })

  test('finds one wrong byte under any overlap, over short segments, as soon as the last of them is written', async () => {
    const cases = fc.record({
      pieces: fc.integer({ min: 2, max: 64 }),
      overlap: fc.integer({ min: 1, max: 200 }),
      wrong: fc.nat(FILE.length - 1),
      order: fc.array(fc.nat(1_000), { minLength: 64, maxLength: 64 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ pieces, overlap, wrong, order }) => {
        const plan = planSegments(FILE.length, pieces, 1)
        const jobs = plan.map(({ start, end }) => job(start, end, overlap, start))
        const whole = plan.map(({ start, end }) => job(start, end, overlap))
        const covered = whole.some(({ end, overlap }) => wrong >= end && wrong < end + overlap.length)
        const file = fileOf(without(wrong))
        const outcomes: unknown[] = []
        // Segments end in any order.
        const ends = jobs.map((begun, index) => ({ begun, ended: whole[index], at: order[index] ?? 0 }))
        for (const { begun, ended } of ends.sort((a, b) => a.at - b.at)) {
          Object.assign(begun, ended)
          outcomes.push(await compareSeams(jobs, file).catch((error: unknown) => error))
        }
        expect(outcomes.some((outcome) => outcome instanceof RestartDistrusted)).toBe(covered)
        if (!covered) expect(outcomes.at(-1)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
