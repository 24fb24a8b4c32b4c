import { describe, expect, test } from 'vitest'
import { Shares } from '../../src/mirror/shares.ts'

test('one file has all sessions, and never less than one', () => {
  const shares = new Shares(0)
  const share = shares.join(1_000)
  expect(share.wanted).toBe(1)
  shares.sessions = 8
  expect(share.wanted).toBe(8)
  shares.sessions = 3
  expect(share.wanted).toBe(3)
})

test('each has one, and what is over goes where the most is left for each connection', () => {
  const shares = new Shares(8)
  const [a, b, c] = [shares.join(1_000), shares.join(300), shares.join(100)]
  expect([a.wanted, b.wanted, c.wanted]).toEqual([5, 2, 1])
  expect(shares.taken).toBe(3)
})

test('what one leaves goes to the others, by what they have left then', () => {
  const shares = new Shares(4)
  const [a, b, c] = [shares.join(1_000), shares.join(600), shares.join(500)]
  expect([a.wanted, b.wanted, c.wanted]).toEqual([2, 1, 1])
  expect(a.look({ left: 100 })).toBe(2)
  expect(b.look({ left: 500 })).toBe(1)
  expect([a.wanted, b.wanted, c.wanted]).toEqual([2, 1, 1])
  c.leave()
  expect([a.wanted, b.wanted]).toEqual([1, 3])
  expect(shares.taken).toBe(2)
})

test('more files than sessions have one each', () => {
  const shares = new Shares(2)
  const all = [shares.join(3), shares.join(2), shares.join(1)]
  expect(all.map(({ wanted }) => wanted)).toEqual([1, 1, 1])
})

describe('sizes that are not known, or nothing left', () => {
  test('share evenly enough to end', () => {
    const shares = new Shares(6)
    const all = [shares.join(0), shares.join(0)]
    expect(all.reduce((sum, { wanted }) => sum + wanted, 0)).toBe(6)
  })
})
