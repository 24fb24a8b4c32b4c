/** The pool under many callers at once, with its hooks answering in every order fast-check can think of. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pool, type PoolHooks } from '../../src/pool/pool.ts'

interface Thing {
  state: 'open' | 'leased' | 'gone'
}

/** What each hook answers next: consumed from the front, and fair weather afterwards. */
interface Weather {
  readonly opens: boolean[]
  readonly checks: boolean[]
}

class StormyHooks implements PoolHooks<Thing> {
  existing = 0
  most = 0
  readonly #scheduler: fc.Scheduler
  readonly #weather: Weather

  constructor(scheduler: fc.Scheduler, weather: Weather) {
    this.#scheduler = scheduler
    this.#weather = weather
  }

  async open(): Promise<Thing> {
    this.existing += 1
    this.most = Math.max(this.most, this.existing)
    await this.#scheduler.schedule(Promise.resolve(), 'open')
    if (this.#weather.opens.shift() ?? true) return { state: 'open' }
    this.existing -= 1
    throw new Error('refused')
  }

  async check(thing: Thing): Promise<boolean> {
    expect(thing.state).toBe('open')
    await this.#scheduler.schedule(Promise.resolve(), 'check')
    return this.#weather.checks.shift() ?? true
  }

  async close(thing: Thing): Promise<void> {
    expect(thing.state).not.toBe('gone')
    thing.state = 'gone'
    await this.#scheduler.schedule(Promise.resolve(), 'close')
    this.existing -= 1
  }

  idle(thing: Thing): void {
    expect(thing.state).toBe('open')
  }
}

type Caller = 'release' | 'discard' | 'abort'

async function call(pool: Pool<Thing>, scheduler: fc.Scheduler, how: Caller): Promise<string> {
  const controller = new AbortController()
  const abort = scheduler.schedule(Promise.resolve(), 'abort').then(() => {
    if (how === 'abort') controller.abort('aborted')
  })
  try {
    const lease = await pool.acquire(controller.signal)
    expect(lease.value.state).toBe('open')
    lease.value.state = 'leased'
    await scheduler.schedule(Promise.resolve(), 'work')
    lease.value.state = 'open'
    if (how === 'discard') lease.discard()
    else lease.release()
    return 'served'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await abort
  }
}

test(
  "every caller gets an answer, a lease is nobody else's, and nothing is left at the end",
  { timeout: 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom<Caller>('release', 'release', 'discard', 'abort'), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.record({ opens: fc.array(fc.boolean()), checks: fc.array(fc.boolean()) }),
        async (scheduler, max, callers, weather) => {
          const hooks = new StormyHooks(scheduler, { opens: [...weather.opens], checks: [...weather.checks] })
          const pool = new Pool({ max, hooks, probeAfterMs: Infinity })
          const calls = callers.map((how) => call(pool, scheduler, how))
          const outcomes = await scheduler.waitFor(Promise.all(calls))
          for (const [index, outcome] of outcomes.entries()) {
            expect(['served', 'refused', callers[index] === 'abort' ? 'aborted' : '']).toContain(outcome)
          }
          expect(hooks.most).toBeLessThanOrEqual(max)
          await scheduler.waitIdle()
          const { open, idle } = pool.stats()
          expect(open).toBe(idle)
          expect(hooks.existing).toBe(open)
          await scheduler.waitFor(pool.close())
          expect(hooks.existing).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  },
)
