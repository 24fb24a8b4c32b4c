import { beforeEach, describe, expect, test } from 'vitest'
import type { LedgerEffect } from '../../src/pool/events.ts'
import { Ledger } from '../../src/pool/ledger.ts'

const open = (resource: number): LedgerEffect => ({ type: 'open', resource })
const abort = (resource: number): LedgerEffect => ({ type: 'abort', resource })
const check = (resource: number): LedgerEffect => ({ type: 'check', resource })
const idle = (resource: number, isIdle = true): LedgerEffect => ({ type: 'idle', resource, isIdle })
const forget = (resource: number): LedgerEffect => ({ type: 'forget', resource })
const grant = (waiter: number, resource: number): LedgerEffect => ({ type: 'grant', waiter, resource })
const reject = (waiter: number, error: unknown): LedgerEffect => ({ type: 'reject', waiter, error })
const refuse = (waiter: number): LedgerEffect => ({ type: 'refuse', waiter })
const close = (resource: number, how: 'quit' | 'cut', reason?: unknown): LedgerEffect => ({
  type: 'close',
  resource,
  how,
  reason,
})
const drained: LedgerEffect = { type: 'drained' }

let ledger: Ledger

beforeEach(() => {
  ledger = new Ledger(4)
})

const acquire = (waiter: number): LedgerEffect[] => ledger.apply({ type: 'acquire', waiter })
const opened = (resource: number): LedgerEffect[] => ledger.apply({ type: 'opened', resource })
const refused = (resource: number, error: unknown = 'full'): LedgerEffect[] =>
  ledger.apply({ type: 'openFailed', resource, error, isRefusal: true })
const release = (resource: number): LedgerEffect[] => ledger.apply({ type: 'release', resource })
const checked = (resource: number, ok: boolean): LedgerEffect[] =>
  ledger.apply({ type: 'checked', resource, ok })
const closed = (resource: number): LedgerEffect[] => ledger.apply({ type: 'closed', resource })
const lost = (resource: number): LedgerEffect[] => ledger.apply({ type: 'lost', resource })
const cancel = (waiter: number): LedgerEffect[] => ledger.apply({ type: 'cancel', waiter, reason: 'abort' })

/** Waiters 1 to n hold resources 1 to n. */
function lend(count: number): void {
  for (let waiter = 1; waiter <= count; waiter += 1) acquire(waiter)
  for (let resource = 1; resource <= count; resource += 1) opened(resource)
  expect(ledger.stats()).toMatchObject({ leased: count, waiting: 0, opening: 0 })
}

describe('opening', () => {
  test('one login is tried before many, then as many as wait, up to the cap', () => {
    expect(acquire(1)).toEqual([open(1)])
    for (let waiter = 2; waiter <= 6; waiter += 1) expect(acquire(waiter)).toEqual([])
    expect(opened(1)).toEqual([grant(1, 1), open(2), open(3), open(4)])
    expect(opened(3)).toEqual([grant(2, 3)])
  })

  test('while one login is under way, a cancelled one counts until it has answered', () => {
    acquire(1)
    expect(cancel(1)).toEqual([reject(1, 'abort'), abort(1)])
    expect(acquire(2)).toEqual([])
    expect(refused(1)).toEqual([forget(1), open(2)])
  })

  test('what opens too late goes to the next waiter, or rests', () => {
    acquire(1)
    cancel(1)
    acquire(2)
    expect(opened(1)).toEqual([grant(2, 1)])
    acquire(3)
    release(1)
    checked(1, true)
    release(1)
    expect(opened(2)).toEqual([idle(2)])
  })

  test('an opening outlives its waiter while somebody holds a lease, and is aborted when nobody does', () => {
    lend(1)
    expect(acquire(2)).toEqual([open(2)])
    expect(cancel(2)).toEqual([reject(2, 'abort')])
    expect(release(1)).toEqual([idle(1), abort(2)])
    expect(ledger.stats()).toMatchObject({ open: 1, opening: 1 })
  })
})

