/**
 * Bytes to replies (RFC 959 §4.2). Owns: the bytes of an unfinished line and the lines of an unfinished reply.
 * Knows no socket and no command: which reply answers what is the exchange's affair.
 *
 *   reply      = single / first *middle last
 *   single     = code [SP text] EOL
 *   first      = code "-" [text] EOL
 *   middle     = anything but `last` EOL          a blank, another code, or this code and "-" included
 *   last       = the same code [SP text] EOL
 *   code       = "1"…"5" DIGIT DIGIT
 *   EOL        = *CR LF                           some servers send a bare LF, some CR CR LF
 *
 * Blank lines between replies are ignored. Where a reply ends is never guessed: what is not in this grammar
 * is an error, because a client that is one reply off takes the answer to one command for that to another.
 *
 * Linear in the bytes, whatever the chunks: a line held in part is never searched again (`#held` is known to
 * hold no LF), and its buffer grows by doubling.
 */
import { FtpProtocolError } from '../errors.ts'
import type { FtpProtocolErrorCode } from '../errors.ts'
import { MAX_RECEIVED_TEXT, MAX_REPLY_BYTES, MAX_REPLY_LINE_BYTES, MAX_REPLY_LINES } from './limits.ts'
import type { Reply } from './reply.ts'
import { TelnetFilter } from './telnet.ts'
import { decodeName, printable } from './text.ts'

export interface ReplyParserOptions {
  /** Bytes to text. @default UTF-8, with what is none kept as in {@link decodeName} */
  readonly decode?: ((bytes: Uint8Array) => string) | undefined
  /** Removes secrets from what goes into an error's `received`: servers echo them. Default: nothing is removed. */
  readonly redact?: (text: string) => string
}

interface OpenReply {
  readonly code: number
  readonly lines: string[]
  bytes: number
}

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const HYPHEN = 0x2d
const ZERO = 0x30

export class ReplyParser {
  readonly #decode: (bytes: Uint8Array) => string
  readonly #redact: (text: string) => string
  readonly #telnet = new TelnetFilter()
  readonly #held = new HeldBytes()
  #open: OpenReply | undefined
  #isTrailed = false
  #failure: FtpProtocolError | undefined

  constructor(options: ReplyParserOptions = {}) {
    this.#decode = options.decode ?? decodeName
    this.#redact = options.redact ?? ((text) => text)
  }

  /** Whether bytes of an unfinished reply are held: an end of the stream now cuts one short. */
  get midReply(): boolean {
    return this.#open !== undefined || this.#held.length > 0 || this.#telnet.midSequence
  }

  /** Whether a reply has begun and not ended: what is held of a blank line is none. */
  get isInReply(): boolean {
    return this.#open !== undefined || this.#held.holdsText
  }

  /** Whether anything at all, if only an empty line, came behind the last complete reply. */
  get isTrailed(): boolean {
    return this.#isTrailed || this.midReply
  }

  /**
   * What the server did wrong, once it has: `ERR_FTP_MALFORMED_REPLY` or `ERR_FTP_REPLY_TOO_LONG`. The parser
   * takes nothing after it.
   */
  get failure(): FtpProtocolError | undefined {
    return this.#failure
  }

  /**
   * Takes the next bytes and returns the replies that they complete, in order. `chunk` may be reused afterwards.
   *
   * A line that is no reply does not make it throw, as the replies before it in the chunk would be lost: they
   * are returned, and {@link failure} is set. Deliver the replies, then look at it.
   *
   * @throws FtpProtocolError the failure, if an earlier call has set it
   */
  push(chunk: Uint8Array): Reply[] {
    if (this.#failure !== undefined) throw this.#failure
    const replies: Reply[] = []
    this.#split(this.#telnet.filter(chunk), replies)
    return replies
  }

  #split(text: Uint8Array, replies: Reply[]): void {
    let start = 0
    while (this.#failure === undefined && start < text.length) {
      const end = text.indexOf(LF, start)
      const piece = text.subarray(start, end < 0 ? text.length : end)
      if (this.#held.length + piece.length > MAX_REPLY_LINE_BYTES) {
        this.#held.append(piece.subarray(0, MAX_REPLY_LINE_BYTES - this.#held.length))
        this.#fail('ERR_FTP_REPLY_TOO_LONG', 'The server sent an endless line', this.#held.take())
      } else if (end < 0) {
        this.#held.append(piece)
        return
      } else {
        this.#takeLine(withoutCarriageReturns(this.#held.complete(piece)), replies)
        start = end + 1
      }
    }
  }

