/**
 * A network in a virtual clock: how fast each of several connections is at a moment. A fluid model: bytes flow at
 * rates, packets there are none.
 */
export interface NetworkOptions {
  /** Seconds. */
  readonly roundTrip: number
  /** Bytes per second that all connections share. */
  readonly shared: number
  /** Bytes per second of each connection, in the order of the logins; the last one for all further. */
  readonly caps: readonly number[]
  /** The part of the packets that is lost; keeps each connection at what TCP makes of it. */
  readonly loss: number
  /** Round trips and seconds that a login takes. */
  readonly loginRoundTrips: number
  /** More connections than this the server does not let in. */
  readonly mostConnections: number
  /** What befalls connections: they send nothing for a time, or are lost. */
  readonly mishaps: readonly Mishap[]
}

export interface Mishap {
  /** Which connection, by its number among the logins. */
  readonly login: number
  /** Seconds from the start. */
  readonly at: number
  /** For so many seconds; `undefined`: it is lost. */
  readonly stallsFor: number | undefined
}

const SEGMENT_BYTES = 1_460
/** What a connection sends before the first acknowledgement (RFC 6928). */
const INITIAL_WINDOW = 10 * SEGMENT_BYTES
/** Mathis et al. 1997: rate = MSS/RTT · C/√p. */
const MATHIS = 1.22
/** EPSV, connect, REST, RETR with its 150. */
const START_ROUND_TRIPS = 4

const IDEAL_STEP = 0.05

export interface Flow {
  /** Its number among the logins. */
  readonly login: number
  /** When its data connection began to send. */
  readonly since: number
}

export class Network {
  readonly #options: NetworkOptions

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  get loginSeconds(): number {
    return this.#options.loginRoundTrips * this.#options.roundTrip + 0.002
  }

  get startSeconds(): number {
    return START_ROUND_TRIPS * this.#options.roundTrip + 0.002
  }

  get mostConnections(): number {
    return this.#options.mostConnections
  }

  /** Whether a connection is lost between two moments. */
  isLost(login: number, from: number, to: number): boolean {
    return this.#options.mishaps.some(
      (mishap) =>
        mishap.login === login && mishap.stallsFor === undefined && mishap.at > from && mishap.at <= to,
    )
  }

  /** What all could bring once they are at speed. Bytes per second. */
  capacity(connections: number): number {
    const logins = Array.from({ length: connections }, (_, login) => this.#steady(login))
    return Math.min(
      this.#options.shared,
      logins.reduce((sum, rate) => sum + rate, 0),
    )
  }

  /** How long so many connections take at the least, if all are at speed at once and share the work perfectly. */
  idealSeconds(size: number, connections: number): number {
    const flows = Array.from({ length: connections }, (_, login) => ({ login, since: -1_000 }))
    let left = size
    let now = 0
    while (left > 0) {
      const rate = this.rates(flows, now).reduce((sum, one) => sum + one, 0)
      if (rate * IDEAL_STEP >= left) return now + left / rate
      left -= rate * IDEAL_STEP
      now += IDEAL_STEP
    }
    return now
  }

  /** Bytes per second of each flow now: what TCP allows each, and all share the bottleneck fairly. */
  rates(flows: readonly Flow[], now: number): number[] {
    const wanted = flows.map((flow) => this.#unshared(flow, now))
    const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0))
    const rates = new Array<number>(flows.length).fill(0)
    let left = this.#options.shared
    order.forEach((flow, index) => {
      const rate = Math.min(wanted[flow] ?? 0, left / (order.length - index))
      rates[flow] = rate
      left -= rate
    })
    return rates
  }

  #steady(login: number): number {
    const { caps, loss, roundTrip } = this.#options
    const cap = caps[Math.min(login, caps.length - 1)] ?? Infinity
    const byLoss = loss === 0 ? Infinity : (SEGMENT_BYTES / roundTrip) * (MATHIS / Math.sqrt(loss))
    return Math.min(cap, byLoss)
  }

  #unshared({ login, since }: Flow, now: number): number {
    const { mishaps, roundTrip } = this.#options
    const stalls = mishaps.some(
      ({ login: whose, at, stallsFor = 0 }) => whose === login && now >= at && now < at + stallsFor,
    )
    if (stalls) return 0
    // Slow start: it doubles with every round trip.
    const slowStart = (INITIAL_WINDOW / roundTrip) * 2 ** Math.min(60, (now - since) / roundTrip)
    return Math.min(this.#steady(login), slowStart)
  }
}
