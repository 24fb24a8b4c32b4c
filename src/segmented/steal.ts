/**
 * Who gives part of its segment to a connection that has nothing to do, and where the cut goes. Pure.
 *
 * A victim at `position` with speed v keeps x bytes, the thief with speed t takes the rest after a start that
 * costs s seconds, and both are done at once:
 *
 *   x / v  =  s + (rest − x) / t
 *
 *   position            at                    end
 *   ├── x: victim, v ───┼── rest − x: thief ──┤
 */

/** A segment that is being fetched. */
export interface RunningSegment {
  /** The offset up to which its bytes have arrived. */
  readonly position: number
  readonly end: number
  /** `undefined` while it is too young to be measured: it may be over before another has begun. */
  readonly bytesPerSecond: number | undefined
}

/** The connection that has run dry. */
export interface Pace {
  readonly bytesPerSecond: number
  /** From the decision to the first byte: passive port, connection, TLS, REST, RETR. */
  readonly startSeconds: number
}

/** `'split'`: the thief takes `[at, end)`. `'rob'`: it stands still; all that is left goes to the thief. */
export type Steal =
  | { readonly is: 'split'; readonly victim: number; readonly at: number }
  | { readonly is: 'rob'; readonly victim: number }

/** A shorter piece is not worth a connection: what is in flight when a segment is cut is lost, too. */
const LEAST_PIECE_BYTES = 262_144
/** A segment this slow, against the thief, counts as standing still: bytes that trickle are not worth the wait. */
const STANDSTILL = 1 / 100

/**
 * The steal that saves most, if it saves more than it costs; the victim is an index into `running`.
 */
export function chooseSteal(running: readonly RunningSegment[], thief: Pace): Steal | undefined {
  if (thief.bytesPerSecond <= 0) return undefined
  let victim = -1
  let longest = 0
  running.forEach(({ position, end, bytesPerSecond }, index) => {
    const seconds = bytesPerSecond === undefined ? 0 : (end - position) / bytesPerSecond
    if (!(seconds > longest)) return
    victim = index
    longest = seconds
  })
  const chosen = running[victim]
  return chosen === undefined ? undefined : cut(chosen, victim, thief)
}

function cut(segment: RunningSegment, victim: number, thief: Pace): Steal | undefined {
  const { bytesPerSecond: speed = 0, position, end } = segment
  const { bytesPerSecond, startSeconds } = thief
  const rest = end - position
  if (speed <= bytesPerSecond * STANDSTILL) {
    const saved = rest / speed - (startSeconds + rest / bytesPerSecond)
    return saved > startSeconds ? { is: 'rob', victim } : undefined
  }
  const kept = Math.ceil((speed * (startSeconds * bytesPerSecond + rest)) / (speed + bytesPerSecond))
  const isWorthwhile = (rest - kept) / speed > startSeconds && rest - kept >= LEAST_PIECE_BYTES
  return isWorthwhile && kept > 0 ? { is: 'split', victim, at: position + kept } : undefined
}
