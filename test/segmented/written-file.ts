/** A file in memory, from one offset on, whose writes are carried out when and in the order the test says. */
export class WrittenFile {
  /** Writes asked for and not carried out yet, oldest first. */
  readonly waiting: (() => void)[] = []
  readonly #start: number
  readonly #bytes: Buffer
  readonly #isWritten: Uint8Array
  #failure: Error | undefined

  constructor(start: number, size: number) {
    this.#start = start
    this.#bytes = Buffer.alloc(size)
    this.#isWritten = new Uint8Array(size)
  }

  /** `bytes` are read when the write is carried out, so that a buffer used again too early shows. */
  write(bytes: Uint8Array, position: number, done: (error: Error | undefined) => void): void {
    this.waiting.push(() => {
      if (this.#failure === undefined) this.#put(bytes, position - this.#start)
      done(this.#failure)
    })
  }

  /** Writes carried out from now on fail. */
  failWith(error: Error): void {
    this.#failure = error
  }

  /** Carries out one waiting write, by default the oldest; false if there is none. */
  carryOut(which: number = 0): boolean {
    const [write] = this.waiting.splice(which % Math.max(1, this.waiting.length), 1)
    write?.()
    return write !== undefined
  }

  carryOutAll(): void {
    while (this.carryOut());
  }

  /** What was written, which has to be one run of bytes from the start on. */
  content(): Buffer {
    const end = this.#isWritten.indexOf(0)
    const length = end < 0 ? this.#bytes.length : end
    if (this.#isWritten.subarray(length).includes(1)) throw new Error(`a hole at ${length}`)
    return this.#bytes.subarray(0, length)
  }

  #put(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length
    if (at < 0 || end > this.#bytes.length) throw new Error(`a write outside the segment, at ${at}`)
    if (this.#isWritten.subarray(at, end).includes(1)) throw new Error(`written twice, from ${at} on`)
    this.#bytes.set(bytes, at)
    this.#isWritten.fill(1, at, end)
  }
}