  #takeLine(line: Uint8Array, replies: Reply[]): void {
    const before = replies.length
    if (this.#open === undefined) this.#takeFirstLine(line, replies)
    else this.#takeNextLine(this.#open, line, replies)
    this.#isTrailed = replies.length === before
  }

  #takeFirstLine(line: Uint8Array, replies: Reply[]): void {
    const code = codeOf(line)
    if (code === undefined) {
      if (line.every(isBlank)) return
      this.#fail('ERR_FTP_MALFORMED_REPLY', 'The server sent a line that is no FTP reply', line)
    } else if (line[3] === HYPHEN) {
      this.#open = { code, lines: [this.#decode(line.subarray(4))], bytes: line.length }
    } else {
      replies.push({ code, lines: [this.#decode(line.subarray(4))] })
    }
  }

  #takeNextLine(open: OpenReply, line: Uint8Array, replies: Reply[]): void {
    const last = codeOf(line) === open.code && line[3] !== HYPHEN
    open.bytes += line.length
    if (open.bytes > MAX_REPLY_BYTES || open.lines.length >= MAX_REPLY_LINES) {
      this.#fail('ERR_FTP_REPLY_TOO_LONG', `The server sent an endless ${open.code} reply`, line)
      return
    }
    open.lines.push(this.#decode(last ? line.subarray(4) : line))
    if (!last) return
    this.#open = undefined
    replies.push({ code: open.code, lines: open.lines })
  }

  #fail(code: FtpProtocolErrorCode, message: string, line: Uint8Array): void {
    // Redacted before it is shortened: half a secret would no longer be found.
    const received = printable(this.#redact(this.#decode(line)), MAX_RECEIVED_TEXT)
    this.#failure = new FtpProtocolError(code, `${message}: ${received}`, { received })
    this.#open = undefined
  }
}

/** The beginning of a line whose end has not come: at most one line's worth, copied, as chunks are reused. */
class HeldBytes {
  #bytes = new Uint8Array(128)
  #length = 0

  get length(): number {
    return this.#length
  }

  get holdsText(): boolean {
    return this.#bytes.subarray(0, this.#length).some((byte) => byte !== CR && !isBlank(byte))
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length
    if (length > this.#bytes.length) this.#grow(length)
    this.#bytes.set(piece, this.#length)
    this.#length = length
  }

  /** What is held and `rest` behind it; nothing is held afterwards. Good until the next `append`. */
  complete(rest: Uint8Array): Uint8Array {
    if (this.#length === 0) return rest
    this.append(rest)
    return this.take()
  }

  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return taken
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

function withoutCarriageReturns(line: Uint8Array): Uint8Array {
  let end = line.length
  while (end > 0 && line[end - 1] === CR) end--
  return line.subarray(0, end)
}

/** The code that `line` begins with, if a space, a hyphen or the end of the line is behind it. */
function codeOf(line: Uint8Array): number | undefined {
  const [first = 0, second = 0, third = 0, separator = SPACE] = line
  if (separator !== SPACE && separator !== HYPHEN) return undefined
  const [hundreds, tens, units] = [first - ZERO, second - ZERO, third - ZERO]
  if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || units < 0 || units > 9) return undefined
  return 100 * hundreds + 10 * tens + units
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === 0x09 || byte === 0
}
