/**
 * Receives what one data connection brings for one segment after another: where a segment ends, the connection is
 * cut or goes on with what is missing further on, and what lies between is thrown away.
 *
 *   ├── first segment ──┤ skipped ├── next segment ─ …
 */
import type { DataReceiver } from '../connection/receiver.ts'
import type { SegmentWriter } from './segment-writer.ts'

const SKIPPED_AT_ONCE_BYTES = 262_144

export class Relay implements DataReceiver {
  #writer: SegmentWriter
  readonly #next: () => SegmentWriter | undefined
  #skips = 0
  #waste: Uint8Array = new Uint8Array(0)
  #resume: () => void = () => {}

  /** @param next asked where a segment has ended: who receives what follows or begins further on */
  constructor(first: SegmentWriter, next: () => SegmentWriter | undefined) {
    this.#writer = first
    this.#next = next
    this.#follow(first)
  }

  space(): Uint8Array {
    if (this.#skips === 0) return this.#writer.space()
    if (this.#waste.length === 0) this.#waste = Buffer.allocUnsafeSlow(SKIPPED_AT_ONCE_BYTES)
    return this.#waste.subarray(0, this.#skips)
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    if (this.#skips > 0) {
      this.#skips -= bytes
      if (this.#skips === 0) this.#waste = new Uint8Array(0)
      return 'more'
    }
    const verdict = this.#writer.received(bytes)
    if (this.#writer.stopped !== 'full') return verdict
    const from = this.#writer.streamPosition
    const next = this.#next()
    if (next === undefined) return 'stop'
    this.#writer = next
    this.#skips = next.streamPosition - from
    this.#follow(next)
    return 'more'
  }

  onResume(resume: () => void): void {
    this.#resume = resume
  }

  /** One that is done with its segment may still be writing; nobody waits for it here. */
  #follow(writer: SegmentWriter): void {
    writer.onResume(() => {
      if (this.#writer === writer) this.#resume()
    })
  }
}
