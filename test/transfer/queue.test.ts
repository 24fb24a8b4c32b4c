/** Who runs when, and what a queue tells of it. The transfers are real; their work is done when the test says so. */
import { describe, expect, test, vi } from 'vitest'
import {
  TransferQueue,
  type QueuedTransfer,
  type QueuedTransferOptions,
  type Transfer,
  type TransferQueueEvents,
  type TransferQueueOptions,
} from '../../src/index.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { VirtualClock } from '../transport/virtual-clock.ts'
import { DeferredTransfer } from './deferred-transfer.ts'

const DAY_MS = 86_400_000

/** A queue of deferred transfers by name, and the names in the order in which they were begun. */
class Bench {
  readonly queue: TransferQueue
  readonly time = new VirtualClock()
  /** How long the computer has slept: clocks go on, timers stand still. */
  asleepMs = 0
  readonly begun: string[] = []
  readonly told: string[] = []
  readonly #works = new Map<string, DeferredTransfer>()

  constructor(options: TransferQueueOptions = { concurrency: 1 }) {
    const clock = (): number => this.time.now + this.asleepMs
    this.queue = new TransferQueue(options, { clock, startTimer: this.time.startTimer })
    this.queue.on('start', ({ item }) => this.told.push(`start ${item.name}`))
    this.queue.on('complete', ({ item }) => this.told.push(`complete ${item.name}`))
    this.queue.on('failed', ({ item }) => this.told.push(`failed ${item.name}`))
    this.queue.on('cancelled', ({ item }) => this.told.push(`cancelled ${item.name}`))
    this.queue.on('idle', () => this.told.push('idle'))
  }

  add(
    name: string,
    { isSlow = false, ...options }: QueuedTransferOptions & { isSlow?: boolean } = {},
  ): QueuedTransfer<string> {
    const start = (): Transfer<string> => {
      this.begun.push(name)
      const work = new DeferredTransfer({ isSlow })
      this.#works.set(name, work)
      return work.transfer
    }
    return this.queue.add(start, { name, ...options })
  }

  work(name: string): DeferredTransfer {
    const work = this.#works.get(name)
    if (work === undefined) throw new Error(`${name} has not begun`)
    return work
  }

  async finish(...names: string[]): Promise<void> {
    for (const name of names) {
      this.work(name).finish(`${name} is done`)
      await settled()
    }
  }
}

