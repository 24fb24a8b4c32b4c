/** Bytes of no certain encoding to text, and text to something fit to be shown. */

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// What moves a terminal's cursor or reorders a line: controls, line separators, bidirectional overrides.
const UNSHOWABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * Bytes of names to text, so that {@link encodeText} gives the same bytes again: UTF-8, and each byte that is not as
 * the lone surrogate U+DC00 + byte, which no UTF-8 can hold.
 */
export function decodeName(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return escapedName(bytes)
  }
}

function escapedName(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    text += length === 0 ? escapeByte(bytes[at] ?? 0) : strictUtf8.decode(bytes.subarray(at, at + length))
    at += Math.max(1, length)
  }
  return text
}

/** Of the character at `at`; 0 where none is. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  const length =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  try {
    strictUtf8.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}

const ESCAPE = 0xdc00

/** A byte that is no text, as {@link decodeName} keeps it. */
export function escapeByte(byte: number): string {
  return String.fromCharCode(ESCAPE + byte)
}

/** The byte that a character stands for, if it stands for one. */
export function escapedByte(character: string): number | undefined {
  const code = character.codePointAt(0) ?? 0
  return code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff ? code - ESCAPE : undefined
}

const ESCAPED_BYTES = /(?<![\ud800-\udbff])[\udc80-\udcff]/g
const LONE_SURROGATE = /\p{Surrogate}/u
const utf8 = new TextEncoder()

/**
 * Text for the wire: UTF-8, and the bytes that {@link decodeName} has escaped as they were.
 * @throws TypeError for any other lone surrogate, of which UTF-8 would make U+FFFD: the name of another file
 */
export function encodeText(text: string): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return utf8.encode(text)
  const bytes: number[] = []
  for (const character of text) {
    const escaped = escapedByte(character)
    if (escaped !== undefined) bytes.push(escaped)
    else if (LONE_SURROGATE.test(character))
      throw new TypeError('A lone surrogate cannot be written in utf-8')
    else bytes.push(...utf8.encode(character))
  }
  return Uint8Array.from(bytes)
}

/** Text for messages and logs: control characters escaped, at most `maxLength` characters and an ellipsis. */
export function printable(text: string, maxLength: number): string {
  const escaped = text
    .slice(0, maxLength + 1)
    .replace(UNSHOWABLE, escapeCharacter)
    .replace(ESCAPED_BYTES, (byte) => `\\x${(byte.charCodeAt(0) - ESCAPE).toString(16)}`)
  if (escaped.length <= maxLength) return escaped
  return `${escaped.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…`
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}
