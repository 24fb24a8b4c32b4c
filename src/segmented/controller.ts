/**
 * How many connections a download should have, by what they bring. Pure: the clock is an argument.
 *
 *   measure ──► double ──► wait until they flow ──► measure ──► worth it? ──► double again
 *      ▲                                                          │ no
 *      └──────────────── later, ever more rarely ◄──── back to what it was
 *
 * Where every connection is capped by itself, or kept slow by loss and distance, twice as many bring up to twice
 * as much; where they share a bottleneck they bring the same, and the new ones are given back. So are those that a
 * few faster ones leave nothing to: that is a bottleneck, too.
 */

/** What there is to be seen. */
export interface ConnectionView {
  /** Monotonic, in milliseconds. */
  readonly now: number
  /** Bytes that have arrived in all; never falls. */
  readonly bytes: number
  /** Of each connection that is receiving, in bytes per second. */
  readonly speeds: readonly number[]
  /** From the decision to the first byte of a new connection, as measured so far. */
  readonly startSeconds: number
  /** Bytes that have not arrived yet. */
  readonly left: number
}

/** Who says how many connections a download should have, while it runs. */
export type ConnectionCount = Pick<ConnectionController, 'wanted' | 'limit' | 'look' | 'interrupted'>

/** With so many it begins; a file that is over in a moment is as fast with them as with more. */
export const FIRST_CONNECTIONS = 4
/** Twice as many have to bring so much more to be kept. */
const WORTHWHILE = 1.2
/** When they bring so much more, that is enough to know, although they may bring more still. */
const CLEARLY_WORTHWHILE = 1.5
/** Those that bring so much of the whole are enough, if they are half of all at most. */
const NEARLY_ALL = 0.85
/** A rate that grows by more than this from one half of a window to the next is still on its way up. */
const STILL_RISING = 1.08
/** The shortest and the longest time over which a rate is measured. Milliseconds. */
const SHORTEST_WINDOW_MS = 120
const LONGEST_WINDOW_MS = 3_000
/** A window is so many starts long: TCP finds its speed in about as many round trips as a start takes three times. */
const STARTS_PER_WINDOW = 1
/** So many halves of a window at most: what rises for ever is measured as it is. */
const MOST_HALVES = 12
/** How long connections that do not come are waited for, in starts, and at least. */
const PATIENCE_STARTS = 5
const LEAST_PATIENCE_MS = 1_000
/** When it is tried again whether more would help: first after this, then after twice as long, and so on. */
const FIRST_PAUSE_MS = 8_000
const LONGEST_PAUSE_MS = 120_000
/** More are quickly had, and cost little where they bring nothing: they are given that long before they are given back. */
const LEAST_TRIAL_MS = 1_000
/** Over how long it is looked whether a smaller number brings as much; with less than this part of it, it does not. */
const RECONSIDERED_MS = 1_000
const FALLEN = 0.87
/**
 * With fewer windows left than this, or less time, nothing is changed any more: a login, a start and the way up to
 * speed take about half of it.
 */
const WINDOWS_LEFT = 6
const LEAST_LEFT_MS = 1_000

export class ConnectionController {
  readonly #asked: number
  #most: number
  #wanted: number
  /** What there was before the last doubling; `undefined` when nothing is on trial. */
  #before: { readonly count: number; readonly rate: number } | undefined
  /** What was given back last and what there was with it; since `at` it has been looked whether that was right. */
  #given:
    { readonly count: number; readonly rate: number; readonly at: number; readonly bytes: number } | undefined
  #half: { readonly at: number; readonly bytes: number } | undefined
  /** Bytes a millisecond in each half window, since everything flows. */
  #rates: number[] = []
  #waitsSince: number | undefined
  #restsUntil = 0
  #pauseMs = FIRST_PAUSE_MS

  /**
   * @param most never more than this
   * @param first with so many it begins
   */
  constructor(most: number, first: number = FIRST_CONNECTIONS) {
    this.#asked = most
    this.#most = most
    this.#wanted = Math.min(first, most)
  }

  /** How many there should be. */
  get wanted(): number {
    return this.#wanted
  }