/** Whatever microtasks do is done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('turns', () => {
  test('nothing begins within add(), then so many as there are places, then one for each that ends', async () => {
    const bench = new Bench({ concurrency: 2 })
    const items = ['a', 'b', 'c', 'd'].map((name) => bench.add(name))
    expect(bench.begun).toEqual([])
    await settled()
    expect(bench.begun).toEqual(['a', 'b'])
    expect(items.map(({ state }) => state)).toEqual(['running', 'running', 'queued', 'queued'])
    await bench.finish('b')
    expect(bench.begun).toEqual(['a', 'b', 'c'])
    expect(await items[1]).toBe('b is done')
    await bench.finish('a', 'c', 'd')
    expect(items.map(({ state }) => state)).toEqual(Array(4).fill('complete'))
  })

  test('by default there are two places', async () => {
    const bench = new Bench({})
    for (const name of ['a', 'b', 'c']) bench.add(name)
    await settled()
    expect([bench.queue.concurrency, bench.begun]).toEqual([2, ['a', 'b']])
    await bench.finish('a', 'b', 'c')
  })

  test('higher priorities go first, of all that were added in one go too; equal ones as they were added', async () => {
    const bench = new Bench()
    bench.add('low', { priority: -1 })
    bench.add('first')
    bench.add('second')
    bench.add('high', { priority: 0.5 })
    bench.add('highest', { priority: Infinity })
    await settled()
    await bench.finish('highest', 'high', 'first', 'second', 'low')
    expect(bench.begun).toEqual(['highest', 'high', 'first', 'second', 'low'])
  })

  test('setPriority puts one elsewhere; one that runs goes on', async () => {
    const bench = new Bench()
    const [a, b, c] = [bench.add('a'), bench.add('b'), bench.add('c')]
    await settled()
    c.setPriority(1)
    a.setPriority(-5)
    expect([a.state, b.priority, c.priority]).toEqual(['running', 0, 1])
    expect(() => b.setPriority(NaN)).toThrow(RangeError)
    await bench.finish('a', 'c', 'b')
    expect(bench.begun).toEqual(['a', 'c', 'b'])
  })

  test('setStartAt puts one off, or begins it sooner; one that has begun goes on', async () => {
    const bench = new Bench()
    const [a, b, c] = [bench.add('a'), bench.add('b'), bench.add('c', { startAt: new Date(DAY_MS) })]
    await settled()
    for (const item of [a, b]) item.setStartAt(new Date(1_000))
    c.setStartAt(new Date(2_000))
    expect([a.state, b.state, c.state]).toEqual(['running', 'scheduled', 'scheduled'])
    expect([a.startAt, b.startAt, c.startAt]).toEqual([undefined, new Date(1_000), new Date(2_000)])
    c.setStartAt(undefined)
    expect([c.state, c.startAt]).toEqual(['queued', undefined])
    await bench.finish('a', 'c')
    expect(bench.begun).toEqual(['a', 'c'])
    bench.time.advance(1_000)
    await settled()
    expect(bench.begun).toEqual(['a', 'c', 'b'])
    expect(() => b.setStartAt(new Date(NaN))).toThrow(TypeError)
    await bench.finish('b')
    b.setStartAt(new Date(DAY_MS))
    expect(await bench.queue.idle()).toMatchObject({ complete: 3 })
  })

  test('one that is paused before it has begun waits for its new time when it is resumed', async () => {
    const bench = new Bench()
    const item = bench.add('a')
    await item.pause()
    item.setStartAt(new Date(1_000))
    expect(item.state).toBe('paused')
    item.resume()
    expect(item.state).toBe('scheduled')
    bench.time.advance(1_000)
    await settled()
    await bench.finish('a')
    expect(bench.begun).toEqual(['a'])
  })

  test('concurrency can be changed: more begin at once; those that run too many go on to their end', async () => {
    const bench = new Bench()
    for (const name of ['a', 'b', 'c', 'd']) bench.add(name)
    await settled()
    bench.queue.concurrency = 3
    await settled()
    expect(bench.begun).toEqual(['a', 'b', 'c'])
    bench.queue.concurrency = 1
    await bench.finish('a', 'b')
    expect(bench.begun).toHaveLength(3)
    await bench.finish('c', 'd')
    expect(() => (bench.queue.concurrency = 0)).toThrow(RangeError)
    expect(bench.queue.concurrency).toBe(1)
  })

  test('what wants to be heard from the beginning listens at "start"', async () => {
    const bench = new Bench()
    const states: string[] = []
    bench.queue.on('start', ({ item, transfer }) => {
      expect(item.transfer).toBe(transfer)
      transfer.on('state', ({ state }) => states.push(state))
    })
    const item = bench.add('a')
    expect([item.transfer, item.progress]).toEqual([undefined, undefined])
    await settled()
    expect(item.progress?.bytes).toBe(0)
    await bench.finish('a')
    expect(states).toEqual(['transferring', 'complete'])
  })
})

describe('ends', () => {
  test('a failure is told, rejects who awaits it with the very error, and the queue goes on', async () => {
    const bench = new Bench()
    const failed = vi.fn()
    bench.queue.on('failed', failed)
    const item = bench.add('a')
    bench.add('b')
    await settled()
    const error = new Error('lost')
    bench.work('a').fail(error)
    await expect(item).rejects.toBe(error)
    await expect(item.catch((reason: unknown) => reason)).resolves.toBe(error)
    expect(failed).toHaveBeenCalledExactlyOnceWith({ item, error })
    expect([item.state, bench.begun]).toEqual(['failed', ['a', 'b']])
    await bench.finish('b')
    expect(bench.told).toEqual(['start a', 'failed a', 'start b', 'complete b', 'idle'])
  })

  test('a failure or cancellation that nobody awaits is no unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    try {
      const bench = new Bench({ concurrency: 2 })
      bench.add('a')
      bench.add('b')
      bench.add('c')
      await settled()
      bench.work('a').fail(new Error('lost'))
      bench.queue.cancel()
      await bench.queue.idle()
      await settled()
      expect(unhandled).not.toHaveBeenCalled()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })

  test('a function that throws, or gives no transfer, has failed', async () => {
    const { queue } = new Bench()
    const error = new Error('no such option')
    const throwing = queue.add(() => {
      throw error
    })
    const wrong = queue.add((async () => 'the result') as unknown as () => Transfer<string>)
    await expect(throwing).rejects.toBe(error)
    await expect(wrong).rejects.toThrow(/must return a transfer/)
    expect(await queue.idle()).toEqual({ complete: 0, failed: 2, cancelled: 0 })
  })

  test('the last event of each state, with the one before', async () => {
    const bench = new Bench()
    const states: unknown[] = []
    bench.queue.on('state', ({ item, state, previous }) => states.push([item.name, previous, state]))
    bench.add('a')
    await settled()
    await bench.finish('a')
    expect(states).toEqual([
      ['a', 'queued', 'running'],
      ['a', 'running', 'complete'],
    ])
  })

  test('idle() resolves when all are over, with how they ended; at once where there are none', async () => {
    const bench = new Bench()
    expect(await bench.queue.idle()).toEqual({ complete: 0, failed: 0, cancelled: 0 })
    bench.add('a')
    bench.add('b')
    const seen: unknown[] = []
    const idle = bench.queue.idle().then((totals) => seen.push(totals))
    await settled()
    await bench.finish('a')
    expect(seen).toEqual([])
    bench.work('b').fail(new Error('lost'))
    await idle
    expect(seen).toEqual([{ complete: 1, failed: 1, cancelled: 0 }])
    expect(await bench.queue.idle()).toEqual(seen[0])
    bench.add('c')
    await settled()
    await bench.finish('c')
    expect(await bench.queue.idle()).toEqual({ complete: 1, failed: 0, cancelled: 0 })
  })

  test('a listener that adds another at the end of the last keeps it from being idle', async () => {
    const bench = new Bench()
    bench.queue.once('failed', () => void bench.add('again'))
    bench.add('a')
    await settled()
    bench.work('a').fail(new Error('lost'))
    await settled()
    expect(bench.told).toEqual(['start a', 'failed a', 'start again'])
    await bench.finish('again')
    expect(await bench.queue.idle()).toEqual({ complete: 1, failed: 1, cancelled: 0 })
  })

  test('a listener that cancels all the others: idle is told once', async () => {
    const bench = new Bench()
    bench.queue.once('complete', () => bench.queue.cancel())
    for (const name of ['a', 'b', 'c']) bench.add(name)
    await settled()
    await bench.finish('a')
    expect(bench.told).toEqual(['start a', 'complete a', 'cancelled b', 'cancelled c', 'idle'])
    expect(await bench.queue.idle()).toEqual({ complete: 1, failed: 0, cancelled: 2 })
  })

  test('waiting for idle ends by its signal; the queue goes on', async () => {
    const bench = new Bench()
    bench.add('a')
    await settled()
    await expect(bench.queue.idle({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    const stop = new AbortController()
    const waiting = bench.queue.idle({ signal: stop.signal })
    stop.abort('enough')
    await expect(waiting).rejects.toBe('enough')
    await bench.finish('a')
    expect(bench.told).toEqual(['start a', 'complete a', 'idle'])
  })

  test("a listener that throws: its error is the program's, and the queue goes on", async () => {
    const uncaught = vi.fn()
    const others = process.listeners('uncaughtException')
    for (const other of others) process.off('uncaughtException', other)
    process.on('uncaughtException', uncaught)
    try {
      const bench = new Bench()
      const error = new Error('mine')
      bench.queue.once('state', () => {
        throw error
      })
      bench.add('a')
      await settled()
      await bench.finish('a')
      expect(bench.told).toEqual(['start a', 'complete a', 'idle'])
      expect(uncaught.mock.calls.map(([seen]) => seen as unknown)).toEqual([error])
    } finally {
      process.off('uncaughtException', uncaught)
      for (const other of others) process.on('uncaughtException', other)
    }
  })
})

describe('pausing one', () => {
  test('one that waits is passed over, and goes on in its place', async () => {
    const bench = new Bench()
    const [, b] = ['a', 'b', 'c', 'd'].map((name) => bench.add(name))
    await b?.pause()
    expect(b?.state).toBe('paused')
    await settled()
    await bench.finish('a')
    expect(bench.begun).toEqual(['a', 'c'])
    b?.resume()
    expect(b?.state).toBe('queued')
    await bench.finish('c', 'b', 'd')
    expect(bench.begun).toEqual(['a', 'c', 'b', 'd'])
  })

  test('one that runs gives its place to another, and waits for one when it is resumed', async () => {
    const bench = new Bench()
    const [a] = [bench.add('a'), bench.add('b'), bench.add('c')]
    await settled()
    await a.pause()
    expect([a.state, a.transfer?.state]).toEqual(['paused', 'paused'])
    await settled()
    expect(bench.begun).toEqual(['a', 'b'])
    a.resume()
    await settled()
    expect([a.state, a.transfer?.state]).toEqual(['queued', 'paused'])
    await bench.finish('b')
    expect([a.state, a.transfer?.state, bench.begun]).toEqual(['running', 'transferring', ['a', 'b']])
    await bench.finish('a', 'c')
    expect(bench.begun).toEqual(['a', 'b', 'c'])
  })

  test('its place is held until it has come to rest; resumed before that, it keeps it', async () => {
    const bench = new Bench()
    const a = bench.add('a', { isSlow: true })
    bench.add('b')
    await settled()
    const paused = a.pause()
    await settled()
    expect([a.state, bench.begun]).toEqual(['running', ['a']])
    a.resume()
    await paused
    bench.work('a').rest()
    await settled()
    expect([a.state, a.transfer?.state, bench.begun]).toEqual(['running', 'transferring', ['a']])
    const again = a.pause()
    bench.work('a').rest()
    await again
    await settled()
    expect([a.state, bench.begun]).toEqual(['paused', ['a', 'b']])
    bench.queue.cancel()
    await bench.queue.idle()
  })

  test('resumed and paused again before it has come to rest: it holds its place until it has', async () => {
    const bench = new Bench()
    const a = bench.add('a', { isSlow: true })
    bench.add('b')
    await settled()
    const first = a.pause()
    a.resume()
    const second = a.pause()
    await first
    await settled()
    expect([a.state, bench.begun]).toEqual(['running', ['a']])
    bench.work('a').rest()
    await second
    expect(a.state).toBe('paused')
    bench.queue.cancel()
    await bench.queue.idle()
  })

  test('one that ends in the meantime has ended', async () => {
    const bench = new Bench()
    const a = bench.add('a', { isSlow: true })
    await settled()
    const paused = a.pause()
    await bench.finish('a')
    await paused
    await a.pause()
    a.resume()
    expect(a.state).toBe('complete')
  })

  test('by a listener, before it has begun', async () => {
    const bench = new Bench({ concurrency: 2 })
    bench.queue.once('state', ({ item }) => void item.pause())
    const a = bench.add('a')
    await settled()
    expect([a.state, a.transfer?.state]).toEqual(['paused', 'paused'])
    a.resume()
    await settled()
    await bench.finish('a')
    expect(bench.begun).toEqual(['a'])
  })

  test('idle() waits for those that are paused', async () => {
    const bench = new Bench()
    const a = bench.add('a')
    await a.pause()
    await settled()
    expect([bench.told, bench.queue.items]).toEqual([[], [a]])
    a.cancel()
    expect(await bench.queue.idle()).toEqual({ complete: 0, failed: 0, cancelled: 1 })
  })
})

describe('pausing all', () => {
  test('those that run come to rest, and nothing begins', async () => {
    const bench = new Bench({ concurrency: 2 })
    const items = ['a', 'b', 'c'].map((name) => bench.add(name))
    await settled()
    await bench.queue.pause()
    expect(bench.queue.isPaused).toBe(true)
    expect(items.map(({ state }) => state)).toEqual(['paused', 'paused', 'queued'])
    bench.add('d', { priority: 9 })
    await settled()
    expect(bench.begun).toEqual(['a', 'b'])
    bench.queue.resume()
    await settled()
    expect(bench.begun).toEqual(['a', 'b', 'd'])
    expect(items.map(({ state }) => state)).toEqual(['running', 'queued', 'queued'])
    await bench.finish('a', 'd', 'b', 'c')
  })

  test('those that were paused by themselves stay so; those resumed meanwhile go on with the queue', async () => {
    const bench = new Bench({ concurrency: 3 })
    const [a, b, c] = [bench.add('a'), bench.add('b'), bench.add('c')]
    await settled()
    await Promise.all([a.pause(), b.pause()])
    await bench.queue.pause()
    b.resume()
    await settled()
    expect([a.state, b.state, c.state]).toEqual(['paused', 'paused', 'paused'])
    bench.queue.resume()
    await settled()
    expect([a.state, b.state, c.state]).toEqual(['paused', 'running', 'running'])
    a.resume()
    await settled()
    await bench.finish('a', 'b', 'c')
  })

  test('before anything was added', async () => {
    const bench = new Bench()
    await bench.queue.pause()
    bench.add('a')
    await settled()
    expect(bench.begun).toEqual([])
    bench.queue.resume()
    await settled()
    await bench.finish('a')
  })
})

describe('cancelling', () => {
  test('one that waits: at once, with an AbortError or the reason given; the next goes on', async () => {
    const bench = new Bench()
    const [, b, c, d] = [bench.add('a'), bench.add('b'), bench.add('c'), bench.add('d')]
    const reason = { not: 'an error' }
    b.cancel(reason)
    c.cancel()
    b.cancel('too late')
    expect([b.state, c.state]).toEqual(['cancelled', 'cancelled'])
    await expect(b).rejects.toBe(reason)
    await expect(c).rejects.toMatchObject({ name: 'AbortError' })
    await bench.finish('a', 'd')
    expect([bench.begun, d.state]).toEqual([['a', 'd'], 'complete'])
  })

  test('one that runs, one that is paused, and one that waits to go on: by their transfers', async () => {
    const bench = new Bench({ concurrency: 2 })
    const [a, b, c] = [bench.add('a'), bench.add('b'), bench.add('c')]
    await settled()
    await Promise.all([a.pause(), b.pause()])
    await settled()
    bench.add('d')
    await settled()
    b.resume()
    expect([a.state, b.state, c.state]).toEqual(['paused', 'queued', 'running'])
    for (const item of [a, b, c]) {
      item.cancel('enough')
      item.resume()
      await expect(item).rejects.toBe('enough')
      expect([item.state, item.transfer?.state]).toEqual(['cancelled', 'cancelled'])
    }
    await bench.finish('d')
  })

  test('one that was to go on, or had just come to rest: it has no other state any more', async () => {
    const bench = new Bench()
    const [a, b] = [bench.add('a'), bench.add('b', { isSlow: true })]
    await settled()
    await a.pause()
    await settled()
    a.resume()
    void b.pause()
    bench.work('b').rest()
    const states: string[] = []
    bench.queue.on('state', ({ state }) => states.push(state))
    bench.queue.concurrency = 3
    bench.queue.cancel()
    await bench.queue.idle()
    expect(states).toEqual(['cancelled', 'cancelled'])
  })

  test('all: those that run and wait; it takes new ones', async () => {
    const bench = new Bench()
    const items = ['a', 'b', 'c'].map((name) => bench.add(name))
    await settled()
    bench.queue.cancel('enough')
    expect(await bench.queue.idle()).toEqual({ complete: 0, failed: 0, cancelled: 3 })
    for (const item of items) await expect(item).rejects.toBe('enough')
    bench.add('d')
    await settled()
    await bench.finish('d')
    expect(bench.begun).toEqual(['a', 'd'])
  })

  test('by a listener before it has begun, and by its own function: it is never at large', async () => {
    const bench = new Bench()
    bench.queue.once('state', ({ item }) => item.cancel('by a listener'))
    await expect(bench.add('a')).rejects.toBe('by a listener')
    expect(bench.begun).toEqual([])
    await settled()
    expect(bench.told).toEqual(['cancelled a', 'idle'])
    const work = { transfer: undefined as Transfer<string> | undefined }
    const item: QueuedTransfer<string> = bench.queue.add(() => {
      item.cancel('by itself')
      return (work.transfer = new DeferredTransfer().transfer)
    })
    await expect(item).rejects.toBe('by itself')
    expect(work.transfer?.state).toBe('cancelled')
  })

  test('a transfer that was cancelled by its own handle or signal', async () => {
    const bench = new Bench()
    const a = bench.add('a')
    await settled()
    a.transfer?.cancel('past the queue')
    await expect(a).rejects.toBe('past the queue')
    expect(a.state).toBe('cancelled')
  })

  test('signals of an item and of the queue, aborted or to abort; none keeps a listener', async () => {
    const [ofItem, ofQueue] = [new AbortController(), new AbortController()]
    await expectNoLeaks(
      async () => {
        const bench = new Bench({ concurrency: 2, signal: ofQueue.signal })
        const [a, b, c] = [bench.add('a', { signal: ofItem.signal }), bench.add('b'), bench.add('c')]
        await settled()
        await bench.finish('b')
        ofItem.abort('item')
        await expect(a).rejects.toBe('item')
        const late = bench.add('late', { signal: ofItem.signal })
        expect(late.state).toBe('cancelled')
        ofQueue.abort('queue')
        await expect(c).rejects.toBe('queue')
        expect(bench.add('later').state).toBe('cancelled')
        expect(await b).toBe('b is done')
        expect(bench.begun).toEqual(['a', 'b', 'c'])
        await bench.queue.idle()
      },
      { watch: [ofItem.signal, ofQueue.signal] },
    )
  })
})

test('a signal that never aborts keeps no listener of those that are over', async () => {
  const { signal } = new AbortController()
  await expectNoLeaks(
    async () => {
      const bench = new Bench({ signal })
      bench.add('a', { signal })
      await settled()
      await bench.finish('a')
      bench.add('b').cancel()
    },
    { watch: [signal] },
  )
})

describe('the same target', () => {
  test('is one transfer as long as it is not over', async () => {
    const bench = new Bench()
    const a = bench.add('a', { target: 'disk.iso' })
    const other = bench.add('other', { target: 'Disk.iso' })
    expect(bench.add('b', { target: 'disk.iso', priority: 9 })).toBe(a)
    await settled()
    expect(bench.add('c', { target: 'disk.iso' })).toBe(a)
    expect([a.target, a.name, a.priority]).toEqual(['disk.iso', 'a', 0])
    await bench.finish('a', 'other')
    expect([bench.begun, other.target]).toEqual([['a', 'other'], 'Disk.iso'])
    const again = bench.add('again', { target: 'disk.iso' })
    expect(again).not.toBe(a)
    await settled()
    await bench.finish('again')
    expect(bench.queue.add(() => new DeferredTransfer().transfer, { target: 't' }).name).toBe('t')
    bench.queue.cancel()
  })

  test('one that is being cancelled is not given again, and is over before the next begins', async () => {
    const bench = new Bench({ concurrency: 4 })
    const a = bench.add('a', { target: 'disk.iso' })
    await settled()
    const order: string[] = []
    bench.queue.on('state', ({ item, state }) => order.push(`${item.name} ${state}`))
    a.cancel()
    const b = bench.add('b', { target: 'disk.iso' })
    expect(b).not.toBe(a)
    expect(bench.add('c', { target: 'disk.iso' })).toBe(b)
    bench.add('d')
    await settled()
    expect(order).toEqual(['d running', 'a cancelled', 'b running'])
    await bench.finish('b', 'd')
  })
})

describe('startAt', () => {
  test('begins when its time has come, in its order then', async () => {
    const bench = new Bench()
    bench.add('now')
    const late = bench.add('late', { startAt: new Date(5_000) })
    const sooner = bench.add('sooner', { startAt: new Date(3_000), priority: 1 })
    const past = bench.add('past', { startAt: new Date(-1) })
    expect([late.state, sooner.state, past.state]).toEqual(['scheduled', 'scheduled', 'queued'])
    expect([late.startAt, past.startAt]).toEqual([new Date(5_000), new Date(-1)])
    bench.time.advance(2_999)
    expect(sooner.state).toBe('scheduled')
    bench.time.advance(1)
    expect(sooner.state).toBe('queued')
    await settled()
    await bench.finish('sooner', 'now', 'past')
    expect([bench.begun, bench.told.includes('idle')]).toEqual([['sooner', 'now', 'past'], false])
    bench.time.advance(2_000)
    await settled()
    await bench.finish('late')
    expect(bench.told.at(-1)).toBe('idle')
    expect(bench.time.timers).toBe(0)
  })

  test('a time beyond what a timer holds', async () => {
    const bench = new Bench()
    const item = bench.add('far', { startAt: new Date(100 * DAY_MS) })
    bench.time.advance(100 * DAY_MS - 1)
    expect(item.state).toBe('scheduled')
    bench.time.advance(1)
    expect(item.state).toBe('queued')
    bench.queue.cancel()
  })

  test('timers that stood still while the computer slept: it begins within a minute', async () => {
    const bench = new Bench()
    const item = bench.add('a', { startAt: new Date(DAY_MS) })
    bench.asleepMs = 2 * DAY_MS
    expect(item.state).toBe('scheduled')
    bench.time.advance(60_000)
    expect(item.state).toBe('queued')
    bench.queue.cancel()
  })

  test('timers that fire early, or a clock that is set back: not before its time', async () => {
    const bench = new Bench()
    const item = bench.add('a', { startAt: new Date(1_000) })
    bench.time.advance(999)
    bench.time.now = 0
    bench.time.advance(999)
    expect(item.state).toBe('scheduled')
    bench.time.advance(1)
    expect(item.state).toBe('queued')
    bench.queue.cancel()
  })

  test('paused meanwhile: no timer; resumed before its time it is scheduled still, behind it it waits', async () => {
    const bench = new Bench()
    const item = bench.add('a', { startAt: new Date(1_000) })
    await item.pause()
    expect([item.state, bench.time.timers]).toEqual(['paused', 0])
    item.resume()
    expect([item.state, bench.time.timers]).toEqual(['scheduled', 1])
    await item.pause()
    bench.time.advance(2_000)
    expect(item.state).toBe('paused')
    item.resume()
    expect(item.state).toBe('queued')
    bench.queue.cancel()
  })

  test('cancelled: no timer', () => {
    const bench = new Bench()
    bench.add('a', { startAt: new Date(1_000) }).cancel()
    expect(bench.time.timers).toBe(0)
  })

  test('by the clock of the system; it holds the process until then', async () => {
    const held = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = held()
    const queue = new TransferQueue()
    const far = queue.add(() => new DeferredTransfer().transfer, { startAt: new Date(8.64e15) })
    expect([far.state, held() - before]).toEqual(['scheduled', 1])
    far.cancel()
    expect(held() - before).toBe(0)
    const soon = queue.add(
      () => {
        const work = new DeferredTransfer()
        work.finish('done')
        return work.transfer
      },
      { startAt: new Date(Date.now() + 5) },
    )
    expect(await soon).toBe('done')
  })
})

test('progress of all that have begun, together', async () => {
  const bench = new Bench({ concurrency: 2 })
  expect(bench.queue.progress()).toMatchObject({ transfers: 0, bytes: 0 })
  for (const name of ['a', 'b', 'c']) bench.add(name)
  expect(bench.queue.progress().transfers).toBe(0)
  await settled()
  expect(bench.queue.progress()).toMatchObject({ transfers: 2, bytes: 0, activeConnections: 0 })
  expect(bench.queue.items.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  await bench.finish('a', 'b', 'c')
  expect(bench.queue.progress().transfers).toBe(0)
  expect(bench.queue.items).toEqual([])
})

test.each([
  ['concurrency', { concurrency: 0 }],
  ['concurrency', { concurrency: 1.5 }],
  ['concurrency', { concurrency: Infinity }],
  ['signal', { signal: 'now' }],
])('an option of the queue that makes no sense: %s %o', (name, options) => {
  expect(() => new TransferQueue(options as TransferQueueOptions)).toThrow(name)
})

test.each([
  ['priority', { priority: 'high' }],
  ['priority', { priority: NaN }],
  ['startAt', { startAt: 5 }],
  ['startAt', { startAt: new Date('tomorrow') }],
  ['target', { target: '' }],
  ['name', { name: 5 }],
  ['signal', { signal: {} }],
])('an option of an item that makes no sense: %s %o', (name, options) => {
  const { queue } = new Bench()
  expect(() => queue.add(() => new DeferredTransfer().transfer, options as QueuedTransferOptions)).toThrow(
    name,
  )
  expect(queue.items).toEqual([])
})

test('a transfer instead of a function that starts one is refused', () => {
  const { transfer } = new DeferredTransfer()
  expect(() => new TransferQueue().add(transfer as never)).toThrow(/function that starts a transfer/)
  transfer.cancel()
  transfer.catch(() => {})
})

test('the names of the events are those of the type', () => {
  const names: Record<keyof TransferQueueEvents, true> = {
    state: true,
    start: true,
    complete: true,
    failed: true,
    cancelled: true,
    idle: true,
  }
  expect(Object.keys(names)).toHaveLength(6)
})
