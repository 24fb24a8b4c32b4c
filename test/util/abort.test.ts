import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { onAbort, throwIfAborted, waitOrAbort } from '../../src/util/abort.ts'
import { deferred } from '../../src/util/deferred.ts'

const listenersOn = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('onAbort', () => {
  test('tells every listener once, with the reason itself', () => {
    const controller = new AbortController()
    const reason = { any: 'value' }
    const heard: unknown[] = []
    onAbort(controller.signal, (r) => heard.push(r))
    onAbort(controller.signal, (r) => heard.push(r))
    controller.abort(reason)
    controller.abort('again')
    expect(heard).toEqual([reason, reason])
    expect(heard[0]).toBe(reason)
  })

  test('calls at once, before it returns, where the signal has aborted already', () => {
    const heard: unknown[] = []
    onAbort(AbortSignal.abort('gone'), (reason) => heard.push(reason))
    expect(heard).toEqual(['gone'])
  })

  test('does nothing without a signal', () => {
    expect(() => onAbort(undefined, () => expect.fail('called'))()).not.toThrow()
  })

  test('a removed listener is not called, and the others are', () => {
    const controller = new AbortController()
    const heard: string[] = []
    const remove = onAbort(controller.signal, () => heard.push('first'))
    onAbort(controller.signal, () => heard.push('second'))
    remove()
    remove()
    controller.abort()
    expect(heard).toEqual(['second'])
  })

  test('the same function given twice is removed once', () => {
    const controller = new AbortController()
    let calls = 0
    const listener = (): void => void (calls += 1)
    const remove = onAbort(controller.signal, listener)
    onAbort(controller.signal, listener)
    remove()
    controller.abort()
    expect(calls).toBe(1)
  })

  test('a listener removed by another during the abort is not called', () => {
    const controller = new AbortController()
    const removers: (() => void)[] = []
    onAbort(controller.signal, () => removers[0]?.())
    removers.push(onAbort(controller.signal, () => expect.fail('called')))
    controller.abort()
  })

  test('any number of waits is one listener on the signal, and none when they are over', () => {
    const { signal } = new AbortController()
    const removers = Array.from({ length: 50 }, () => onAbort(signal, () => undefined))
    expect(listenersOn(signal)).toBe(1)
    for (const remove of removers) remove()
    expect(listenersOn(signal)).toBe(0)
    onAbort(signal, () => undefined)
    expect(listenersOn(signal)).toBe(1)
  })
})

describe('waitOrAbort', () => {
  test('brings what the promise brings, and leaves no listener', async () => {
    const { signal } = new AbortController()
    const failure = new Error('no')
    expect(await waitOrAbort(Promise.resolve(7), signal)).toBe(7)
    await expect(waitOrAbort(Promise.reject(failure), signal)).rejects.toBe(failure)
    expect(await waitOrAbort(Promise.resolve(8), undefined)).toBe(8)
    await new Promise(setImmediate)
    expect(listenersOn(signal)).toBe(0)
  })

  test('rejects with the reason itself on abort, and drops what comes later', async () => {
    const controller = new AbortController()
    const slow = deferred<number>()
    const wait = waitOrAbort(slow.promise, controller.signal)
    const reason = { any: 'value' }
    controller.abort(reason)
    await expect(wait).rejects.toBe(reason)
    // An unhandled rejection here would fail the run.
    slow.reject(new Error('too late'))
    await new Promise(setImmediate)
  })

  test('an abort that came before counts, even where the promise is settled', async () => {
    await expect(waitOrAbort(Promise.resolve(1), AbortSignal.abort('first'))).rejects.toBe('first')
    await expect(waitOrAbort(Promise.reject(new Error('x')), AbortSignal.abort('first'))).rejects.toBe(
      'first',
    )
  })
})

test('throwIfAborted throws the reason itself, and only after an abort', () => {
  const reason = { any: 'value' }
  expect(() => throwIfAborted(undefined)).not.toThrow()
  expect(() => throwIfAborted(new AbortController().signal)).not.toThrow()
  let thrown: unknown
  try {
    throwIfAborted(AbortSignal.abort(reason))
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBe(reason)
})

test('a deferred is settled by its first answer', async () => {
  const answer = deferred<number>()
  expect(answer.settled).toBe(false)
  answer.resolve(1)
  answer.reject(new Error('too late'))
  expect(answer.settled).toBe(true)
  expect(await answer.promise).toBe(1)
})
