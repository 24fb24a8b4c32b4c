/** Receives a listing whole, as nearly all are short. One that is not is read as it comes, by itself. */
import type { DataReceiver } from '../connection/receiver.ts'

/** Some 80,000 entries. */
const MOST_BYTES = 8_388_608
const ROOM_BYTES = 16_384

export class ShortListing implements DataReceiver {
  readonly #chunks: Buffer[] = []
  #room: Buffer = Buffer.alloc(0)
  #length = 0

  get bytes(): Buffer {
    const [only] = this.#chunks
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
  }

  space(): Uint8Array {
    if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(ROOM_BYTES)
    return this.#room
  }

  received(bytes: number): 'more' | 'stop' {
    this.#chunks.push(this.#room.subarray(0, bytes))
    this.#room = this.#room.subarray(bytes)
    this.#length += bytes
    return this.#length > MOST_BYTES ? 'stop' : 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}
