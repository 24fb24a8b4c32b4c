/**
 * Telnet in the control stream (RFC 959 §3.3, RFC 854). Owns: the state of an IAC sequence that a chunk
 * boundary has cut. Knows nothing of lines or replies.
 *
 *   IAC IAC                          one byte 0xFF of text
 *   IAC WILL|WONT|DO|DONT option     dropped: an option never agreed to is refused by silence
 *   IAC 240…250                      dropped (NOP, Go Ahead, …; SB needs an option agreed to first)
 *   IAC anything else                text: a server that sends a Latin-1 ÿ without doubling it
 */
const IAC = 0xff
const LOWEST_COMMAND = 0xf0
const WILL = 0xfb

export class TelnetFilter {
  #state: 'text' | 'iac' | 'option' = 'text'

  /** Whether the bytes so far end within a sequence. */
  get midSequence(): boolean {
    return this.#state !== 'text'
  }

  /** The text in `chunk`. Where nothing is to be removed that is `chunk` itself, not a copy. */
  filter(chunk: Uint8Array): Uint8Array {
    if (this.#state === 'text' && !chunk.includes(IAC)) return chunk
    // One byte longer: an IAC held back from the last chunk may turn out to be text.
    const text = new Uint8Array(chunk.length + 1)
    let length = 0
    for (const byte of chunk) {
      const state = this.#state
      this.#state = nextState(state, byte)
      if (state === 'iac' && byte < LOWEST_COMMAND) text[length++] = IAC
      if (this.#state === 'text' && isText(state, byte)) text[length++] = byte
    }
    return text.subarray(0, length)
  }
}

function nextState(state: 'text' | 'iac' | 'option', byte: number): 'text' | 'iac' | 'option' {
  if (state === 'text') return byte === IAC ? 'iac' : 'text'
  if (state === 'iac') return byte >= WILL && byte < IAC ? 'option' : 'text'
  return 'text'
}

function isText(state: 'text' | 'iac' | 'option', byte: number): boolean {
  if (state === 'text') return true
  return state === 'iac' && (byte === IAC || byte < LOWEST_COMMAND)
}
