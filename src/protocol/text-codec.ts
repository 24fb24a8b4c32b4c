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
    decode: (bytes: Uint8Array) => decoded(bytes, decoder, table),
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

/** Of two ways to write a character only one is found again: the other is kept as its bytes. */
function decoded(bytes: Uint8Array, decoder: Decoder, table: EncodingTable): string {
  const whole = attempt(decoder, bytes)
  if (whole !== undefined && table.isWrittenAs(whole, bytes)) return whole
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const found = table.characterAt(bytes, at)
    text += found?.character ?? escapeByte(bytes[at] ?? 0)
    at += found?.length ?? 1
  }
  return text
}

/** No character of these encodings is longer, but for the rarest of GB 18030 and of EUC-JP. */
const LONGEST = 2

/** Characters to bytes: there is no encoder for anything but UTF-8, so that the decoder is asked for all there are. */
class EncodingTable {
  readonly #decoder: Decoder
  #bytesOf: ReadonlyMap<string, Uint8Array> | undefined

  constructor(decoder: Decoder) {
    this.#decoder = decoder
  }

  encode(text: string): Uint8Array {
    const bytes: number[] = []
    for (const character of text) {
      const escaped = escapedByte(character)
      const known = escaped === undefined ? this.#table().get(character) : [escaped]
      if (known === undefined) {
        const { encoding } = this.#decoder
        throw new TypeError(`The character ${inspect(character)} cannot be written in ${encoding}`)
      }
      bytes.push(...known)
    }
    return Uint8Array.from(bytes)
  }

  isWrittenAs(text: string, bytes: Uint8Array): boolean {
    let at = 0
    for (const character of text) {
      for (const byte of this.#table().get(character) ?? [NaN]) if (bytes[at++] !== byte) return false
    }
    return at === bytes.length
  }

  characterAt(
    bytes: Uint8Array,
    at: number,
  ): { readonly character: string; readonly length: number } | undefined {
    for (let length = 1; length <= LONGEST && at + length <= bytes.length; length++) {
      const part = bytes.subarray(at, at + length)
      const character = attempt(this.#decoder, part)
      if (character !== undefined && this.isWrittenAs(character, part)) return { character, length }
    }
    return undefined
  }

  #table(): ReadonlyMap<string, Uint8Array> {
    return (this.#bytesOf ??= tableOf(this.#decoder))
  }
}

function tableOf(decoder: Decoder): ReadonlyMap<string, Uint8Array> {
  const table = new Map<string, Uint8Array>()
  const leads: number[] = []
  const enter = (bytes: Uint8Array): boolean => {
    const character = attempt(decoder, bytes)
    if (character === undefined) return false
    // One character, of which the first way to write it is the usual one.
    if (Array.from(character).length === 1 && !table.has(character)) table.set(character, bytes)
    return true
  }
  for (let byte = 0; byte < 256; byte++) if (!enter(Uint8Array.of(byte))) leads.push(byte)
  for (const lead of leads) for (let byte = 0x30; byte < 256; byte++) enter(Uint8Array.of(lead, byte))
  return table
}
