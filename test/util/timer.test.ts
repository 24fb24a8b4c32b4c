import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { delay, startIdleTimer, startTimer } from '../../src/util/timer.ts'
import { expectNoLeaks } from '../support/leaks.ts'

const DAYS_24_8_MS = 2 ** 31 - 1

describe.each([
  ['startTimer', startTimer],
  ['startIdleTimer', startIdleTimer],
])('%s', (_name, start) => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('expires once, when the time is up', () => {
    const expire = vi.fn()
    start(1_000, expire)
    vi.advanceTimersByTime(999)
    expect(expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100_000)
    expect(expire).toHaveBeenCalledOnce()
  })

  test('does not expire once cancelled', () => {
    const expire = vi.fn()
    const cancel = start(1_000, expire)
    cancel()
    cancel()
    vi.advanceTimersByTime(2_000)
    expect(expire).not.toHaveBeenCalled()
  })

  test('Infinity starts none', () => {
    start(Infinity, () => undefined)()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a delay that setTimeout cannot hold does not expire at once', () => {
    const expire = vi.fn()
    start(2 ** 40, expire)
    vi.advanceTimersByTime(DAYS_24_8_MS - 1)
    expect(expire).not.toHaveBeenCalled()
  })
})

test('a deadline holds the process, an idle timer does not', () => {
  const holding = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = holding()
  const cancels = [startIdleTimer(60_000, () => undefined)]
  expect(holding()).toBe(before)
  cancels.push(startTimer(60_000, () => undefined))
  expect(holding()).toBe(before + 1)
  for (const cancel of cancels) cancel()
})

describe('delay', () => {
  test('resolves after the time, with or without a signal, and leaves no listener', async () => {
    const { signal } = new AbortController()
    await expectNoLeaks(() => Promise.all([delay(1), delay(1, signal), delay(0, signal)]), {
      watch: [signal],
    })
  })

  test('rejects with the reason of the abort, untouched, and leaves nothing', async () => {
    const controller = new AbortController()
    const reason = { not: 'an error' }
    await expectNoLeaks(
      async () => {
        const waiting = delay(60_000, controller.signal)
        controller.abort(reason)
        await expect(waiting).rejects.toBe(reason)
        await expect(delay(60_000, controller.signal)).rejects.toBe(reason)
      },
      { watch: [controller.signal] },
    )
  })

  test('a thousand on one signal cause no warning', async () => {
    const controller = new AbortController()
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const waiting = Array.from({ length: 1_000 }, () => delay(60_000, controller.signal))
    controller.abort(new Error('enough'))
    await Promise.allSettled(waiting)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})
