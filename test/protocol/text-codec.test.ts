import fc from 'fast-check'
import { describe, expect, it, test, vi } from 'vitest'
import { textCodec, UTF_8 } from '../../src/protocol/text-codec.ts'

interface Sample {
  readonly label: string
  /** Text, and what it is in that encoding by its standard, in hexadecimal. */
  readonly text: string
  readonly bytes: string
  /** A character that the encoding lacks. */
  readonly lacks: string
  /** Bytes that are no text in it. */
  readonly broken: string
}

const SAMPLES: readonly Sample[] = [
  { label: 'utf-8', text: 'é€🐙', bytes: 'c3a9e282acf09f9099', lacks: '\ud800', broken: 'e282' },
  { label: 'windows-1252', text: 'é€ Œuvre ÿ', bytes: 'e980208c7576726520ff', lacks: 'ж', broken: '' },
  { label: 'iso-8859-2', text: 'łódź', bytes: 'b3f364bc', lacks: 'ж', broken: '' },
  { label: 'koi8-r', text: 'файл', bytes: 'c6c1cacc', lacks: 'é', broken: '' },
  // The second bytes of both are a backslash.
  { label: 'shift_jis', text: '表ソ', bytes: '955c835c', lacks: '🐙', broken: 'ff80a0' },
  { label: 'gbk', text: '中文', bytes: 'd6d0cec4', lacks: '🐙', broken: 'd6ff' },
  { label: 'big5', text: '許功', bytes: 'b35ca55c', lacks: 'é', broken: 'b3ff' },
  { label: 'euc-kr', text: '한글', bytes: 'c7d1b1db', lacks: 'é', broken: 'c7ff' },
  { label: 'euc-jp', text: '表ソ', bytes: 'c9bda5bd', lacks: '🐙', broken: 'c9ff' },
  { label: 'gb18030', text: '中文', bytes: 'd6d0cec4', lacks: '\udfff', broken: 'd6ff' },
]

const LABELS = SAMPLES.map(({ label }) => label)

/** The codec's tables are made once. */
const CODECS = new Map(LABELS.map((label) => [label, textCodec(label)]))

const codecFor = (label: string): typeof UTF_8 => CODECS.get(label) ?? textCodec(label)

/** All that one and two bytes can mean: what the text of a name can be made of. */
function charactersOf(label: string): string[] {
  if (label === 'utf-8') return ['a', 'é', '€', '表', '🐙', '\u0301']
  const { decode } = codecFor(label)
  const known = new Set<string>()
  for (let first = 0x20; first < 256; first++) {
    for (const second of first < 0x80 ? [0x20] : range(0x20, 256)) {
      for (const character of decode(Uint8Array.of(first, second))) known.add(character)
    }
  }
  return [...known].filter((character) => !/\p{Surrogate}/u.test(character))
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index)
}

/** Bytes as they are, those of multi-byte encodings more often than not. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
)

describe.each(SAMPLES)('$label', ({ label, text, bytes, lacks, broken }) => {
  const codec = codecFor(label)

  it('reads and writes what its standard says', () => {
    expect(codec.label).toBe(label)
    expect(codec.decode(Buffer.from(bytes, 'hex'))).toBe(text)
    expect(Buffer.from(codec.encode(text)).toString('hex')).toBe(bytes)
  })

  it('ASCII is ASCII, control characters included', () => {
    const ascii = Uint8Array.from(range(0, 0x80))
    expect(codec.decode(ascii)).toBe(String.fromCharCode(...ascii))
    expect([...codec.encode(codec.decode(ascii))]).toEqual([...ascii])
  })

  it('whatever bytes a name has, they go out again', () => {
    fc.assert(
      fc.property(anyBytes, (name) => {
        expect(Buffer.from(codec.encode(codec.decode(name))).equals(name)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
    for (const first of range(0, 256)) {
      for (const second of range(0, 256)) {
        const name = Uint8Array.of(first, second)
        const again = codec.encode(codec.decode(name))
        if (Buffer.compare(again, name) !== 0) expect([...again]).toEqual([...name])
      }
    }
  })

  it('text of characters that it has comes back', () => {
    const characters = charactersOf(label)
    expect(characters.length).toBeGreaterThan(label === 'utf-8' ? 5 : 190)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters), { maxLength: 30 }), (parts) => {
        const name = parts.join('')
        expect(codec.decode(codec.encode(name))).toBe(name)
      }),
      { numRuns: 300 },
    )
  })

  it('between text, what is none is kept', () => {
    const middle = Buffer.from(broken, 'hex')
    const name = Buffer.concat([Buffer.from(bytes, 'hex'), middle, Buffer.from(bytes, 'hex')])
    expect(codec.decode(name).startsWith(text)).toBe(true)
    expect(codec.decode(name).endsWith(text)).toBe(true)
    expect(Buffer.from(codec.encode(codec.decode(name))).equals(name)).toBe(true)
  })

  it('a character that it lacks is an error, and not another character', () => {
    for (const missing of [lacks, '\ud800', '\udc41', '\udfff']) {
      expect(() => codec.encode(`a${missing}b`)).toThrow(TypeError)
    }
  })

  it('its work is linear', () => {
    for (const unit of [bytes + broken, 'ff', '81', 'e9', '41ff']) {
      const small = workOf(() => codec.encode(codec.decode(Buffer.alloc(4_000, unit, 'hex'))))
      const large = workOf(() => codec.encode(codec.decode(Buffer.alloc(8_000, unit, 'hex'))))
      expect(small).toBeGreaterThan(0)
      expect(large).toBeLessThan(2.1 * small + 1_000)
    }
  })
})

/** Look-ups, and bytes that are handed to a decoder: what a name that is tried again and again would cost. */
function workOf(run: () => void): number {
  let work = 0
  const lookUps = vi.spyOn(Map.prototype, 'get')
  const decodings = vi.spyOn(TextDecoder.prototype, 'decode')
  run()
  work += lookUps.mock.calls.length
  for (const [input] of decodings.mock.calls) work += 1 + (input?.byteLength ?? 0)
  vi.restoreAllMocks()
  return work
}

test('other names of an encoding, in whatever case', () => {
  expect(textCodec('Latin1').label).toBe('windows-1252')
  expect(textCodec('SJIS').label).toBe('shift_jis')
  expect(textCodec('UTF8')).toBe(UTF_8)
})

test.each(['utf-16', 'utf-16le', 'utf-16be', 'iso-2022-jp', 'x-user-defined', 'hz-gb-2312', 'ebcdic', ''])(
  '%j is refused',
  (label) => {
    expect(() => textCodec(label)).toThrow(RangeError)
    expect(() => textCodec(label)).toThrow(/"encoding"/)
  },
)

test('the rarest characters of GB 18030 and of EUC-JP are kept as their bytes, and cannot be written', () => {
  for (const [label, bytes] of [
    ['gb18030', '8130813094328230'],
    ['euc-jp', '8fb0a1'],
  ] as const) {
    const name = Buffer.from(bytes, 'hex')
    const { decode, encode } = textCodec(label)
    expect(Buffer.from(encode(decode(name))).equals(name)).toBe(true)
    expect(() => encode('丂\u0080🐙')).toThrow(TypeError)
  }
})
