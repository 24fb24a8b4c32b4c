import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConnectionController, FIRST_CONNECTIONS } from '../../src/segmented/controller.ts'

const MB = 1_000_000

interface Watched {
  readonly controller: ConnectionController
  /** What was wanted at each look. */
  readonly wanted: readonly number[]
}

function alike(count: number): number[] {
  return new Array<number>(count).fill(MB)
}

/** A transfer whose rate depends on nothing but the number of connections; they flow as soon as they are wanted. */
function watch(
  rateOf: (connections: number, second: number) => number,
  {
    most = 16,
    seconds = 10,
    startSeconds = 0.02,
    left = Infinity,
    flowing = (wanted: number) => wanted,
    speedsOf = alike,
  } = {},
): Watched {
  const controller = new ConnectionController(most)
  const wanted: number[] = []
  let bytes = 0
  for (let now = 0; now < seconds * 1_000; now += 50) {
    const count = controller.look({
      now,
      bytes,
      speeds: speedsOf(flowing(controller.wanted)),
      startSeconds,
      left,
    })
    wanted.push(count)
    bytes += (rateOf(Math.min(count, flowing(count)), now / 1_000) * 50) / 1_000
  }
  return { controller, wanted }
}

describe('ConnectionController', () => {
  test('doubles as long as each connection is slow by itself, up to the most', () => {
    const { wanted } = watch((connections) => connections * 4 * MB)
    expect([...new Set(wanted)]).toEqual([4, 8, 16])
    expect(watch((connections) => connections * 4 * MB, { most: 11 }).controller.wanted).toBe(11)
  })

  test('gives back what a shared bottleneck makes useless, and tries again, ever more rarely', () => {
    const { wanted } = watch(() => 25 * MB, { seconds: 120 })
    const trials = wanted.filter((count, index) => count === 8 && wanted[index - 1] === 4)
    expect(wanted.filter((count) => count > 8)).toEqual([])
    expect(wanted.filter((count) => count === 4).length).toBeGreaterThan(wanted.length * 0.9)
    expect(trials.length).toBeGreaterThan(2)
    expect(trials.length).toBeLessThan(6)
  })

  test('finds the number at which the bottleneck is full', () => {
    const { controller } = watch((connections) => Math.min(connections * 4 * MB, 30 * MB))
    expect(controller.wanted).toBe(8)
  })

  test('keeps those that bring nearly all, where the others get next to nothing', () => {
    const speedsOf = (count: number): number[] =>
      alike(count).map((speed, at) => (at === 1 ? 24 : 0.4) * speed)
    const { wanted } = watch(() => 25 * MB, { speedsOf, seconds: 5 })
    expect([...new Set(wanted)]).toEqual([4, 1])
    // Where one is merely faster, more may help.
    const uneven = (count: number): number[] => alike(count).map((speed, at) => speed / (at + 1))
    expect(watch((count) => count * MB, { speedsOf: uneven }).controller.wanted).toBe(16)
  })

  test('takes back what it misses: what came with fewer was a burst', () => {
    const changes = (wanted: readonly number[]): number[] =>
      wanted.filter((count, index) => count !== wanted[index - 1])
    const burst = (count: number, second: number): number =>
      Math.min(5.75 * MB, count * (second < 1.5 ? 1 : 0.5) * MB)
    expect(changes(watch(burst, { seconds: 6 }).wanted)).toEqual([4, 8, 16, 8, 16])
    // The link has become slower for all: they are of no more use than before.
    const fallen = (_count: number, second: number): number => (second < 1.5 ? 4 : 2) * MB
    expect(changes(watch(fallen, { seconds: 6 }).wanted)).toEqual([4, 8, 4, 8, 4])
  })

  test('a little more is not enough', () => {
    const { controller } = watch((connections) => (connections > 4 ? 11 * MB : 10 * MB))
    expect(controller.wanted).toBe(4)
  })

  test('notices later that more connections help by now', () => {
    const rate = (connections: number, second: number): number =>
      second < 20 ? 10 * MB : Math.min(40 * MB, connections * 2.5 * MB)
    expect(watch(rate, { seconds: 20 }).controller.wanted).toBe(4)
    expect(watch(rate, { seconds: 60 }).controller.wanted).toBe(16)
  })

  test('does not judge before the new ones flow, but does not wait for ever either', () => {
    const slowly = watch((connections) => connections * MB, { flowing: () => 4, seconds: 1 })
    expect(slowly.controller.wanted).toBe(8)
    const never = watch((connections) => connections * MB, { flowing: () => 4, seconds: 5 })
    expect(never.controller.wanted).toBe(4)
  })

  test('waits until the rate is steady: what still rises by itself is not the doing of the new ones', () => {
    // Slow start: doubled with every round trip of a fifth of a second.
    const rise = (_: number, second: number): number => Math.min(10 * MB, 50_000 * 2 ** (second * 5))
    const { wanted } = watch(rise, { startSeconds: 0.4, seconds: 6 })
    expect(Math.max(...wanted)).toBeLessThanOrEqual(8)
    expect(wanted.at(-1)).toBe(4)
  })

  test('changes nothing any more when the end is near', () => {
    expect(watch((connections) => connections * MB, { left: 100_000 }).controller.wanted).toBe(
      FIRST_CONNECTIONS,
    )
  })

  test('never more than the server lets in, as far as is known', () => {
    const { controller } = watch((connections) => connections * MB)
    expect(controller.wanted).toBe(16)
    controller.limit(6)
    expect(controller.wanted).toBe(6)
    controller.limit(9)
    expect(
      controller.look({ now: 1e6, bytes: 0, speeds: alike(6), startSeconds: 0.02, left: Infinity }),
    ).toBe(6)
    expect(watch((connections) => connections * MB, { most: 1 }).controller.wanted).toBe(1)
  })

  test('whatever it sees, it wants at least one and never more than the most', () => {
    const view = fc.record({
      step: fc.nat(5_000),
      bytes: fc.nat(2 ** 31),
      speeds: fc.array(fc.nat(50 * MB), { maxLength: 70 }),
      startSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
      left: fc.nat(2 ** 31),
      limit: fc.option(fc.nat(70), { nil: undefined, freq: 20 }),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(view, { maxLength: 200 }), (most, views) => {
        const controller = new ConnectionController(most)
        let [now, bytes, limit] = [0, 0, most]
        for (const one of views) {
          now += one.step
          bytes += one.bytes
          if (one.limit !== undefined) {
            controller.limit(one.limit)
            limit = Math.max(1, Math.min(most, one.limit))
          }
          const wanted = controller.look({ ...one, now, bytes })
          expect(wanted).toBeGreaterThanOrEqual(1)
          expect(wanted).toBeLessThanOrEqual(limit)
        }
      }),
    )
  })
})
