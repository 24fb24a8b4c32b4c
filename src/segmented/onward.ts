/**
 * Whether a connection that has come to the end of its segment goes on from there instead of starting anew
 * elsewhere. Pure.
 *
 *   from        at                        end
 *   ├── skipped ┼── for the one that goes on ┤
 *   ├── other ─►│
 *
 * What lies between has come already, or is on its way by one that is slower, and is read once more; that has to
 * take less time than a start. On a link that all share, the first connection may hold most of it for long: cut off
 * and started anew it would be one of those that wait for their share.
 */
import type { Pace } from './steal.ts'

/** What is missing further on. */
export interface Ahead {
  /** The offset up to which its bytes have arrived. */
  readonly position: number
  readonly end: number
  /** Of the one that fetches it; `undefined` where nobody does. */
  readonly bytesPerSecond: number | undefined
}

/** Another's segment is taken over by one that is at least so many times as fast. */
const FASTER = 2
/** A shorter piece is not worth the bytes that are read twice. */
const LEAST_PIECE_BYTES = 262_144

/**
 * The nearest of `ahead`, and from where on; nothing, if a start is cheaper than the way there.
 *
 * @param others what those are like that fetch what is ahead
 */
export function chooseOnward(
  ahead: readonly Ahead[],
  from: number,
  pace: Pace,
  others: Pace,
): { readonly index: number; readonly at: number } | undefined {
  const { bytesPerSecond, startSeconds } = pace
  let nearest: { readonly index: number; readonly at: number } | undefined
  ahead.forEach(({ position, end, bytesPerSecond: speed }, index) => {
    if (end <= from || (speed ?? 0) * FASTER > bytesPerSecond) return
    const at =
      speed === undefined
        ? Math.max(from, position)
        : Math.max(from, position + 1, meeting(from, bytesPerSecond, position, speed))
    const isNear = (at - from) / bytesPerSecond < startSeconds && end - at >= LEAST_PIECE_BYTES
    if (!isNear || (speed !== undefined && !isSooner(end - at, pace, others))) return
    if (nearest === undefined || at < nearest.at) nearest = { index, at }
  })
  return nearest
}

/** Whether one at full speed is done with so many bytes before one that has to start. */
export function isSooner(bytes: number, { bytesPerSecond }: Pace, others: Pace): boolean {
  return bytes / bytesPerSecond <= others.startSeconds + bytes / others.bytesPerSecond
}

/** Where one at `from` catches up with a slower one at `position`. */
function meeting(from: number, speed: number, position: number, slower: number): number {
  const ratio = slower / speed
  return Math.ceil((position - from * ratio) / (1 - ratio))
}