describe('failing to open', () => {
  test('refused with nothing logged in: everybody is told, and nothing is tried again', () => {
    for (const waiter of [1, 2, 3]) acquire(waiter)
    expect(refused(1, 'wrong password')).toEqual([
      forget(1),
      reject(1, 'wrong password'),
      reject(2, 'wrong password'),
      reject(3, 'wrong password'),
    ])
    expect(acquire(4)).toEqual([open(2)])
  })

  test('refused beside a live sibling: a limit, nobody is told, and the others are left to finish', () => {
    lend(1)
    for (const waiter of [2, 3, 4]) acquire(waiter)
    expect(refused(3)).toEqual([forget(3), { type: 'limited', ceiling: 1, error: 'full' }])
    expect(ledger.stats()).toMatchObject({ opening: 2, waiting: 3, ceiling: 1 })
    expect(opened(2)).toEqual([grant(2, 2)])
    expect(ledger.stats().ceiling).toBe(2)
    expect(refused(4)).toEqual([forget(4), { type: 'limited', ceiling: 2, error: 'full' }])
    expect(release(2)).toEqual([check(2)])
    expect(checked(2, true)).toEqual([grant(3, 2)])
  })

  test('what failed otherwise is no limit: all who wait are told, and the next is opened', () => {
    lend(1)
    for (const waiter of [2, 3]) acquire(waiter)
    const failed = { type: 'openFailed', resource: 2, error: 'of our own', isRefusal: false } as const
    expect(ledger.apply(failed)).toEqual([forget(2), reject(2, 'of our own'), reject(3, 'of our own')])
    expect(ledger.stats()).toMatchObject({ ceiling: 4, waiting: 0 })
    expect(ledger.isLimited).toBe(false)
    expect(opened(3)).toEqual([idle(3)])
    expect(acquire(4)).toEqual([idle(3, false), check(3)])
    expect(acquire(5)).toEqual([open(4)])
  })

  test('the last sibling is lost while others open: the first refusal then tells everybody', () => {
    lend(1)
    for (const waiter of [2, 3]) acquire(waiter)
    expect(lost(1)).toEqual([forget(1)])
    expect(refused(2, 'unreachable')).toEqual([
      forget(2),
      reject(2, 'unreachable'),
      reject(3, 'unreachable'),
      abort(3),
    ])
  })

  test('a probe allows one more, until the cap is reached', () => {
    lend(2)
    for (const waiter of [3, 4, 5]) acquire(waiter)
    refused(3)
    refused(4)
    expect(ledger.isLimited).toBe(true)
    expect(ledger.apply({ type: 'probe' })).toEqual([open(5)])
    expect(opened(5)).toEqual([grant(3, 5)])
    expect(ledger.stats().ceiling).toBe(3)
    expect(ledger.apply({ type: 'probe' })).toEqual([open(6)])
    expect(ledger.isLimited).toBe(false)
  })

  test('a known limit survives a change of the cap', () => {
    lend(2)
    acquire(3)
    refused(3)
    expect(ledger.apply({ type: 'setMax', max: 8 })).toEqual([])
    expect(ledger.stats()).toMatchObject({ max: 8, ceiling: 2 })
    expect(ledger.isLimited).toBe(true)
  })
})

describe('handing out', () => {
  test('an idle one is checked before it is granted, the latest first', () => {
    lend(2)
    release(2)
    expect(release(1)).toEqual([idle(1)])
    expect(acquire(3)).toEqual([idle(1, false), check(1)])
    expect(checked(1, true)).toEqual([grant(3, 1)])
    expect(acquire(4)).toEqual([idle(2, false), check(2)])
  })

  test('a failed check costs its waiter no place: the next idle one is tried', () => {
    lend(2)
    release(1)
    release(2)
    acquire(3)
    expect(checked(2, false)).toEqual([close(2, 'cut'), idle(1, false), check(1)])
    expect(acquire(4)).toEqual([open(3)])
    expect(checked(1, false)).toEqual([close(1, 'cut')])
    expect(opened(3)).toEqual([grant(3, 3), open(4)])
  })

  test('whichever check ends first serves the one who came first', () => {
    lend(2)
    release(1)
    release(2)
    acquire(3)
    acquire(4)
    expect(checked(1, true)).toEqual([grant(3, 1)])
    expect(checked(2, true)).toEqual([grant(4, 2)])
  })

  test('a released one is checked at once, though a slow check runs for the only waiter', () => {
    lend(2)
    release(1)
    acquire(3)
    expect(release(2)).toEqual([check(2)])
    expect(checked(2, true)).toEqual([grant(3, 2)])
    expect(checked(1, true)).toEqual([idle(1)])
  })

  test('cancelled while the check runs: the resource goes to the next, or rests', () => {
    lend(1)
    release(1)
    acquire(2)
    cancel(2)
    expect(checked(1, true)).toEqual([idle(1)])
    acquire(3)
    acquire(4)
    cancel(3)
    expect(checked(1, true)).toEqual([grant(4, 1)])
  })

  test('lost while leased: its release means nothing any more', () => {
    lend(1)
    expect(lost(1)).toEqual([forget(1)])
    expect(release(1)).toEqual([])
    expect(ledger.stats()).toMatchObject({ open: 0, leased: 0 })
  })

  test('what is being closed counts against the cap until it is gone', () => {
    ledger = new Ledger(1)
    lend(1)
    acquire(2)
    expect(ledger.apply({ type: 'discard', resource: 1, reason: 'late reply' })).toEqual([
      close(1, 'cut', 'late reply'),
    ])
    expect(closed(1)).toEqual([forget(1), open(2)])
  })
})

