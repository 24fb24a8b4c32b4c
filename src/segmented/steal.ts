/**
 * Who gives part of its segment to a connection that has nothing to do, and where the cut goes. Pure.
 *
 * A victim at `position` with speed v keeps x bytes, the thief with speed t takes the rest after a start that
 * costs s seconds. Alone with each other they would be done at once after
 *
 *   T  =  (rest + s · t) / (v + t)
 *
 *   position            at                    end
 *   ├── x: victim, v ───┼── rest − x: thief ──┤
 *
 * but they are not alone. With all that is left shared among all by their speeds, everybody would be done after
 * some time A. If that is later than T, the victim keeps what it can do until then, and the thief is free to help
 * the next. (If it is earlier, others would have to come and take their part, too; but each of them has to start
 * for it, and simulated networks are done sooner without.)
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
  /** From the decision to the first byte and what the slow beginning costs: passive port, connection, TLS, RETR. */
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
 *
 * @param others how many more connections have nothing to do; they are taken for such as the thief
 */
export function chooseSteal(running: readonly RunningSegment[], thief: Pace, others = 0): Steal | undefined {
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
  if (chosen === undefined) return undefined
  return isStill(chosen, thief)
    ? rob(chosen, victim, thief)
    : split(chosen, victim, thief, allSeconds(running, thief, others + 1))
}

/** How long all of it takes if it is shared perfectly; one that is not measured yet is taken for one like the thief. */
function allSeconds(running: readonly RunningSegment[], thief: Pace, thieves: number): number {
  const rest = running.reduce((sum, { position, end }) => sum + end - position, 0)
  const speed = running.reduce((sum, one) => sum + (one.bytesPerSecond ?? thief.bytesPerSecond), 0)
  const theirs = thieves * thief.bytesPerSecond
  return (rest + thief.startSeconds * theirs) / (speed + theirs)
}

function isStill({ bytesPerSecond = 0 }: RunningSegment, thief: Pace): boolean {
  return bytesPerSecond <= thief.bytesPerSecond * STANDSTILL
}

function rob(segment: RunningSegment, victim: number, thief: Pace): Steal | undefined {
  const { bytesPerSecond: speed = 0, position, end } = segment
  const { bytesPerSecond, startSeconds } = thief
  const rest = end - position
  const saved = rest / speed - (startSeconds + rest / bytesPerSecond)
  return saved > startSeconds ? { is: 'rob', victim } : undefined
}

function split(segment: RunningSegment, victim: number, thief: Pace, seconds: number): Steal | undefined {
  const { bytesPerSecond: speed = 0, position, end } = segment
  const { bytesPerSecond, startSeconds } = thief
  const rest = end - position
  const together = (rest + startSeconds * bytesPerSecond) / (speed + bytesPerSecond)
  const most = rest - speed * together
  const wanted = rest - speed * Math.max(seconds, together)
  // Rather a little too much than a piece that is too short for a start.
  const piece = Math.floor(Math.min(most, Math.max(LEAST_PIECE_BYTES, wanted)))
  const isWorthwhile = piece / speed > startSeconds && piece >= LEAST_PIECE_BYTES
  return isWorthwhile && piece < rest ? { is: 'split', victim, at: end - piece } : undefined
}
