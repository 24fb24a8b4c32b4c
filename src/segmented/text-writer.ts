/**
 * Receives a file of TYPE A: lines end with CR LF on the wire (RFC 959 §3.1.1.1), and as the system likes it
 * in the file. Text is small; it is read in small pieces, and each is converted and written
 * before the next is read.
 */
import { EOL } from 'node:os'
import type { DataReceiver } from '../connection/receiver.ts'
import type { SegmentFile, StopReason } from './segment-writer.ts'

const BUFFER_BYTES = 65_536
const CR = 0x0d
const LF = 0x0a
const NOTHING = new Uint8Array(0)

export class TextWriter implements DataReceiver {
  /** The size of a converted text is known when it ends. */
  readonly isWhole = false
  readonly overlap: Uint8Array = NOTHING
  readonly excessBytes = 0
  readonly #file: SegmentFile
  readonly #convert: (bytes: Uint8Array) => Uint8Array
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  #position = 0
  #resume: () => void = () => {}
  #writesUnderWay = 0
  #onWritten: () => void = () => {}
  #stopped: StopReason | undefined
  #error: Error | undefined

  constructor(file: SegmentFile, lineEnd: string = EOL) {
    this.#file = file
    this.#convert = lineEnd === '\r\n' ? (bytes) => bytes.slice() : unixLines()
  }

  /** Bytes written, line ends converted. */
  get position(): number {
    return this.#position
  }

  /** Nothing of a text is kept when it breaks off: what is under way counts. */
  get written(): number {
    return this.#position
  }

  get stopped(): StopReason | undefined {
    return this.#stopped
  }

  space(): Uint8Array {
    return this.#buffer
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    if (this.#stopped !== undefined) return 'stop'
    return this.#write(this.#convert(this.#buffer.subarray(0, bytes))) ? 'pause' : 'more'
  }

  onResume(resume: () => void): void {
    this.#resume = resume
  }

  async finish(): Promise<void> {
    this.#write(this.#convert(NOTHING))
    if (this.#writesUnderWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onWritten = resolve
      })
    }
    if (this.#error !== undefined) throw this.#error
  }

  /** Whether there was something to write. */
  #write(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return false
    const at = this.#position
    this.#position += bytes.length
    this.#writesUnderWay += 1
    this.#file.write(bytes, at, (error) => {
      this.#writesUnderWay -= 1
      if (error !== undefined) {
        this.#error ??= error
        this.#stopped = 'write-failed'
      }
      if (this.#writesUnderWay > 0) return
      this.#onWritten()
      this.#resume()
    })
    return true
  }
}

/**
 * CR LF becomes LF, also where a read ends between the two; a lone CR stays. Called with nothing, it gives up
 * a CR that was held back at the end of the text.
 */
function unixLines(): (bytes: Uint8Array) => Uint8Array {
  let heldBack = false
  return (bytes) => {
    const converted = new Uint8Array(bytes.length + 1)
    let length = 0
    for (const byte of bytes) {
      if (heldBack && byte !== LF) converted[length++] = CR
      heldBack = byte === CR
      if (!heldBack) converted[length++] = byte
    }
    if (bytes.length === 0 && heldBack) {
      converted[length++] = CR
      heldBack = false
    }
    return converted.subarray(0, length)
  }
}
