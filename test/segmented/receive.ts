/** A source that delivers to a receiver as sockets do: into the room it gave last, on after a pause, cut at 'stop'. */
import type { DataReceiver } from '../../src/connection/receiver.ts'
import type { WrittenFile } from './written-file.ts'

export interface Pace {
  /** How much each read brings, in turn; never more than there is room for. */
  readonly reads: readonly number[]
  /** After each read, so many writes are carried out, and which: the disk is as fast and as orderly as that. */
  readonly writes: readonly { readonly count: number; readonly which: number }[]
  /** Reads that still come after a pause: under TLS what has been decrypted is delivered all the same. */
  readonly late: number
}

export interface Delivery {
  /** Bytes delivered. */
  readonly bytes: number
  readonly stopped: boolean
  readonly pauses: number
  /** The most writes that were waiting at once. */
  readonly mostWaiting: number
}

/** The items of a list over and over. */
export function inTurn<T>(list: readonly T[], turn: number): T {
  const item = list[turn % list.length]
  if (item === undefined) throw new RangeError('an empty list has no turns')
  return item
}

/** Delivers `source` until its end or a 'stop'. Throws where the receiver paused and can never go on. */
export function deliver(source: Uint8Array, receiver: DataReceiver, file: WrittenFile, pace: Pace): Delivery {
  let isPaused = false
  receiver.onResume(() => (isPaused = false))
  let [bytes, turn, pauses, late, mostWaiting] = [0, 0, 0, 0, 0]
  let room = receiver.space()
  while (bytes < source.length) {
    if (isPaused && late === 0) {
      if (!file.carryOut(turn)) throw new Error('paused for ever: nothing is being written')
      continue
    }
    if (isPaused) late -= 1
    const count = Math.min(room.length, source.length - bytes, inTurn(pace.reads, turn))
    room.set(source.subarray(bytes, bytes + count))
    bytes += count
    const answer = receiver.received(count)
    // Asked for at once, and kept during a pause: so Node does it.
    room = receiver.space()
    mostWaiting = Math.max(mostWaiting, file.waiting.length)
    if (answer === 'stop') return { bytes, stopped: true, pauses, mostWaiting }
    if (answer === 'pause' && !isPaused) {
      isPaused = true
      late = pace.late
      pauses += 1
    }
    const { count: writes, which } = inTurn(pace.writes, turn)
    for (let write = 0; write < writes; write++) file.carryOut(which)
    turn += 1
  }
  return { bytes, stopped: false, pauses, mostWaiting }
}