  /** The server takes no more than so many, as far as is known. */
  limit(count: number): void {
    this.#most = Math.max(1, Math.min(this.#asked, count))
    if (this.#wanted <= this.#most) return
    this.#wanted = this.#most
    this.#before = undefined
    this.#given = undefined
    this.#measureAnew()
  }

  /** The transfer stood still, or worked with other connections than were wanted. */
  interrupted(): void {
    this.#given = undefined
    this.#measureAnew()
  }

  /** Looks at what there is now, some ten times a second, and gives how many there should be. */
  look(view: ConnectionView): number {
    this.#reconsider(view)
    const rate = this.#rateOfHalf(view)
    const isTooEarly = this.#areStillComing(view) || view.now < this.#restsUntil
    if (isTooEarly) this.#rates = []
    if (rate === undefined) return this.#wanted
    if (!isTooEarly) this.#rates.push(rate)
    if (this.#before !== undefined && rate >= this.#before.rate * CLEARLY_WORTHWHILE) this.#double(view, rate)
    else if (this.#isSteady) this.#decide(view)
    return this.#wanted
  }

  /** Bytes a millisecond in the half window that ends now; nothing while it lasts. */
  #rateOfHalf(view: ConnectionView): number | undefined {
    this.#half ??= { at: view.now, bytes: view.bytes }
    const elapsed = view.now - this.#half.at
    if (elapsed < windowMs(view) / 2) return undefined
    const rate = (view.bytes - this.#half.bytes) / elapsed
    this.#half = { at: view.now, bytes: view.bytes }
    return rate
  }

  /** The measured time does not begin before all that are wanted receive, or have been waited for long enough. */
  #areStillComing({ now, speeds, startSeconds }: ConnectionView): boolean {
    if (speeds.length >= this.#wanted) {
      this.#waitsSince = undefined
      return false
    }
    this.#waitsSince ??= now
    const patience = Math.max(LEAST_PATIENCE_MS, startSeconds * 1_000 * PATIENCE_STARTS)
    return now - this.#waitsSince < patience
  }

  get #isSteady(): boolean {
    const [previous, last] = this.#rates.slice(-2)
    if (previous === undefined || last === undefined) return false
    return last <= previous * STILL_RISING || this.#rates.length >= MOST_HALVES
  }

  #decide(view: ConnectionView): void {
    const [previous = 0, last = 0] = this.#rates.slice(-2)
    const rate = (previous + last) / 2
    const enough = enoughOf(view.speeds)
    if (enough <= this.#wanted / 2) return this.#giveBack(view, enough)
    if (this.#before === undefined || rate >= this.#before.rate * WORTHWHILE) return this.#double(view, rate)
    if ((this.#rates.length * windowMs(view)) / 2 < LEAST_TRIAL_MS) return
    this.#giveBack(view, this.#before.count)
  }

  /** What came with fewer connections may have been a burst: if it does not last, the others are tried again. */
  #reconsider({ now, bytes }: ConnectionView): void {
    const given = this.#given
    if (given === undefined) return
    const elapsed = now - given.at
    if (elapsed < RECONSIDERED_MS) return
    const rate = (bytes - given.bytes) / elapsed
    this.#given = now < this.#restsUntil ? { ...given, at: now, bytes } : undefined
    if (rate >= given.rate * FALLEN) return
    this.#given = undefined
    this.#before = { count: this.#wanted, rate }
    this.#wanted = Math.min(this.#most, given.count)
    this.#restsUntil = now
    this.#measureAnew()
  }

  #giveBack(view: ConnectionView, count: number): void {
    const rate = this.#rates.reduce((sum, one) => sum + one, 0) / this.#rates.length
    this.#given = { count: this.#wanted, rate, at: view.now, bytes: view.bytes }
    this.#wanted = count
    this.#before = undefined
    this.#restsUntil = view.now + this.#pauseMs
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
    this.#measureAnew()
  }

  #double(view: ConnectionView, rate: number): void {
    const isOver = view.left < rate * Math.max(LEAST_LEFT_MS, windowMs(view) * WINDOWS_LEFT)
    const more = isOver ? this.#wanted : Math.min(this.#most, this.#wanted * 2)
    this.#before = more === this.#wanted ? undefined : { count: this.#wanted, rate }
    this.#wanted = more
    this.#measureAnew()
  }

  #measureAnew(): void {
    this.#half = undefined
    this.#rates = []
  }
}

/** How many of the fastest bring nearly all. */
function enoughOf(speeds: readonly number[]): number {
  const nearlyAll = NEARLY_ALL * speeds.reduce((sum, speed) => sum + speed, 0)
  let brought = 0
  const last = [...speeds]
    .sort((a, b) => b - a)
    .findIndex((speed) => {
      brought += speed
      return brought >= nearlyAll
    })
  return Math.max(1, last + 1)
}

function windowMs({ startSeconds }: ConnectionView): number {
  const asked = startSeconds * 1_000 * STARTS_PER_WINDOW
  return Math.min(LONGEST_WINDOW_MS, Math.max(SHORTEST_WINDOW_MS, asked))
}
