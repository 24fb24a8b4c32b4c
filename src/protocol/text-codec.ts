/**
 * Names on the wire to text and back, so that what a server sends goes out again as the same bytes: what is no text
 * in the encoding is kept as lone surrogates (see {@link decodeName}), which stand for these bytes and nothing else.
 */
import { inspect } from 'node:util'
import { decodeName, encodeText, escapeByte, escapedByte } from './text.ts'

export interface TextCodec {
  /** The encoding's name, in lower case: `utf-8`, `windows-1252`, … */
  readonly label: string
  /** Never fails. */
  readonly decode: (bytes: Uint8Array) => string
  /** @throws TypeError for a character that the encoding does not have; it is not replaced by another */
  readonly encode: (text: string) => Uint8Array
}

export const UTF_8: TextCodec = Object.freeze({ label: 'utf-8', decode: decodeName, encode: encodeText })

/**
 * The codec for a label of the Encoding Standard.
 * @throws RangeError for an unknown label, or an encoding in which ASCII is not ASCII
 */
export function textCodec(label: string): TextCodec {
  const decoder = decoderFor(label)
  if (decoder.encoding === 'utf-8') return UTF_8
  const table = new EncodingTable(decoder)
  return Object.freeze({
    label: decoder.encoding,
    decode: (bytes: Uint8Array) => table.decode(bytes),
    encode: (text: string) => table.encode(text),
  })
}

type Decoder = InstanceType<typeof TextDecoder>

function decoderFor(label: string): Decoder {
  let decoder: Decoder
  try {
    decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
  } catch {
    throw new RangeError(`Option "encoding" is ${inspect(label)}; it must be one that TextDecoder knows`)
  }
  const ascii = Uint8Array.from({ length: 0x7f - 0x20 }, (_, index) => 0x20 + index)
  const isAscii = attempt(decoder, ascii) === String.fromCharCode(...ascii)
  if (isAscii && !STATEFUL.has(decoder.encoding)) return decoder
  throw new RangeError(`Option "encoding" is ${inspect(label)}, which cannot be used for commands`)
}

/** In which a byte means what an earlier one has switched to. */
const STATEFUL: ReadonlySet<string> = new Set(['iso-2022-jp', 'replacement', 'x-user-defined'])

function attempt(decoder: Decoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** What 0x80 and those behind it are in windows-1252; the others are as in Unicode. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

/**
 * Characters to bytes and back. There is no encoder for anything but UTF-8, so that the decoder is asked, once, for
 * all characters of one and of two bytes; no other is longer, but for the rarest of GB 18030 and of EUC-JP, which
 * are kept as their bytes. So is the other one of two ways to write a character.
 */
class EncodingTable {
  readonly #decoder: Decoder
  #known: Characters | undefined

  constructor(decoder: Decoder) {
    this.#decoder = decoder
  }

  /** Not by the decoder: it fails as a whole, and on Node 20 it has windows-1252 wrong. */
  decode(bytes: Uint8Array): string {
    const { ofBytes } = this.#characters()
    let text = ''
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at] ?? 0
      const second = at + 1 < bytes.length ? ofBytes.get(pairKey(first, bytes[at + 1] ?? 0)) : undefined
      text += ofBytes.get(first) ?? second ?? escapeByte(first)
      at += second === undefined ? 1 : 2
    }
    return text
  }

  encode(text: string): Uint8Array {
    const { bytesOf } = this.#characters()
    const bytes: number[] = []
    for (const character of text) {
      const escaped = escapedByte(character)
      const known = escaped === undefined ? bytesOf.get(character) : [escaped]
      if (known === undefined) {
        const { encoding } = this.#decoder
        throw new TypeError(`The character ${inspect(character)} cannot be written in ${encoding}`)
      }
      bytes.push(...known)
    }
    return Uint8Array.from(bytes)
  }

  #characters(): Characters {
    return (this.#known ??= charactersOf(this.#decoder))
  }
}

interface Characters {
  readonly bytesOf: ReadonlyMap<string, readonly number[]>
  /** By the byte, or by {@link pairKey}. */
  readonly ofBytes: ReadonlyMap<number, string>
}

function pairKey(first: number, second: number): number {
  return (first + 1) * 256 + second
}

function charactersOf(decoder: Decoder): Characters {
  const bytesOf = new Map<string, readonly number[]>()
  const ofBytes = new Map<number, string>()
  const leads: number[] = []
  const enter = (character: string, key: number, bytes: readonly number[]): void => {
    // One character, of which the first way to write it is the usual one.
    if (Array.from(character).length !== 1 || bytesOf.has(character)) return
    bytesOf.set(character, bytes)
    ofBytes.set(key, character)
  }
  for (let byte = 0; byte < 256; byte++) {
    const character = single(decoder, byte)
    if (character === undefined) leads.push(byte)
    else enter(character, byte, [byte])
  }
  for (const lead of leads) {
    for (let byte = 0x30; byte < 256; byte++) {
      const character = attempt(decoder, Uint8Array.of(lead, byte))
      if (character !== undefined) enter(character, pairKey(lead, byte), [lead, byte])
    }
  }
  return { bytesOf, ofBytes }
}

function single(decoder: Decoder, byte: number): string | undefined {
  // Its control characters too: Node's shift_jis has three of them exchanged.
  if (byte < 0x80) return String.fromCharCode(byte)
  if (decoder.encoding !== 'windows-1252') return attempt(decoder, Uint8Array.of(byte))
  return WINDOWS_1252[byte - 0x80] ?? String.fromCharCode(byte)
}