describe('changing the cap', () => {
  test('a higher one opens at once for those who wait', () => {
    ledger = new Ledger(1)
    lend(1)
    acquire(2)
    expect(ledger.apply({ type: 'setMax', max: 2 })).toEqual([open(2)])
  })

  test('a lower one gives up openings, then the oldest idle', () => {
    lend(3)
    acquire(4)
    release(3)
    checked(3, true)
    acquire(5)
    cancel(5)
    release(1)
    release(3)
    expect(ledger.stats()).toMatchObject({ leased: 1, idle: 2, opening: 1 })
    expect(ledger.apply({ type: 'setMax', max: 2 })).toEqual([abort(4), idle(1, false), close(1, 'quit')])
    expect(ledger.apply({ type: 'setMax', max: 1 })).toEqual([idle(3, false), close(3, 'quit')])
  })

  test('what is leased above a lower one is closed on its release, and the waiter has the next', () => {
    lend(2)
    ledger.apply({ type: 'setMax', max: 1 })
    acquire(3)
    expect(release(1)).toEqual([close(1, 'quit')])
    expect(release(2)).toEqual([check(2)])
  })
})

describe('closing', () => {
  test('close turns waiters away, closes the idle politely and the leased on their release', () => {
    lend(4)
    release(1)
    expect(ledger.apply({ type: 'close' })).toEqual([idle(1, false), close(1, 'quit')])
    expect(acquire(9)).toEqual([refuse(9)])
    expect(closed(1)).toEqual([forget(1)])
    expect(release(2)).toEqual([close(2, 'quit')])
    expect(lost(3)).toEqual([forget(3)])
    expect(closed(2)).toEqual([forget(2)])
    expect(release(4)).toEqual([close(4, 'quit')])
    expect(closed(4)).toEqual([forget(4), drained])
  })

  test('close aborts openings, and closes what opens all the same', () => {
    acquire(1)
    expect(ledger.apply({ type: 'close' })).toEqual([refuse(1), abort(1)])
    expect(opened(1)).toEqual([close(1, 'quit')])
    expect(closed(1)).toEqual([forget(1), drained])
  })

  test('destroy cuts everything, also what is closing politely', () => {
    lend(3)
    ledger.apply({ type: 'setMax', max: 2 })
    expect(release(1)).toEqual([close(1, 'quit')])
    acquire(4)
    release(2)
    acquire(5)
    expect(ledger.apply({ type: 'destroy', reason: 'enough' })).toEqual([
      reject(4, 'enough'),
      reject(5, 'enough'),
      close(1, 'cut', 'enough'),
      close(2, 'cut', 'enough'),
      close(3, 'cut', 'enough'),
    ])
    expect(ledger.apply({ type: 'destroy', reason: 'again' })).toEqual([])
    expect([...closed(1), ...closed(2), ...closed(3)]).toEqual([forget(1), forget(2), forget(3), drained])
  })

  test('destroy after close cuts what close was waiting for; close after destroy adds nothing', () => {
    lend(2)
    release(1)
    ledger.apply({ type: 'close' })
    expect(ledger.apply({ type: 'destroy', reason: undefined })).toEqual([close(2, 'cut'), close(1, 'cut')])
    expect(ledger.apply({ type: 'close' })).toEqual([])
  })

  test('an empty pool is drained at once, and once', () => {
    expect(ledger.apply({ type: 'close' })).toEqual([drained])
    expect(ledger.apply({ type: 'destroy', reason: undefined })).toEqual([])
    expect(ledger.apply({ type: 'close' })).toEqual([])
  })
})
