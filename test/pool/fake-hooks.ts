/** Hooks over things that are nothing but a name, for tests of the pool alone. */
import type { CloseManner } from '../../src/pool/events.ts'
import type { PoolHooks } from '../../src/pool/pool.ts'
import { deferred, type Deferred } from '../../src/util/deferred.ts'

export interface Thing {
  readonly name: string
}

/** One call of `open`, which waits for its test to answer it unless {@link FakeHooks.opensAtOnce}. */
export interface Opening extends Deferred<Thing> {
  readonly signal: AbortSignal
}

/** Records every call. A test answers openings by hand, or replaces a method. */
export class FakeHooks implements PoolHooks<Thing> {
  opensAtOnce = true
  readonly openings: Opening[] = []
  readonly log: string[] = []
  #things = 0

  open(signal: AbortSignal): Promise<Thing> {
    const answer = deferred<Thing>()
    this.openings.push(Object.assign(Object.create(answer) as Deferred<Thing>, { signal }))
    if (this.opensAtOnce) answer.resolve(this.thing())
    return answer.promise
  }

  /** A new thing: `a`, `b`, … */
  thing(): Thing {
    this.#things += 1
    return { name: String.fromCharCode(96 + this.#things) }
  }

  async check(value: Thing): Promise<boolean> {
    this.log.push(`check ${value.name}`)
    return true
  }

  async close(value: Thing, how: CloseManner, reason?: unknown): Promise<void> {
    this.log.push(
      reason === undefined ? `${how} ${value.name}` : `${how} ${value.name}: ${inspectBriefly(reason)}`,
    )
  }

  idle(value: Thing, isIdle: boolean): void {
    this.log.push(`${isIdle ? 'idle' : 'busy'} ${value.name}`)
  }
}

function inspectBriefly(reason: unknown): string {
  return reason instanceof Error ? `${reason.name}: ${reason.message}` : JSON.stringify(reason)
}

/** Lets everything that can go on without a timer go on. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
