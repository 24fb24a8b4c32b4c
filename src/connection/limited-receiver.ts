/**
 * Hands on what a data connection brings no faster than one or several limits allow.
 *
 *   socket ─► held ─── turns of the limits ───► receiver      while there is a limit
 *   socket ───────────────────────────────────► receiver      while there is none: not a byte is copied
 *
 * It reads into room of its own and then waits, rather than waiting for leave to read: Node asks where the next
 * read goes when a pause begins, which is before the allowance for it is known; under TLS up to 64 KiB arrive
 * behind a pause; and leave that a silent server does not use would be missing elsewhere, or be used in a burst.
 * What is held is little: as much as the limits allow in 1/16 s, or what TLS delivers from one read of TCP.
 *
 * Waiting is a `'pause'` to the connection, whose stall clock stands still then: it is not the server's silence.
 */
import { BandwidthTaker, type BandwidthLimit } from '../transport/bandwidth.ts'
import { deferred, type Deferred } from '../util/deferred.ts'
import type { DataReceiver } from './receiver.ts'

/** As much as one read of TCP brings under TLS. */
const CHUNK_BYTES = 65_536
const READ_AHEAD_SECONDS = 1 / 16
/** Less would make a read of every few bytes. */
const LEAST_ROOM = 512

export class LimitedReceiver implements DataReceiver {
  readonly #receiver: DataReceiver
  readonly #taker: BandwidthTaker
  readonly #held = new HeldBytes()
  /**
   *   flowing ─► allowance    bytes are held until the limits allow more
   *      ├─────► receiver     the receiver is busy
   *      └─────► over         it wants no more, or we were disposed of
   */
  #state: 'flowing' | 'allowance' | 'receiver' | 'over' = 'flowing'
  /** Whose room the next bytes arrive in. */
  #room: 'held' | 'receiver' = 'receiver'
  /** Whether the connection waits for us. */
  #isPausing = false
  #resume: (verdict?: 'stop') => void = () => {}
  #drained: Deferred<void> | undefined

  /** @param limits all of them hold; first those that the fewest share */
  constructor(receiver: DataReceiver, limits: readonly BandwidthLimit[]) {
    this.#receiver = receiver
    this.#taker = new BandwidthTaker(limits, (bytes) => this.#allowed(bytes))
    receiver.onResume(() => this.#receiverResumed())
  }

  space(): Uint8Array {
    if (this.#held.length === 0 && !this.#taker.isLimited) {
      this.#room = 'receiver'
      return this.#receiver.space()
    }
    this.#room = 'held'
    return this.#held.room(this.#readAhead())
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    if (this.#state === 'over') return 'stop'
    if (this.#room === 'receiver') {
      // The limit is newer than the read: it was not asked.
      this.#taker.charge(bytes)
      this.#heed(this.#receiver.received(bytes))
    } else {
      this.#held.add(bytes)
    }
    this.#handOn()
    const verdict = this.#verdict()
    this.#isPausing = verdict === 'pause'
    return verdict
  }

  /** `resume('stop')` asks for a cut without waiting for more bytes; by itself a resumption is told with the next. */
  onResume(resume: (verdict?: 'stop') => void): void {
    this.#resume = resume
  }

  /**
   * Resolves when nothing is held any more: everything was handed on, or nobody wants it. A connection can end
   * before; what counts the bytes has to wait for this.
   */
  drained(): Promise<void> {
    this.#drained ??= deferred()
    this.#tellIfDrained()
    return this.#drained.promise
  }

  /** Hands on no more, waits for nothing, and leaves no timer. What is held is given up. Idempotent. */
  dispose(): void {
    this.#state = 'over'
    this.#taker.leave()
    this.#tellIfDrained()
  }

  #readAhead(): number {
    const worth = Math.ceil(this.#taker.bytesPerSecond * READ_AHEAD_SECONDS)
    return Math.min(CHUNK_BYTES, Math.max(LEAST_ROOM, worth))
  }

  #verdict(): 'more' | 'pause' | 'stop' {
    if (this.#state === 'over') return 'stop'
    return this.#state === 'flowing' ? 'more' : 'pause'
  }

  #handOn(): void {
    while (this.#state === 'flowing' && this.#held.length > 0) {
      this.#state = 'allowance'
      const bytes = this.#taker.ask(this.#held.length)
      if (bytes === 0) return
      this.#pass(bytes)
    }
  }

  #allowed(bytes: number): void {
    this.#pass(bytes)
    this.#goOn()
  }

  #receiverResumed(): void {
    if (this.#state !== 'receiver') return
    this.#state = 'flowing'
    this.#goOn()
  }

  #goOn(): void {
    this.#handOn()
    this.#tellIfDrained()
    const verdict = this.#verdict()
    if (verdict === 'pause' || !this.#isPausing) return
    this.#isPausing = false
    this.#resume(verdict === 'stop' ? verdict : undefined)
  }

  /** Moves bytes that the limits have allowed to the receiver. */
  #pass(allowed: number): void {
    this.#state = 'flowing'
    let left = allowed
    while (left > 0 && this.#verdict() === 'more') {
      const bytes = this.#held.moveTo(this.#receiver.space(), left)
      left -= bytes
      this.#heed(this.#receiver.received(bytes))
    }
    if (left > 0) this.#taker.giveBack(left)
  }

  #heed(verdict: 'more' | 'pause' | 'stop'): void {
    switch (verdict) {
      case 'more':
        return
      case 'pause':
        if (this.#state === 'flowing') this.#state = 'receiver'
        return
      case 'stop':
        return this.dispose()
      default:
        verdict satisfies never
    }
  }

  #tellIfDrained(): void {
    if (this.#held.length === 0 || this.#state === 'over') this.#drained?.resolve()
  }
}

interface Chunk {
  readonly bytes: Uint8Array
  /** What is held in it: `[from, to)`. */
  from: number
  to: number
}

/** Bytes in the order in which they came, in a few chunks that are used again. */
class HeldBytes {
  /** The last one is where the next bytes go. */
  readonly #chunks: Chunk[] = []
  #spare: Uint8Array | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Room for the next bytes: at most so many. */
  room(most: number): Uint8Array {
    let chunk = this.#chunks.at(-1)
    if (chunk !== undefined && this.#length === 0) chunk.from = chunk.to = 0
    if (chunk === undefined || chunk.bytes.length - chunk.to < most / 2) {
      chunk = { bytes: this.#spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES), from: 0, to: 0 }
      this.#spare = undefined
      this.#chunks.push(chunk)
    }
    return chunk.bytes.subarray(chunk.to, chunk.to + most)
  }

  /** So many bytes came into the last {@link room}. */
  add(bytes: number): void {
    const chunk = this.#chunks.at(-1)
    if (chunk === undefined) return
    chunk.to += bytes
    this.#length += bytes
  }

  /** Moves the oldest bytes to the start of `target`, at most so many; gives how many. */
  moveTo(target: Uint8Array, most: number): number {
    const chunk = this.#chunks[0]
    if (chunk === undefined) return 0
    const bytes = chunk.bytes.subarray(
      chunk.from,
      Math.min(chunk.to, chunk.from + most, chunk.from + target.length),
    )
    target.set(bytes)
    chunk.from += bytes.length
    this.#length -= bytes.length
    if (chunk.from === chunk.to && this.#chunks.length > 1) {
      this.#chunks.shift()
      this.#spare = chunk.bytes
    }
    return bytes.length
  }
}
