/** Bytes of no certain encoding to text, and text to something fit to be shown. */

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes to text by a strict decoder (default UTF-8). Bytes that are not in its encoding are read as Latin-1,
 * one character a byte, so that nothing is lost: old servers send names as they lie on their disk.
 */
export function decodeText(bytes: Uint8Array, strict: InstanceType<typeof TextDecoder> = strictUtf8): string {
  try {
    return strict.decode(bytes)
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  }
}

// What moves a terminal's cursor or reorders a line: controls, line separators, bidirectional overrides.
const UNSHOWABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** Text for messages and logs: control characters escaped, at most `maxLength` characters and an ellipsis. */
export function printable(text: string, maxLength: number): string {
  const escaped = text.slice(0, maxLength + 1).replace(UNSHOWABLE, escapeCharacter)
  if (escaped.length <= maxLength) return escaped
  return `${escaped.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…`
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}
