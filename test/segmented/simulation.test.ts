/**
 * Thousands of networks in a virtual clock, with the board, the paces, the stealing and the controller as they are.
 * `simulate` throws if a byte comes twice or never.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Network, type NetworkOptions } from './simulation/network.ts'
import { simulate } from './simulation/simulate.ts'

const MB = 1_000_000
const MIB = 1_048_576

/** From `from` to `to`, as likely to be doubled as to be halved. */
function logarithmic(from: number, to: number): fc.Arbitrary<number> {
  return fc.double({ min: 0, max: 1, noNaN: true }).map((x) => from * (to / from) ** x)
}

const mishap = fc.record({
  login: fc.nat(11),
  at: fc.double({ min: 0, max: 20, noNaN: true }),
  stallsFor: fc.option(fc.double({ min: 0, max: 15, noNaN: true }), { nil: undefined }),
})
const network = fc.record({
  roundTrip: logarithmic(0.001, 0.15),
  shared: logarithmic(1.25 * MB, 62 * MB),
  caps: fc.array(logarithmic(0.5 * MB, 16 * MB), { minLength: 12, maxLength: 12 }),
  loss: fc.oneof(fc.constant(0), logarithmic(0.0001, 0.01)),
  loginRoundTrips: fc.constant(7),
  mostConnections: fc.oneof(
    { weight: 4, arbitrary: fc.constant(99) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) },
  ),
  mishaps: fc.array(mishap, { maxLength: 3 }),
})

/**
 * What such a network costs beyond the ideal: a tenth of it, a moment, and some starts; more of them with many
 * connections, since a fast one has to help each of the slow ones by itself.
 */
const STARTS = 4
const STARTS_PER_CONNECTION = 0.5
/** Seconds. */
const MOMENT = 1.5
/** Seconds for each mishap, until it is noticed and made good. */
const MISHAP = 3

const download = fc.record({
  options: network,
  size: logarithmic(MB, 200 * MIB).map(Math.floor),
  connections: fc.integer({ min: 1, max: 12 }),
})

describe('simulated networks', () => {
  test('every byte arrives once, by no more logins than there are connections and mishaps', () => {
    const holds = fc.property(download, ({ options, size, connections }) => {
      const { logins } = simulate({ network: new Network(options), size, connections })
      expect(logins).toBeLessThanOrEqual(connections + options.mishaps.length)
    })
    // Making an example smaller would take longer than everything else.
    fc.assert(holds, { numRuns: 500, endOnFailure: true })
  })

  /** Always the same networks: drawn anew, one in some thousands takes longer, where all mishaps come at the very end. */
  test('not much later than it could', () => {
    for (const { options, size, connections } of fc.sample(download, { numRuns: 500, seed: 20_261_121 })) {
      const simulated = new Network(options)
      const { seconds } = simulate({ network: simulated, size, connections })
      const ideal = simulated.idealSeconds(size, Math.min(connections, options.mostConnections))
      const most = STARTS + STARTS_PER_CONNECTION * connections
      const starts = most * (simulated.loginSeconds + simulated.startSeconds)
      expect(seconds).toBeLessThanOrEqual(ideal * 1.1 + MOMENT + starts + options.mishaps.length * MISHAP)
    }
  })

  test('connections of unlike speeds finish together: a segment of the slowest is no burden', () => {
    const caps = [8, 4, 2, 1, 1, 1, 1, 1].map((rate) => rate * MB)
    const simulated = new Network({
      ...{ roundTrip: 0.001, shared: 1_000 * MB, caps, loss: 0, loginRoundTrips: 7, mostConnections: 99 },
      mishaps: [],
    })
    const { seconds } = simulate({ network: simulated, size: 100 * MIB, connections: 8 })
    expect(seconds / simulated.idealSeconds(100 * MIB, 8)).toBeLessThan(1.1)
  })
})

describe('a fast connection that comes to what a slow one has barely begun', () => {
  test('goes on, and the slow one begins anew elsewhere', () => {
    const simulated = new Network({
      ...{ roundTrip: 0.1, shared: 1_000 * MB, caps: [10 * MB, 0.2 * MB], loss: 0, loginRoundTrips: 7 },
      ...{ mostConnections: 99, mishaps: [] },
    })
    const { seconds, onwards, logins } = simulate({ network: simulated, size: 100 * MIB, connections: 2 })
    expect(onwards).toBeGreaterThan(0)
    expect(logins).toBe(2)
    // One login, one start and the way up to speed are 2 s; each further start would be one more.
    expect(seconds).toBeLessThan(simulated.idealSeconds(100 * MIB, 2) + 2.5)
  })
})

const NUMBERS = [1, 2, 4, 8, 16]

function ratioOfAuto(options: NetworkOptions, size: number): number {
  const simulated = new Network(options)
  const fixed = NUMBERS.map((connections) => simulate({ network: simulated, size, connections }).seconds)
  return simulate({ network: simulated, size, connections: { auto: 16 } }).seconds / Math.min(...fixed)
}

describe("connections: 'auto'", () => {
  const plain = { loss: 0, caps: [Infinity], loginRoundTrips: 7, mostConnections: 99, mishaps: [] }
  test.each([
    ['no cap', { ...plain, roundTrip: 0.0002, shared: 1_200 * MB }, 1_024 * MIB],
    ['a cap for each', { ...plain, roundTrip: 0.0002, shared: 1_200 * MB, caps: [4 * MB] }, 400 * MIB],
    ['50 ms at 200 Mbit/s', { ...plain, roundTrip: 0.05, shared: 25 * MB }, 100 * MIB],
    ['100 ms with 0.5 % loss', { ...plain, roundTrip: 0.1, shared: 25 * MB, loss: 0.005 }, 100 * MIB],
  ])('%s: within a tenth of the best number', (_name, options, size) => {
    expect(ratioOfAuto(options, size)).toBeLessThanOrEqual(1.1)
  })

  test('on links drawn at random: in the median within a tenth, and seldom beyond a quarter', () => {
    const link = fc.record({
      roundTrip: logarithmic(0.001, 0.15),
      shared: logarithmic(1.25 * MB, 62 * MB),
      loss: fc.oneof(fc.constant(0), logarithmic(0.0001, 0.01)),
      caps: fc.tuple(fc.oneof(fc.constant(Infinity), logarithmic(0.5 * MB, 8 * MB))),
    })
    const seed = Number(process.env['OCTOFTP_TEST_SEED'] ?? 20_261_121)
    const ratios = fc
      .sample(link, { numRuns: 200, seed })
      .map((one) => ratioOfAuto({ ...plain, ...one }, Math.floor(Math.min(200 * MIB, one.shared * 6))))
      .sort((a, b) => a - b)
    expect(ratios[100], `seed ${seed}`).toBeLessThanOrEqual(1.1)
    expect(ratios[180], `seed ${seed}`).toBeLessThanOrEqual(1.25)
  })
})
