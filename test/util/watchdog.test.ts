import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Watchdog } from '../../src/util/watchdog.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

function watched(ms: number = 1_000): {
  dog: Watchdog
  expire: ReturnType<typeof vi.fn>
  pass: (ms: number) => void
} {
  const expire = vi.fn()
  return { dog: new Watchdog(ms, expire), expire, pass: (passed) => vi.advanceTimersByTime(passed) }
}

describe('Watchdog', () => {
  test('does nothing until it is started', () => {
    const { dog, expire, pass } = watched()
    dog.touch()
    pass(5_000)
    expect(expire).not.toHaveBeenCalled()
  })

  test('expires once after silence', () => {
    const { dog, expire, pass } = watched()
    dog.start()
    pass(998)
    expect(expire).not.toHaveBeenCalled()
    pass(2)
    expect(expire).toHaveBeenCalledOnce()
    pass(10_000)
    expect(expire).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('counts from the last touch, with one timer however often it is touched', () => {
    const { dog, expire, pass } = watched()
    dog.start()
    for (let step = 0; step < 500; step++) {
      pass(37)
      dog.touch()
      expect(vi.getTimerCount()).toBe(1)
    }
    pass(998)
    expect(expire).not.toHaveBeenCalled()
    pass(2)
    expect(expire).toHaveBeenCalledOnce()
  })

  test('stopped, it counts nothing; started again, it begins anew', () => {
    const { dog, expire, pass } = watched()
    dog.start()
    pass(900)
    dog.stop()
    pass(60_000)
    dog.start()
    pass(998)
    expect(expire).not.toHaveBeenCalled()
    pass(2)
    expect(expire).toHaveBeenCalledOnce()
  })

  test('started twice it has one timer, and counts from the second start', () => {
    const { dog, expire, pass } = watched()
    dog.start()
    pass(600)
    dog.start()
    expect(vi.getTimerCount()).toBe(1)
    pass(998)
    expect(expire).not.toHaveBeenCalled()
    dog.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('can be started again after it has expired', () => {
    const { dog, expire, pass } = watched()
    dog.start()
    pass(1_000)
    dog.start()
    pass(1_000)
    expect(expire).toHaveBeenCalledTimes(2)
  })

  test('Infinity never expires and has no timer', () => {
    const { dog } = watched(Infinity)
    dog.start()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('longer than setTimeout can hold: it counts on', () => {
    const { dog, expire, pass } = watched(2 ** 31 + 5_000)
    dog.start()
    pass(2 ** 31)
    expect(expire).not.toHaveBeenCalled()
    pass(5_000)
    expect(expire).toHaveBeenCalledOnce()
  })
})
