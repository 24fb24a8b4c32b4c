/**
 * Tells an orderly end of a TLS connection from a cut one. Pure.
 *
 * Node gives the same `'end'` for a close_notify and for a bare FIN, which anybody on the way can send. The records
 * themselves tell: the last one of an orderly end is an alert. Under TLS 1.2 its type says so; under 1.3 the type
 * is hidden, and the length is that of two bytes of alert, their type, and the tag (RFC 8446 §5.2).
 */
const HEADER_BYTES = 5
const ALERT = 21
const APPLICATION_DATA = 23
/** With a tag of 16 bytes, and of 8 (the CCM_8 suites). */
const HIDDEN_ALERT_LENGTHS: ReadonlySet<number> = new Set([19, 11])

export class RecordTap {
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  /** How much of the current record is still to come. */
  #left = 0
  #last: { readonly type: number; readonly length: number } | undefined

  /** Takes the next bytes as they came from the server. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, chunk.length - at)
        this.#left -= passed
        at += passed
      } else {
        this.#header[this.#headerBytes] = chunk[at] ?? 0
        this.#headerBytes += 1
        at += 1
        if (this.#headerBytes === HEADER_BYTES) this.#begin()
      }
    }
  }

  /** Whether the next byte begins a record. */
  get isBetweenRecords(): boolean {
    return this.#left === 0 && this.#headerBytes === 0
  }

  /** How many bytes are missing to the end of the record, or of its header; at least 1. */
  get wanted(): number {
    return this.#left > 0 ? this.#left : HEADER_BYTES - this.#headerBytes
  }

  /** Whether what came so far ends with an alert, complete: the server has said that nothing follows. */
  get isClosedInOrder(): boolean {
    if (this.#last === undefined || this.#left > 0 || this.#headerBytes > 0) return false
    const { type, length } = this.#last
    return type === ALERT || (type === APPLICATION_DATA && HIDDEN_ALERT_LENGTHS.has(length))
  }

  #begin(): void {
    const [type = 0, , , high = 0, low = 0] = this.#header
    this.#left = high * 256 + low
    this.#last = { type, length: this.#left }
    this.#headerBytes = 0
  }
}
