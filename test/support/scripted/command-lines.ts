/** What a wait for a command ended with. */
export type NextCommand =
  | { kind: 'command'; line: string; arrivedAt: number }
  | { kind: 'closed' }
  | { kind: 'late' }
  | { kind: 'stopped' }

/**
 * Bytes of a control connection, cut into commands only when one is asked for: what follows AUTH TLS is a
 * ClientHello and must reach the handshake untouched.
 */
export class CommandLines {
  #bytes: Buffer = Buffer.alloc(0)
  /** When which bytes came, counted from the first of the connection: a burst can be told from a dialogue. */
  #arrivals: { upTo: number; at: number }[] = []
  #taken = 0
  #closed = false
  #discarding = false
  readonly #waiting = new Set<() => void>()

  push(chunk: Buffer): void {
    if (this.#discarding) return
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#arrivals.push({ upTo: this.#taken + this.#bytes.length, at: performance.now() })
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** From now on nothing is kept: a server that has gone silent. */
  discard(): void {
    this.#discarding = true
    this.#bytes = Buffer.alloc(0)
  }

  /** Everything that has come and was not asked for. */
  takeRest(): Buffer {
    const rest = this.#bytes
    this.#bytes = Buffer.alloc(0)
    return rest
  }

  /** Whether a whole command has come that was not asked for. */
  get hasMore(): boolean {
    return this.#bytes.includes('\r\n')
  }

  /** The next command, or why there is none after `patienceMs`. */
  async next(patienceMs: number, stop: AbortSignal): Promise<NextCommand> {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const line = this.#shift()
      if (line !== undefined) return { kind: 'command', line, arrivedAt: this.#arrival() }
      if (this.#closed) return { kind: 'closed' }
      if (stop.aborted) return { kind: 'stopped' }
      const left = deadline - performance.now()
      if (left <= 0) return { kind: 'late' }
      await this.#change(left, stop)
    }
  }

  #shift(): string | undefined {
    const end = this.#bytes.indexOf('\r\n')
    if (end < 0) return undefined
    const line = this.#bytes.toString('utf8', 0, end)
    this.#bytes = this.#bytes.subarray(end + 2)
    this.#taken += end + 2
    return line
  }

  /** When the last byte of what was taken so far came. */
  #arrival(): number {
    while ((this.#arrivals[0]?.upTo ?? this.#taken) < this.#taken) this.#arrivals.shift()
    return this.#arrivals[0]?.at ?? 0
  }

  #change(waitMs: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        stop.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      // setTimeout takes Infinity for 1 ms.
      const timer = setTimeout(done, Math.min(waitMs, 2 ** 31 - 1))
      stop.addEventListener('abort', done, { once: true })
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done()
  }
}
