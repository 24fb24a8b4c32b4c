/** The reckoning of docs/fleet.md and the clock beside it say the same where one part holds up all others. */
import { describe, expect, test } from 'vitest'
import { ceilings, simulate, type Fleet } from '../../bench/fleet-simulation.ts'

/** Nothing holds it up but what a test makes slow. */
const FAST: Fleet = {
  ...{ workers: 4, connections: 40, filesPerJob: 100, bytesPerFile: 1_000 },
  ...{ secondsPerFile: 0.001, connectionBytesPerSecond: 1e9, serverBytesPerSecond: 1e12 },
  ...{ cpuSecondsPerFile: 1e-6, cpuSecondsPerByte: 1e-12, redisSecondsPerJob: 1e-6 },
}
const JOBS = 20_000

describe('each part holds up the whole where it is the slowest', () => {
  test.each([
    ['connections', {}, 40 / 0.001001],
    ['server', { serverBytesPerSecond: 1e6 }, 1_000],
    ['workers', { cpuSecondsPerFile: 0.01 }, 400],
    ['redis', { redisSecondsPerJob: 0.1 }, 1_000],
  ] as const)('%s', (name, slow, filesPerSecond) => {
    const fleet = { ...FAST, ...slow }
    expect(ceilings(fleet)[0]?.name).toBe(name)
    expect((ceilings(fleet)[0]?.filesPerSecond ?? 0) / filesPerSecond).toBeCloseTo(1, 3)
    expect(simulate(fleet, JOBS) / filesPerSecond).toBeCloseTo(1, 1)
  })
})

test('parts that wait for one another are slower than each of them alone', () => {
  const fleet = { ...FAST, serverBytesPerSecond: 40e6, redisSecondsPerJob: 0.0025 }
  expect(simulate(fleet, JOBS)).toBeLessThanOrEqual((ceilings(fleet)[0]?.filesPerSecond ?? 0) * 1.000_001)
  expect(simulate({ ...fleet, connections: 1 }, JOBS)).toBeLessThan(1_000)
})

test('one connection does one job after another', () => {
  const fleet = { ...FAST, connections: 1, redisSecondsPerJob: 0.1 }
  // A job: 0.1 s at Redis, then 100 files of 0.001001 s.
  expect(simulate(fleet, 1_000) / (100 / 0.200_1)).toBeCloseTo(1, 3)
})
