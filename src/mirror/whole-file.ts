/** Receives a small file into memory, in a piece of the size that it was said to have. */
import type { DataReceiver } from '../connection/receiver.ts'

export class WholeFile implements DataReceiver {
  readonly #bytes: Buffer
  readonly #size: number
  #received = 0

  constructor(size: number) {
    this.#size = size
    // One byte more shows a file that has grown.
    this.#bytes = Buffer.allocUnsafeSlow(size + 1)
  }

  /** Whether exactly the bytes that were expected have come. */
  get isWhole(): boolean {
    return this.#received === this.#size
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#received)
  }

  space(): Uint8Array {
    return this.#bytes.subarray(this.#received)
  }

  received(bytes: number): 'more' | 'stop' {
    this.#received += bytes
    return this.#received > this.#size ? 'stop' : 'more'
  }

  onResume(): void {
    // It never pauses.
  }
}
