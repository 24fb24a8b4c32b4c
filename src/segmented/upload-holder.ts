/** Since when an upload that holds a session waits for what its own caller sends. */
import type { Holder } from '../operations/holders.ts'

export class UploadHolder implements Holder {
  readonly what: string
  /** What the caller has given, and what of it the system has taken, in bytes. */
  #given = 0
  #sent = 0
  #askedSince: number | undefined

  /** @param shownPath the remote path for messages */
  constructor(shownPath: string) {
    this.what = `an upload to "${shownPath}"`
  }

  /** While something is on its way it is the server's turn. */
  get idleSince(): number | undefined {
    return this.#sent < this.#given ? undefined : this.#askedSince
  }

  /** The caller is asked for more. */
  asked(): void {
    this.#askedSince = performance.now()
  }

  /** The caller has given so many bytes, or come to the end. */
  given(bytes: number): void {
    this.#given += bytes
    this.#askedSince = undefined
  }

  /** So many bytes have been sent in all. */
  sent(bytes: number): void {
    this.#sent = bytes
    if (this.#askedSince !== undefined) this.asked()
  }
}
