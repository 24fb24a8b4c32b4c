import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseSteal, type RunningSegment } from '../../src/segmented/steal.ts'

const MB = 1_000_000
const segment = fc
  .record({
    position: fc.nat(2 ** 40),
    rest: fc.nat(2 ** 34),
    bytesPerSecond: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }),
  })
  .map(({ position, rest, bytesPerSecond }) => ({ position, end: position + rest, bytesPerSecond }))
const pace = fc.record({
  bytesPerSecond: fc.double({ min: 1_000, max: 1e9, noNaN: true }),
  startSeconds: fc.double({ min: 0.001, max: 5, noNaN: true }),
})

function secondsLeft({ position, end, bytesPerSecond = Infinity }: RunningSegment): number {
  return end === position ? 0 : (end - position) / bytesPerSecond
}

describe('chooseSteal', () => {
  test('takes from the one that would finish last, inside its segment, and is done no later than it', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 20 }), pace, (running, thief) => {
        const steal = chooseSteal(running, thief)
        if (steal === undefined) return
        const victim = running[steal.victim]
        if (victim === undefined) throw new Error('no such segment')
        expect(secondsLeft(victim)).toBe(Math.max(...running.map(secondsLeft)))
        if (steal.is === 'rob') return
        expect(steal.at).toBeGreaterThan(victim.position)
        expect(steal.at).toBeLessThan(victim.end)
        const speed = victim.bytesPerSecond ?? 0
        const kept = (steal.at - victim.position) / speed
        const taken = thief.startSeconds + (victim.end - steal.at) / thief.bytesPerSecond
        // Cut at a whole byte.
        expect(taken - kept).toBeLessThanOrEqual(1 / speed + 1 / thief.bytesPerSecond + kept * 1e-9)
        // Alone with each other they finish together.
        if (running.length === 1) {
          expect(kept - taken).toBeLessThanOrEqual(1 / speed + 1 / thief.bytesPerSecond + kept * 1e-9)
        }
        expect(secondsLeft(victim) - kept).toBeGreaterThan(thief.startSeconds)
      }),
      { numRuns: 2_000 },
    )
  })

  test('cuts by speed: eight to one leaves the slow one a ninth', () => {
    const running = [{ position: 0, end: 90 * MB, bytesPerSecond: MB }]
    const steal = chooseSteal(running, { bytesPerSecond: 8 * MB, startSeconds: 0.0001 })
    expect(steal).toMatchObject({ is: 'split', victim: 0 })
    if (steal?.is === 'split') expect(Math.abs(steal.at - 10 * MB)).toBeLessThan(1_000)
  })

  test('with others that need help as much, the victim keeps what it can do until all are done', () => {
    const thief = { bytesPerSecond: 8 * MB, startSeconds: 0 }
    const one = { position: 0, end: 50 * MB, bytesPerSecond: MB }
    const steal = chooseSteal([one, one], thief)
    // 100 MB by 10 MB/s: all are done after 10 seconds.
    expect(steal).toEqual({ is: 'split', victim: 0, at: 10 * MB })
    // Eight more such thieves will take their part of it: the two share one segment.
    const shared = chooseSteal([one, one], thief, 8)
    expect(shared).toMatchObject({ is: 'split', victim: 0 })
    if (shared?.is === 'split') expect(Math.abs(shared.at - (50 / 9) * MB)).toBeLessThan(2)
  })

  test('robs one that stands still, and leaves one alone of which nothing is known', () => {
    const thief = { bytesPerSecond: MB, startSeconds: 0.1 }
    expect(chooseSteal([{ position: 5, end: MB, bytesPerSecond: 0 }], thief)).toEqual({
      is: 'rob',
      victim: 0,
    })
    expect(chooseSteal([{ position: 5, end: MB, bytesPerSecond: undefined }], thief)).toBeUndefined()
  })

  test('does nothing that saves less than it costs, or for little', () => {
    const running = [{ position: 0, end: 10 * MB, bytesPerSecond: 10 * MB }]
    expect(chooseSteal(running, { bytesPerSecond: 10 * MB, startSeconds: 0.5 })).toBeUndefined()
    const little = [{ position: 0, end: 300_000, bytesPerSecond: 10_000 }]
    expect(chooseSteal(little, { bytesPerSecond: 10_000, startSeconds: 0.1 })).toBeUndefined()
    expect(chooseSteal(running, { bytesPerSecond: 0, startSeconds: 0 })).toBeUndefined()
    expect(chooseSteal([], { bytesPerSecond: 1, startSeconds: 0 })).toBeUndefined()
  })
})
