/** A queue under any sequence of calls, against a model of who may run. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TransferQueue, type QueuedTransfer } from '../../src/index.ts'
import { VirtualClock } from '../transport/virtual-clock.ts'
import { DeferredTransfer } from './deferred-transfer.ts'

type Step =
  | {
      readonly do: 'add'
      readonly priority: number
      readonly target: string
      readonly inMs: number
      readonly isSlow: boolean
    }
  | { readonly do: 'pause' | 'resume' | 'cancel' | 'finish' | 'fail' | 'rest'; readonly at: number }
  | { readonly do: 'setPriority'; readonly at: number; readonly priority: number }
  | { readonly do: 'setStartAt'; readonly at: number; readonly inMs: number }
  | { readonly do: 'setConcurrency'; readonly concurrency: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'pauseAll' | 'resumeAll' | 'cancelAll' | 'settle' }

const at = fc.nat({ max: 30 })
const priority = fc.integer({ min: -1, max: 1 })
const concurrency = fc.integer({ min: 1, max: 3 })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      priority,
      // Some on purpose have none.
      target: fc.constantFrom('', '', 'x', 'y'),
      inMs: fc.constantFrom(-1, -1, 0, 5, 100),
      isSlow: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('pause', 'resume', 'cancel', 'finish', 'finish', 'fail', 'rest'),
      at,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('setPriority' as const), at, priority }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setStartAt' as const),
      at,
      inMs: fc.constantFrom(-1, 0, 5, 100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('setConcurrency' as const), concurrency }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat({ max: 60 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'settle',
        'settle',
        'settle',
        'settle',
        'pauseAll',
        'resumeAll',
        'resumeAll',
        'cancelAll',
      ),
    }),
  },
)

interface Known {
  readonly item: QueuedTransfer<string>
  readonly target: string
  startAt: number
  readonly isSlow: boolean
  work: DeferredTransfer | undefined
  isCancelled: boolean
  isHeld: boolean
}

/** Checks, whenever one gets a place, that it may, and that it was its turn. */
class World {
  readonly time = new VirtualClock()
  readonly queue: TransferQueue
  readonly known: Known[] = []
  readonly pauses: Promise<void>[] = []
  readonly outcomes = new Map<unknown, string[]>()
  /** What listeners have seen: what they throw would not reach the test. */
  readonly wrong: string[] = []
  idles = 0

