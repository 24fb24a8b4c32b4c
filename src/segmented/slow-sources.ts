/** Which of several sources brings so little that its connections are of more use elsewhere. Pure but for its clock. */
import type { Source } from './source.ts'

export interface Working {
  readonly source: Source
  /** Bytes per second; `undefined` while it cannot be said. */
  readonly bytesPerSecond: number | undefined
}

/** Against what a connection to the best source brings. */
const TOO_SLOW = 1 / 20
/** For so long without a break. Milliseconds. */
const SLOW_FOR_MS = 10_000

export class SlowSources {
  readonly #clock: () => number
  readonly #slowSince = new Map<Source, number>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** To be called a few times a second with what works now; gives a source that should be dropped. */
  look(working: readonly Working[]): Source | undefined {
    const speeds = averages(working)
    const best = Math.max(0, ...speeds.values())
    const now = this.#clock()
    for (const [source, speed] of speeds) {
      if (speed >= best * TOO_SLOW) this.#slowSince.delete(source)
      else if (!this.#slowSince.has(source)) this.#slowSince.set(source, now)
    }
    const found = [...this.#slowSince].find(
      ([source, since]) => speeds.has(source) && now - since >= SLOW_FOR_MS,
    )
    if (found === undefined) return undefined
    this.#slowSince.delete(found[0])
    return found[0]
  }
}

/** By source, what one of its connections brings; one that is too young to be measured counts for nothing. */
function averages(working: readonly Working[]): Map<Source, number> {
  const speeds = new Map<Source, number[]>()
  for (const { source, bytesPerSecond } of working) {
    if (bytesPerSecond === undefined) continue
    speeds.set(source, [...(speeds.get(source) ?? []), bytesPerSecond])
  }
  return new Map(
    [...speeds].map(([source, all]) => [source, all.reduce((sum, one) => sum + one, 0) / all.length]),
  )
}
