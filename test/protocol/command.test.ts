import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { command, describeCommand, encodeCommand, redact } from '../../src/protocol/command.ts'
import { ReplyParser } from '../../src/protocol/reply-parser.ts'
import { textCodec } from '../../src/protocol/text-codec.ts'
import { bytesOf, lineText } from './support.ts'

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

describe('encodeCommand', () => {
  it('writes verb, argument and CR LF', () => {
    expect(textOf(encodeCommand(command('noop'), bytesOf))).toBe('NOOP\r\n')
    expect(textOf(encodeCommand(command('RETR', ' a ü'), bytesOf))).toBe('RETR  a ü\r\n')
    expect(textOf(encodeCommand(command('PASS', ''), bytesOf))).toBe('PASS \r\n')
  })

  it('writes bytes as they are, 0xFF doubled for Telnet', () => {
    const encoded = encodeCommand(command('CWD', Uint8Array.of(0xfc, 0xff, 0x2f)), bytesOf)
    expect([...encoded]).toEqual([...bytesOf('CWD '), 0xfc, 0xff, 0xff, 0x2f, 0x0d, 0x0a])
  })

  it.each(['a\rb', 'a\nDELE b', 'a\0b', '\r\n'])('refuses %j, as text and as bytes', (argument) => {
    expect(() => encodeCommand(command('RETR', argument), bytesOf)).toThrow(TypeError)
    expect(() => encodeCommand(command('RETR', bytesOf(argument)), bytesOf)).toThrow(TypeError)
  })

  it('refuses a line end that only the encoder makes', () => {
    expect([...latin1('Ċ')]).toEqual([0x0a])
    expect(() => encodeCommand(command('RETR', 'aĊDELE b'), latin1)).toThrow(TypeError)
  })

  it.each(['', 'RETR a', 'RE\nTR', 'RÉTR', 'NOOP\r\nDELE'])('refuses the verb %j', (verb) => {
    expect(() => encodeCommand(command(verb), bytesOf)).toThrow(TypeError)
  })

  it('quotes no secret when it refuses', () => {
    for (const bad of [command('PASS', 'hunter2\n'), command('PASS hunter2'), command('SITE', 'hunter2\0')]) {
      expect(() => encodeCommand(bad, bytesOf)).toThrow(/^(?!.*hunter2)/i)
    }
  })

  it('nor says which character of a secret cannot be written', () => {
    const { encode } = textCodec('koi8-r')
    expect(() => encodeCommand(command('CWD', 'für'), encode)).toThrow(/ü/)
    for (const bad of [command('PASS', 'für'), command('SITE', 'PSWD ü', { secret: true })]) {
      expect(() => encodeCommand(bad, encode)).toThrow(/^(?!.*ü)/)
      expect(() => encodeCommand(bad, encode)).toThrow(TypeError)
    }
  })

  it('any argument without CR, LF and NUL goes out as one line that Telnet reads back', () => {
    const bytes = fc.uint8Array().map((values) => values.filter((byte) => ![0, 10, 13].includes(byte)))
    fc.assert(
      fc.property(bytes, (argument) => {
        const wire = encodeCommand(command('200', argument), bytesOf)
        expect(wire.filter((byte) => byte === 10)).toHaveLength(1)
        const [read] = new ReplyParser().push(wire)
        const expected = new ReplyParser().push(
          Uint8Array.from([...bytesOf('200 '), ...doubled(argument), 10]),
        )
        expect(read).toEqual(expected[0])
        expect(read?.code).toBe(200)
      }),
    )
  })
})

function doubled(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => (byte === 0xff ? [byte, byte] : byte))
}

describe('describeCommand', () => {
  it('shows a command printable and bounded', () => {
    expect(describeCommand(command('quit'))).toBe('QUIT')
    expect(describeCommand(command('RETR', 'a\x1b[2Jb'))).toBe('RETR a\\x1b[2Jb')
    expect(describeCommand(command('RETR', Uint8Array.of(0xe9)))).toBe('RETR \\xe9')
    expect(describeCommand(command('RETR', 'x'.repeat(9999))).length).toBeLessThan(600)
  })

  it.each([
    command('PASS', 'hunter2'),
    command('pass', bytesOf('hunter2')),
    command('ACCT', 'hunter2'),
    command('SITE', 'PSWD hunter2', { secret: true }),
  ])('%s shows its secret in no way', (secret) => {
    expect(JSON.parse(JSON.stringify(secret))).toMatch(/^[A-Z]{4} \*{4}$/)
    const anything: unknown = secret
    const shown = [
      describeCommand(secret),
      String(anything),
      JSON.stringify({ secret }),
      JSON.stringify({ ...secret }),
      inspect(secret, { showHidden: true, getters: true, depth: 9 }),
      inspect({ ...secret }, { showHidden: true }),
      inspect(new Error('x', { cause: secret })),
    ].join('\n')
    expect(secret.secret).toBe(true)
    expect(shown).toContain('****')
    expect(shown).not.toContain('hunter2')
    expect(shown).not.toContain('104, 117, 110')
  })
})

describe('redact', () => {
  it.each<[string, string, string[], string]>([
    ['everywhere', 'hunter2 or xhunter2y', ['hunter2'], '**** or x****y'],
    ['the longest first', 'password', ['pass', 'password'], '****'],
    ['pattern characters', 'a.c abc (x)*', ['a.c', '(x)*'], '**** abc ****'],
    ['an empty one hides nothing', 'abc', [''], 'abc'],
    ['a short one only alone', 'Password a is: a, é, aé', ['a', 'é'], 'Password **** is: ****, ****, aé'],
    ['replacement patterns mean nothing', 'abc', ['abc', '$&'], '****'],
    ['stars are not found again', 'abc', ['abc', '***'], '****'],
  ])('%s', (_name, text, secrets, expected) => {
    expect(redact(text, secrets)).toBe(expected)
  })

  it('leaves no secret of three characters or more in any text', () => {
    const secret = lineText.filter((text) => text.length >= 3 && !text.includes('*'))
    fc.assert(
      fc.property(lineText, secret, lineText, (before, hidden, after) => {
        expect(redact(before + hidden + after, [hidden])).not.toContain(hidden)
      }),
    )
  })
})