  constructor(concurrency: number) {
    this.queue = new TransferQueue(
      { concurrency },
      { clock: this.time.read, startTimer: this.time.startTimer },
    )
    this.queue.on('state', ({ item, state }) => {
      if (state === 'running') this.wrong.push(...this.#wrongAt(item))
      if (state === 'complete' || state === 'failed' || state === 'cancelled') {
        this.outcomes.set(item, [...(this.outcomes.get(item) ?? []), state])
      }
    })
    this.queue.on('idle', () => {
      this.idles += 1
      if (this.queue.items.length > 0) this.wrong.push('idle too early')
    })
  }

  take(step: Step): void {
    switch (step.do) {
      case 'add':
        return this.#add(step)
      case 'setConcurrency':
        this.queue.concurrency = step.concurrency
        return
      case 'advance':
        return this.time.advance(step.ms)
      case 'pauseAll':
        this.pauses.push(this.queue.pause())
        return
      case 'resumeAll':
        return this.queue.resume()
      case 'cancelAll':
        for (const one of this.known) one.isCancelled = true
        return this.queue.cancel('all')
      case 'settle':
        return
      default:
        return this.#takeOne(step)
    }
  }

  /** Who may run does, and all that is told is so. */
  check(): void {
    expect(this.wrong).toEqual([])
    const running = this.#in('running')
    for (const { item, work, startAt } of this.known) {
      const { state } = item
      if (state === 'running') expect(['transferring', 'paused']).toContain(work?.transfer.state)
      if (state === 'paused' && work !== undefined) expect(work.transfer.state).toBe('paused')
      if (state === 'scheduled') expect(startAt).toBeGreaterThan(this.time.now)
    }
    if (!this.queue.isPaused && running.length < this.queue.concurrency) {
      expect(this.#in('queued').filter((one) => this.#mayRun(one))).toEqual([])
    }
    const open = this.known.filter(({ item }) => !this.outcomes.has(item))
    expect(this.queue.items).toEqual(open.map(({ item }) => item))
  }

  /** Lets everything come to its end. */
  async end(): Promise<void> {
    this.queue.resume()
    for (const one of this.known) {
      one.isHeld = false
      one.item.resume()
    }
    this.time.advance(1_000)
    await settled()
    while (this.queue.items.length > 0) {
      const running = this.#in('running')
      expect(running).not.toEqual([])
      running[0]?.work?.finish('done')
      await settled()
    }
    await Promise.all(this.pauses)
    const totals = await this.queue.idle()
    expect(totals.complete + totals.failed + totals.cancelled).toBeLessThanOrEqual(this.known.length)
    for (const { item } of this.known) expect(this.outcomes.get(item)).toEqual([item.state])
    expect(this.time.timers).toBe(0)
    expect(this.wrong).toEqual([])
    if (this.known.length > 0) expect(this.idles).toBeGreaterThan(0)
  }

  #add(step: Step & { do: 'add' }): void {
    const { priority, target, inMs, isSlow } = step
    const start = (): DeferredTransfer['transfer'] => {
      expect(known.work).toBeUndefined()
      known.work = new DeferredTransfer({ isSlow })
      return known.work.transfer
    }
    const item = this.queue.add(start, {
      priority,
      ...(target === '' ? {} : { target }),
      ...(inMs < 0 ? {} : { startAt: new Date(this.time.now + inMs) }),
    })
    const same = this.known.find(
      (one) => target !== '' && one.target === target && !this.outcomes.has(one.item) && !one.isCancelled,
    )
    if (same !== undefined) return expect(item).toBe(same.item)
    expect(this.known.some((one) => one.item === item)).toBe(false)
    const startAt = inMs < 0 ? -Infinity : this.time.now + inMs
    const known: Known = {
      item,
      target,
      startAt,
      isSlow,
      work: undefined,
      isCancelled: false,
      isHeld: false,
    }
    this.known.push(known)
  }

  #takeOne(step: Extract<Step, { readonly at: number }>): void {
    const one = this.known[step.at % Math.max(1, this.known.length)]
    if (one === undefined) return
    switch (step.do) {
      case 'pause':
        one.isHeld = true
        this.pauses.push(one.item.pause())
        return
      case 'resume':
        one.isHeld = false
        return one.item.resume()
      case 'cancel':
        one.isCancelled = true
        return one.item.cancel('one')
      case 'finish':
        return one.work?.finish('done')
      case 'fail':
        return one.work?.fail(new Error('failed'))
      case 'rest':
        return one.work?.rest()
      case 'setPriority':
        return one.item.setPriority(step.priority)
      case 'setStartAt':
        return this.#reschedule(one, step.inMs)
      default:
        step satisfies never
    }
  }

  #reschedule(one: Known, inMs: number): void {
    const hasBegun = one.work !== undefined || one.item.state === 'running'
    const startAt = inMs < 0 ? -Infinity : this.time.now + inMs
    if (!hasBegun) one.startAt = startAt
    one.item.setStartAt(inMs < 0 ? undefined : new Date(startAt))
  }

  /** What is wrong with its getting a place now. */
  #wrongAt(item: unknown): string[] {
    const me = this.known.find((one) => one.item === item)
    if (me === undefined) return ['nobody knows it']
    const mine = this.known.indexOf(me)
    const isAhead = (rival: Known): boolean => {
      const difference = me.item.priority - rival.item.priority
      return difference > 0 || (difference === 0 && mine < this.known.indexOf(rival))
    }
    const rivals = this.#in('queued').filter((one) => this.#mayRun(one))
    const wrongs: Record<string, boolean> = {
      'too many': this.#in('running').length > this.queue.concurrency,
      'the queue is paused': this.queue.isPaused,
      'too early': me.startAt > this.time.now,
      'it was cancelled': me.isCancelled,
      'it is paused': me.isHeld,
      'out of order': !rivals.every(isAhead),
      'its target is being written': this.#hasWriter(me),
    }
    return Object.keys(wrongs).filter((name) => wrongs[name])
  }

  #mayRun(one: Known): boolean {
    return !one.isCancelled && !this.#hasWriter(one)
  }

  /** Whether another one has begun with its target, and is not over. */
  #hasWriter({ item, target }: Known): boolean {
    return this.known.some(
      (other) =>
        target !== '' &&
        other.item !== item &&
        other.target === target &&
        other.work !== undefined &&
        !this.outcomes.has(other.item),
    )
  }

  #in(state: string): Known[] {
    return this.known.filter(({ item }) => item.state === state)
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test(
  'never more at once than there are places, each in its turn, one for each target; and everything ends',
  { timeout: 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(concurrency, fc.array(step, { maxLength: 60 }), async (places, steps) => {
        const world = new World(places)
        for (const one of steps) {
          world.take(one)
          if (one.do !== 'settle') continue
          await settled()
          world.check()
        }
        await world.end()
      }),
      { numRuns: 300 },
    )
  },
)
