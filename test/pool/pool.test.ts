import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FtpConnectionError } from '../../src/errors.ts'
import type { Lease } from '../../src/pool/lease.ts'
import { Pool } from '../../src/pool/pool.ts'
import { deferred } from '../../src/util/deferred.ts'
import { FakeHooks, quiet, type Thing } from './fake-hooks.ts'

let hooks: FakeHooks
let pool: Pool<Thing>

beforeEach(() => {
  hooks = new FakeHooks()
  pool = new Pool({ max: 4, hooks })
})

/** What becomes of a promise, for looking at it before it is settled. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const seen = { outcome: 'pending' as unknown }
  promise.then(
    () => (seen.outcome = 'resolved'),
    (error: unknown) => (seen.outcome = error),
  )
  return seen
}

const borrow = (count: number): Promise<Lease<Thing>[]> =>
  Promise.all(Array.from({ length: count }, () => pool.acquire()))

describe('acquire', () => {
  test('opens on first use, and hands out the same one again after a check', async () => {
    expect(hooks.openings).toHaveLength(0)
    const first = await pool.acquire()
    expect(first.value.name).toBe('a')
    expect(pool.stats()).toMatchObject({ open: 1, leased: 1, idle: 0 })
    first.release()
    expect(pool.stats()).toMatchObject({ open: 1, leased: 0, idle: 1 })
    expect((await pool.acquire()).value).toBe(first.value)
    expect(hooks.log).toEqual(['idle a', 'busy a', 'check a'])
    expect(hooks.openings).toHaveLength(1)
  })

  test('an old lease has no power over the next holder', async () => {
    const first = await pool.acquire()
    first.release()
    const second = await pool.acquire()
    first.release()
    first.discard()
    expect(pool.stats()).toMatchObject({ leased: 1, idle: 0 })
    second.release()
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 })
  })

  test('a resource that fails its check is cut and replaced, and the caller does not notice', async () => {
    const first = await pool.acquire()
    first.release()
    hooks.check = async () => false
    expect((await pool.acquire()).value.name).toBe('b')
    expect(hooks.log).toEqual(['idle a', 'busy a', 'cut a'])
  })

  test('a discarded resource is cut with the reason, and replaced', async () => {
    const first = await pool.acquire()
    first.discard('no last reply')
    expect((await pool.acquire()).value.name).toBe('b')
    expect(hooks.log).toEqual(['cut a: "no last reply"'])
  })

  test('one failed first login rejects all with the error itself, and a later call tries again', async () => {
    hooks.opensAtOnce = false
    const waits = [1, 2, 3].map(() => watch(pool.acquire()))
    const error = new Error('530')
    expect(hooks.openings).toHaveLength(1)
    hooks.openings[0]?.reject(error)
    await quiet()
    expect(waits.map((wait) => wait.outcome)).toEqual([error, error, error])
    expect(hooks.openings).toHaveLength(1)
    hooks.opensAtOnce = true
    expect((await pool.acquire()).value.name).toBe('a')
  })
})

describe('an aborted wait', () => {
  test('rejects with the reason itself at once, aborts the opening, and what opens late is kept', async () => {
    hooks.opensAtOnce = false
    const controller = new AbortController()
    const wait = watch(pool.acquire(controller.signal))
    const reason = { any: 'value' }
    controller.abort(reason)
    await quiet()
    expect(wait.outcome).toBe(reason)
    expect(hooks.openings[0]?.signal.aborted).toBe(true)
    hooks.openings[0]?.resolve(hooks.thing())
    await quiet()
    expect(pool.stats()).toMatchObject({ open: 1, idle: 1, opening: 0, waiting: 0 })
    expect((await pool.acquire()).value.name).toBe('a')
  })

  test('with a signal that has aborted before, nothing is opened', async () => {
    await expect(pool.acquire(AbortSignal.abort('before'))).rejects.toBe('before')
    expect(hooks.openings).toHaveLength(0)
  })

  test('leaves the others in their order, and no listener behind', async () => {
    const { signal } = new AbortController()
    const middle = new AbortController()
    hooks.opensAtOnce = false
    pool.setMax(1)
    const order: string[] = []
    const first = pool.acquire(signal)
    const second = watch(pool.acquire(middle.signal))
    const third = pool.acquire(signal).then((lease) => order.push(`third ${lease.value.name}`))
    const fourth = pool.acquire(signal).then((lease) => order.push(`fourth ${lease.value.name}`))
    middle.abort('second')
    hooks.openings[0]?.resolve(hooks.thing())
    const lease = await first
    expect(second.outcome).toBe('second')
    lease.release()
    await third
    expect(order).toEqual(['third a'])
    pool.destroy()
    await expect(fourth).rejects.toMatchObject({ code: 'ERR_FTP_CLOSED' })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('after the grant the signal has no power over the lease', async () => {
    const controller = new AbortController()
    const lease = await pool.acquire(controller.signal)
    controller.abort()
    expect(pool.stats()).toMatchObject({ leased: 1 })
    lease.release()
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 })
  })
})

describe('a limit', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('is told, work goes on with fewer, and one more is tried each time the probe is due', async () => {
    const told: unknown[] = []
    pool = new Pool({ max: 4, hooks, probeAfterMs: 1000, onLimited: (...limit) => told.push(limit) })
    await borrow(2)
    hooks.opensAtOnce = false
    const waits = [1, 2].map(() => watch(pool.acquire()))
    const error = new Error('421')
    for (const opening of hooks.openings) opening.reject(error)
    await quiet()
    expect(told).toEqual([
      [2, error],
      [2, error],
    ])
    expect(waits.map((wait) => wait.outcome)).toEqual(['pending', 'pending'])
    expect(pool.stats()).toMatchObject({ ceiling: 2, opening: 0 })

    vi.advanceTimersByTime(999)
    expect(hooks.openings).toHaveLength(4)
    vi.advanceTimersByTime(1)
    expect(hooks.openings).toHaveLength(5)
    hooks.openings[4]?.reject(error)
    await quiet()
    expect(pool.stats().ceiling).toBe(2)

    vi.advanceTimersByTime(1000)
    expect(hooks.openings).toHaveLength(6)
    expect(pool.stats().ceiling).toBe(3)
    vi.advanceTimersByTime(1000)
    expect(hooks.openings).toHaveLength(7)
    expect(pool.stats().ceiling).toBe(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('met again puts the probe off', async () => {
    pool = new Pool({ max: 4, hooks, probeAfterMs: 1000 })
    await borrow(1)
    hooks.opensAtOnce = false
    void watch(pool.acquire())
    void watch(pool.acquire())
    hooks.openings[1]?.reject(new Error('421'))
    await quiet()
    vi.advanceTimersByTime(900)
    hooks.openings[2]?.reject(new Error('421'))
    await quiet()
    vi.advanceTimersByTime(900)
    expect(pool.stats().ceiling).toBe(1)
    vi.advanceTimersByTime(100)
    expect(pool.stats().ceiling).toBe(2)
  })

  test('is not probed after close', async () => {
    pool = new Pool({ max: 4, hooks, probeAfterMs: 1000 })
    const [lease] = await borrow(1)
    hooks.opensAtOnce = false
    void watch(pool.acquire())
    hooks.openings[1]?.reject(new Error('421'))
    await quiet()
    expect(vi.getTimerCount()).toBe(1)
    const closing = pool.close()
    expect(vi.getTimerCount()).toBe(0)
    lease?.release()
    await closing
  })
})

describe('lost', () => {
  test('an idle one is never handed out again, and not closed either', async () => {
    const lease = await pool.acquire()
    lease.release()
    pool.lost(lease.value)
    expect(pool.stats()).toMatchObject({ open: 0, idle: 0 })
    expect((await pool.acquire()).value.name).toBe('b')
    expect(hooks.log).toEqual(['idle a'])
  })

  test('a leased one is not taken back', async () => {
    const lease = await pool.acquire()
    pool.lost(lease.value)
    pool.lost(lease.value)
    lease.release()
    expect(pool.stats()).toMatchObject({ open: 0, idle: 0, leased: 0 })
    expect(hooks.log).toEqual([])
  })

  test('lost before the pool has heard that it is open: an error, not a dead lease', async () => {
    hooks.opensAtOnce = false
    const wait = pool.acquire()
    const thing = hooks.thing()
    hooks.openings[0]?.resolve(thing)
    pool.lost(thing)
    await expect(wait).rejects.toMatchObject({ code: 'ERR_FTP_CONTROL_CLOSED' })
    expect(pool.stats()).toMatchObject({ open: 0, opening: 0 })
  })
})

describe('close', () => {
  test('turns away those who wait and those who come, and waits for the leases and the last goodbye', async () => {
    pool.setMax(2)
    const [kept, given] = await borrow(2)
    const waiting = watch(pool.acquire())
    const goodbye = deferred<undefined>()
    const closeAtOnce = hooks.close.bind(hooks)
    hooks.close = async (...call) => {
      await closeAtOnce(...call)
      await goodbye.promise
    }
    const closing = watch(pool.close())
    await quiet()
    expect(waiting.outcome).toMatchObject({ code: 'ERR_FTP_CLOSED', retryable: false })
    await expect(pool.acquire()).rejects.toBeInstanceOf(FtpConnectionError)
    given?.release()
    kept?.release()
    await quiet()
    expect(hooks.log).toEqual(['quit b', 'quit a'])
    expect(closing.outcome).toBe('pending')
    expect(pool.stats()).toMatchObject({ open: 0, closing: 2 })
    goodbye.resolve(undefined)
    await quiet()
    expect(closing.outcome).toBe('resolved')
    await pool.close()
    expect(hooks.log).toHaveLength(2)
  })

  test('takes hold of the process again before it says goodbye to an idle one', async () => {
    const lease = await pool.acquire()
    lease.release()
    await pool.close()
    expect(hooks.log).toEqual(['idle a', 'busy a', 'quit a'])
  })

  test('aborts openings, and resolves when they have answered', async () => {
    hooks.opensAtOnce = false
    const wait = watch(pool.acquire())
    const closing = watch(pool.close())
    await quiet()
    expect(wait.outcome).toMatchObject({ code: 'ERR_FTP_CLOSED' })
    expect(hooks.openings[0]?.signal.aborted).toBe(true)
    expect(closing.outcome).toBe('pending')
    hooks.openings[0]?.reject(new Error('aborted'))
    await quiet()
    expect(closing.outcome).toBe('resolved')
  })

  test('is what await using does', async () => {
    {
      await using scoped = new Pool({ max: 1, hooks })
      const lease = await scoped.acquire()
      lease.release()
    }
    expect(hooks.log.at(-1)).toBe('quit a')
  })
})

describe('destroy', () => {
  test('cuts all with its reason, also what close was waiting for', async () => {
    pool.setMax(2)
    const [lease] = await borrow(2)
    const closing = pool.close()
    const reason = new Error('enough')
    pool.destroy(reason)
    pool.destroy(new Error('again'))
    await closing
    lease?.release()
    expect(hooks.log).toEqual(['cut a: Error: enough', 'cut b: Error: enough'])
    expect(pool.stats()).toMatchObject({ open: 0, leased: 0, closing: 0 })
  })

  test('rejects those who wait with its reason, and those who come later with ERR_FTP_CLOSED', async () => {
    hooks.opensAtOnce = false
    const wait = watch(pool.acquire())
    const reason = { any: 'value' }
    pool.destroy(reason)
    await quiet()
    expect(wait.outcome).toBe(reason)
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_FTP_CLOSED', cause: reason })
  })

  test('without a reason: ERR_FTP_CLOSED; and an opening that succeeds all the same is cut', async () => {
    hooks.opensAtOnce = false
    const wait = watch(pool.acquire())
    pool.destroy()
    hooks.openings[0]?.resolve(hooks.thing())
    await pool.close()
    expect(wait.outcome).toMatchObject({ code: 'ERR_FTP_CLOSED' })
    expect(hooks.log).toEqual(['cut a'])
  })
})

// An unhandled rejection in any of these fails the run.
describe('a hook that throws', () => {
  const throwing = (): never => {
    throw new Error('hook')
  }

  test('open: as if it had rejected', async () => {
    hooks.open = throwing
    await expect(pool.acquire()).rejects.toThrow('hook')
    expect(pool.stats()).toMatchObject({ opening: 0, waiting: 0 })
  })

  test('check: not usable', async () => {
    const lease = await pool.acquire()
    lease.release()
    hooks.check = throwing
    expect((await pool.acquire()).value.name).toBe('b')
    expect(hooks.log).toContain('cut a')
  })

  test('close: gone', async () => {
    const lease = await pool.acquire()
    hooks.close = throwing
    lease.discard()
    expect((await pool.acquire()).value.name).toBe('b')
    pool.destroy()
    await pool.close()
    expect(pool.stats()).toMatchObject({ open: 0, closing: 0 })
  })

  test('idle: the resource is cut', async () => {
    const lease = await pool.acquire()
    hooks.idle = throwing
    lease.release()
    await quiet()
    expect(hooks.log).toEqual(['cut a: Error: hook'])
    expect(pool.stats()).toMatchObject({ open: 0, idle: 0 })
  })
})

describe('a hook that calls back', () => {
  test('a resource reported lost while it is being woken is not handed out', async () => {
    const lease = await pool.acquire()
    lease.release()
    hooks.idle = (value, isIdle) => {
      if (!isIdle) pool.lost(value)
    }
    expect((await pool.acquire()).value.name).toBe('b')
  })

  test('a listener that destroys the pool when it hears of a limit', async () => {
    pool = new Pool({ max: 4, hooks, onLimited: (_ceiling, error) => pool.destroy(error) })
    const [lease] = await borrow(1)
    hooks.opensAtOnce = false
    const wait = watch(pool.acquire())
    const error = new Error('421')
    hooks.openings[1]?.reject(error)
    await quiet()
    lease?.release()
    await pool.close()
    expect(wait.outcome).toBe(error)
    expect(hooks.log).toEqual(['cut a: Error: 421'])
  })
})

test('what makes no sense is refused before anything happens', () => {
  for (const max of [0, -1, 1.5, NaN]) {
    expect(() => new Pool({ max, hooks })).toThrow(RangeError)
    expect(() => pool.setMax(max)).toThrow(RangeError)
  }
  expect(() => new Pool({ max: 1, hooks, probeAfterMs: 0 })).toThrow(RangeError)
  expect(pool.stats().max).toBe(4)
})

describe('rotation', () => {
  let now = 0

  beforeEach(() => {
    now = 0
    pool = new Pool({ max: 1, hooks, rotateAfterMs: 1_000, clock: () => now })
  })

  test('a holder goes on with a new one before it gives the old one up, beyond the cap', async () => {
    const old = await pool.acquire()
    expect(pool.isAged(old)).toBe(false)
    now = 1_000
    expect(pool.isAged(old)).toBe(true)
    const fresh = await pool.replace(old)
    expect(pool.isAged(old)).toBe(false)
    expect([old.value.name, fresh.value.name]).toEqual(['a', 'b'])
    expect(pool.stats()).toMatchObject({ leased: 2, max: 1 })
    old.release()
    await quiet()
    expect(hooks.log).toEqual(['quit a'])
    fresh.release()
    expect(pool.stats()).toMatchObject({ open: 1, idle: 1 })
  })

  test('while both are there nobody else gets one more', async () => {
    const old = await pool.acquire()
    now = 1_000
    const fresh = await pool.replace(old)
    const third = watch(pool.acquire())
    await quiet()
    expect(third.outcome).toBe('pending')
    old.release()
    await quiet()
    expect(third.outcome).toBe('pending')
    fresh.release()
    await quiet()
    expect(third.outcome).toBe('resolved')
    expect(hooks.openings).toHaveLength(2)
  })

  test('one that cannot be replaced goes on, and is due again after as long', async () => {
    const old = await pool.acquire()
    now = 1_000
    hooks.opensAtOnce = false
    const attempt = pool.replace(old)
    await quiet()
    hooks.openings[1]?.reject(new Error('full'))
    await expect(attempt).rejects.toThrow('full')
    expect(pool.stats()).toMatchObject({ leased: 1, ceiling: 1 })
    now = 1_900
    expect(pool.isAged(old)).toBe(false)
    now = 2_000
    expect(pool.isAged(old)).toBe(true)
  })

  test('an abort ends the attempt, and the late one is of use to others', async () => {
    const old = await pool.acquire()
    now = 1_000
    hooks.opensAtOnce = false
    const abort = new AbortController()
    const attempt = pool.replace(old, abort.signal)
    await quiet()
    abort.abort(new Error('enough'))
    await expect(attempt).rejects.toThrow('enough')
    expect(hooks.openings[1]?.signal.aborted).toBe(true)
    hooks.openings[1]?.resolve(hooks.thing())
    await quiet()
    old.release()
    await quiet()
    expect(pool.stats()).toMatchObject({ open: 1, idle: 1, closing: 0 })
  })

  test('what is used again when it is old is replaced behind the back of its user', async () => {
    ;(await pool.acquire()).release()
    now = 5_000
    await quiet()
    expect(hooks.openings).toHaveLength(1) // Nobody has used it: no login for nothing.
    const again = await pool.acquire()
    expect(again.value.name).toBe('a')
    await quiet()
    expect(hooks.openings).toHaveLength(2)
    again.release()
    await quiet()
    expect(hooks.log.at(-1)).toBe('quit a')
    expect((await pool.acquire()).value.name).toBe('b')
  })

  test('closed or destroyed meanwhile, nothing is left', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const one = new Pool({ max: 1, hooks, rotateAfterMs: 1_000, clock: () => now })
      hooks.opensAtOnce = true
      const old = await one.acquire()
      now += 1_000
      hooks.opensAtOnce = false
      const attempt = one.replace(old)
      await quiet()
      const gone = end === 'close' ? one.close() : (one.destroy(), one.close())
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_FTP_CLOSED' })
      hooks.openings.at(-1)?.reject(new Error('aborted'))
      old.release()
      await gone
      expect(one.stats()).toMatchObject({ open: 0, opening: 0, closing: 0 })
    }
  })
})
