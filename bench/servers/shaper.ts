/**
 * Who may send how much now: a cap for each lane, and one for all lanes together, shared evenly among those
 * that want more. Knows no socket and no clock. An idle time earns no credit, so nothing comes in a burst; a
 * late tick is made up for, up to a twentieth of a second, so that the rate holds over any longer time.
 */
const MOST_CREDIT_SECONDS = 0.05

/** One sender with a cap of its own, for as long as it lives. */
export class Lane {
  readonly index: number
  readonly bytesPerSecond: number
  /** Nothing goes before this time. */
  stalledUntil = 0
  credit = 0
  /** Whether it wanted to send at the tick before: credit grows only while it does. */
  wasWanting = false

  constructor(index: number, bytesPerSecond: number) {
    this.index = index
    this.bytesPerSecond = bytesPerSecond
  }
}

export interface Grant {
  readonly lane: Lane
  readonly bytes: number
}

export class Shaper {
  readonly #lanes: readonly Lane[]
  readonly #total: Lane
  #last: number | undefined

  constructor(lanes: readonly Lane[], totalBytesPerSecond: number) {
    this.#lanes = lanes
    this.#total = new Lane(-1, totalBytesPerSecond)
  }

  /** What each of `wanting` may send at `now` (milliseconds); what it is not granted it keeps as credit. */
  tick(now: number, wanting: ReadonlySet<Lane>): Grant[] {
    const seconds = (now - (this.#last ?? now)) / 1000
    this.#last = now
    const ready = this.#lanes.filter((lane) => wanting.has(lane) && lane.stalledUntil <= now)
    for (const lane of this.#lanes) earn(lane, seconds, ready.includes(lane))
    earn(this.#total, seconds, ready.length > 0)
    return this.#share(ready)
  }

  // The least credit first: what it leaves of its even share is for the others.
  #share(ready: readonly Lane[]): Grant[] {
    const inOrder = [...ready].sort((one, other) => one.credit - other.credit)
    return inOrder.map((lane, index) => {
      const share = this.#total.credit / (inOrder.length - index)
      const bytes = Math.floor(Math.min(lane.credit, share))
      lane.credit -= bytes
      this.#total.credit -= bytes
      return { lane, bytes }
    })
  }
}

function earn(lane: Lane, seconds: number, wants: boolean): void {
  const { bytesPerSecond, wasWanting } = lane
  const earned = wasWanting && wants ? lane.credit + bytesPerSecond * seconds : 0
  lane.credit = Math.min(earned, bytesPerSecond * MOST_CREDIT_SECONDS)
  lane.wasWanting = wants
}
