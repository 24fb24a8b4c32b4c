import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProgressMeter } from '../../src/transfer/progress.ts'

/** A meter on a clock that the test moves. */
function metered(): { meter: ProgressMeter; pass: (ms: number) => void } {
  let now = 5_000.25
  return { meter: new ProgressMeter(() => now), pass: (ms) => (now += ms) }
}

describe('ProgressMeter', () => {
  test('tells at the start what is known at the start', () => {
    expect(metered().meter.snapshot()).toEqual({
      bytes: 0,
      total: undefined,
      fraction: undefined,
      bytesPerSecond: 0,
      averageBytesPerSecond: 0,
      etaSeconds: undefined,
      elapsedSeconds: 0,
      activeConnections: 0,
      segments: [],
    })
  })

  test('a steady transfer: bytes, fraction, speed and what is left', () => {
    const { meter, pass } = metered()
    meter.total = 10_000
    for (let step = 0; step < 40; step++) {
      pass(100)
      meter.received(100)
    }
    const { bytesPerSecond, etaSeconds, ...rest } = meter.snapshot()
    expect(rest).toMatchObject({ bytes: 4_000, total: 10_000, fraction: 0.4, elapsedSeconds: 4, averageBytesPerSecond: 1_000 })
    expect(bytesPerSecond).toBeCloseTo(1_000, -2)
    expect(etaSeconds).toBeCloseTo(6_000 / bytesPerSecond)
  })

  test('an empty file is whole from the start', () => {
    const { meter } = metered()
    meter.total = 0
    expect(meter.snapshot()).toMatchObject({ fraction: 1, etaSeconds: 0 })
  })

  test('no speed, no ETA: never infinite', () => {
    const { meter, pass } = metered()
    meter.total = 100
    meter.received(10)
    pass(60_000)
    expect(meter.snapshot()).toMatchObject({ bytesPerSecond: 0, etaSeconds: undefined })
  })

  test('more than the total: the fraction stays 1 and nothing is left', () => {
    const { meter, pass } = metered()
    meter.total = 100
    pass(10)
    meter.received(150)
    expect(meter.snapshot()).toMatchObject({ bytes: 150, fraction: 1, etaSeconds: 0 })
  })

  test('stands still once finished', () => {
    const { meter, pass } = metered()
    pass(1_000)
    meter.received(500)
    pass(1_000)
    meter.finish()
    const then = meter.snapshot()
    pass(60_000)
    meter.finish()
    expect(meter.snapshot()).toEqual(then)
    expect(then).toMatchObject({ elapsedSeconds: 2, averageBytesPerSecond: 250 })
  })

  test('shows the segments as they are when it is asked, each with its own speed', () => {
    const { meter, pass } = metered()
    const rate = meter.newRate()
    const segment = { start: 0, end: 100, position: 0, rate }
    meter.segments = () => [segment, { start: 100, end: 200, position: 100, rate: undefined }]
    pass(1_000)
    rate.add(50, 6_000.25)
    segment.position = 50
    expect(meter.snapshot().segments).toEqual([
      { start: 0, end: 100, position: 50, bytesPerSecond: 50 },
      { start: 100, end: 200, position: 100, bytesPerSecond: 0 },
    ])
  })

  test('whatever happens: the sums are right, and every number is one', () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ is: fc.constant('received' as const), value: fc.nat(5_000_000) }),
        fc.record({ is: fc.constant('given up' as const), value: fc.nat(100) }),
        fc.record({ is: fc.constant('time' as const), value: fc.nat(5_000) }),
        fc.record({ is: fc.constantFrom('started' as const, 'ended' as const), value: fc.constant(0) }),
      ),
      { maxLength: 80, size: 'max' },
    )
    fc.assert(
      fc.property(events, fc.option(fc.nat(20_000_000)), (all, total) => {
        const { meter, pass } = metered()
        meter.total = total ?? undefined
        let [bytes, refetched, ms, active, most] = [0, 0, 0, 0, 0]
        for (const { is, value } of all) {
          switch (is) {
            case 'received':
              meter.received(value)
              bytes += value
              break
            case 'given up': {
              const given = Math.floor((bytes * value) / 100)
              meter.givenUp(given)
              bytes -= given
              refetched += given
              break
            }
            case 'time':
              pass(value)
              ms += value
              break
            case 'started':
              meter.connectionStarted()
              most = Math.max(most, (active += 1))
              break
            case 'ended':
              if (active === 0) break
              meter.connectionEnded()
              active -= 1
              break
            default:
              is satisfies never
          }
          const { fraction = 0, etaSeconds = 0, ...snapshot } = meter.snapshot()
          expect(snapshot).toMatchObject({ bytes, elapsedSeconds: ms / 1_000, activeConnections: active })
          expect([meter.bytes, meter.refetchedBytes, meter.mostConnections]).toEqual([bytes, refetched, most])
          const numbers = [fraction, etaSeconds, snapshot.bytesPerSecond, snapshot.averageBytesPerSecond]
          expect(numbers.every((number) => Number.isFinite(number) && number >= 0)).toBe(true)
          expect(fraction).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})
