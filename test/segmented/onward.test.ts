import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseOnward, isSooner } from '../../src/segmented/onward.ts'

const MB = 1_000_000
const PACE = { bytesPerSecond: 10 * MB, startSeconds: 0.4 }

describe('chooseOnward', () => {
  test('never begins before what has been read or what has arrived, and is never longer on the way than a start', () => {
    const speed = fc.option(fc.nat(20 * MB), { nil: undefined })
    const ahead = fc.array(
      fc.record({ position: fc.nat(50 * MB), length: fc.nat(20 * MB), bytesPerSecond: speed }),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(ahead, fc.nat(50 * MB), (list, from) => {
        const all = list.map(({ position, length, bytesPerSecond }) => ({
          ...{ position, end: position + length, bytesPerSecond },
        }))
        const chosen = chooseOnward(all, from, PACE, PACE)
        if (chosen === undefined) return
        const { position = 0, end = 0, bytesPerSecond } = all[chosen.index] ?? {}
        expect(chosen.at).toBeGreaterThanOrEqual(Math.max(from, position))
        // Who runs has to have something left.
        if (bytesPerSecond !== undefined) expect(chosen.at).toBeGreaterThan(position)
        expect(Number.isInteger(chosen.at)).toBe(true)
        expect((chosen.at - from) / PACE.bytesPerSecond).toBeLessThan(PACE.startSeconds)
        expect(end - chosen.at).toBeGreaterThanOrEqual(262_144)
        expect((bytesPerSecond ?? 0) * 2).toBeLessThanOrEqual(PACE.bytesPerSecond)
      }),
    )
  })

  test('catches up with one that goes on meanwhile', () => {
    const ahead = [{ position: 900_000, end: 20 * MB, bytesPerSecond: MB }]
    // After 0.1 s both are there: the one has come 1 MB, the other 0.1 MB.
    expect(chooseOnward(ahead, 0, PACE, PACE)).toEqual({ index: 0, at: MB })
  })

  test('takes the nearest', () => {
    const ahead = [3 * MB, 2 * MB, 5 * MB].map((position) => ({
      ...{ position, end: position + 9 * MB, bytesPerSecond: undefined },
    }))
    expect(chooseOnward(ahead, MB, PACE, PACE)).toEqual({ index: 1, at: 2 * MB })
  })

  test.each([
    ['too far away', { position: 4 * MB, end: 20 * MB, bytesPerSecond: undefined }],
    ['another, about as fast, has it', { position: MB, end: 20 * MB, bytesPerSecond: 6 * MB }],
    ['too short', { position: MB, end: MB + 200_000, bytesPerSecond: undefined }],
    ['behind us', { position: 0, end: 0, bytesPerSecond: undefined }],
  ])('goes nowhere when it is %s', (_, ahead) => {
    expect(chooseOnward([ahead], 0, PACE, PACE)).toBeUndefined()
  })

  test('a slow one does not take from one that has only to start', () => {
    const slow = { bytesPerSecond: MB, startSeconds: 0.4 }
    const ahead = [{ position: 0, end: 2 * MB, bytesPerSecond: 0 }]
    expect(chooseOnward(ahead, 0, slow, PACE)).toBeUndefined()
    expect(isSooner(2 * MB, slow, PACE)).toBe(false)
    expect(isSooner(400_000, slow, PACE)).toBe(true)
  })
})
