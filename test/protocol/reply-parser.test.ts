import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FtpProtocolError } from '../../src/errors.ts'
import { MAX_REPLY_BYTES, MAX_REPLY_LINES, MAX_REPLY_LINE_BYTES } from '../../src/protocol/limits.ts'
import { ReplyParser } from '../../src/protocol/reply-parser.ts'
import type { Reply } from '../../src/protocol/reply.ts'
import { textCodec } from '../../src/protocol/text-codec.ts'
import { anyReply, bytesOf, cutAt, cuts, reply, wireReply } from './support.ts'

/** Everything that comes of `chunks`: the replies, and the failure behind them. */
function parse(
  chunks: readonly Uint8Array[],
  parser: ReplyParser = new ReplyParser(),
): { replies: Reply[]; failure: FtpProtocolError | undefined } {
  const replies: Reply[] = []
  for (const chunk of chunks) {
    if (parser.failure !== undefined) expect(() => parser.push(chunk)).toThrow(parser.failure)
    else replies.push(...parser.push(chunk))
  }
  return { replies, failure: parser.failure }
}

const parseText = (text: string): Reply[] => new ReplyParser().push(bytesOf(text))
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))

describe('replies as servers send them', () => {
  it.each<[string, string, Reply[]]>([
    ['one line', '226 Transfer complete.\r\n', [reply(226, 'Transfer complete.')]],
    ['a bare LF', '226 Transfer complete.\n', [reply(226, 'Transfer complete.')]],
    ['CR CR LF', '226 ok\r\r\n', [reply(226, 'ok')]],
    ['no text', '226\r\n226 \r\n', [reply(226, ''), reply(226, '')]],
    ['several lines', '220-Welcome\r\nto us\r\n220 go\r\n', [reply(220, 'Welcome', 'to us', 'go')]],
    ['the code before every line', '230-a\r\n230-b\r\n230 c\r\n', [reply(230, 'a', '230-b', 'c')]],
    ['a last line without text', '211-a\r\n211\r\n', [reply(211, 'a', '')]],
    ['a blank before the code is no end', '211-a\r\n 211 b\r\n211 c\r\n', [reply(211, 'a', ' 211 b', 'c')]],
    ['another code is no end', '226-a\r\n200 b\r\n226 c\r\n', [reply(226, 'a', '200 b', 'c')]],
    ['the code and no blank is no end', '211-a\r\n2110 b\r\n211 c\r\n', [reply(211, 'a', '2110 b', 'c')]],
    ['an empty line within', '220-a\r\n\r\n220 b\r\n', [reply(220, 'a', '', 'b')]],
    ['empty lines between', '\r\n200 a\r\n\n \r\n200 b\r\n', [reply(200, 'a'), reply(200, 'b')]],
    ['several at once', '150 a\r\n226 b\r\n', [reply(150, 'a'), reply(226, 'b')]],
    ['a NUL in the text', '200 a\0b\r\n', [reply(200, 'a\0b')]],
    ['a CR in the text', '200 a\rb\r\n', [reply(200, 'a\rb')]],
  ])('%s', (_name, text, replies) => {
    expect(parseText(text)).toEqual(replies)
  })

  it('keeps what is not in the encoding as bytes, and only that', () => {
    const chunks = [bytesOf('257-Grüße\r\n'), latin1('Gr\xfc\xdfe\r\n'), bytesOf('257 é\r\n')]
    expect(parse(chunks).replies).toEqual([reply(257, 'Grüße', 'Gr\udcfc\udcdfe', 'é')])
  })

  it('reads other encodings', () => {
    const shiftJis = Uint8Array.from([...bytesOf('250 '), 0x93, 0xfa, 0x96, 0x7b, 0x0a])
    expect(new ReplyParser(textCodec('shift_jis')).push(shiftJis)).toEqual([reply(250, '日本')])
  })

  it('tells whether it is in the middle of a reply', () => {
    const parser = new ReplyParser()
    const trail = ['2', '20-a\r\n', 'b\r\n', '220', ' \n', '\xff'].map((text) => {
      parser.push(latin1(text))
      return parser.midReply
    })
    expect(trail).toEqual([true, true, true, true, false, true])
  })

  it('keeps nothing of a chunk that its owner reuses', () => {
    const parser = new ReplyParser()
    const chunk = bytesOf('220 wel')
    parser.push(chunk)
    chunk.fill(0x78)
    expect(parser.push(bytesOf('come\r\n'))).toEqual([reply(220, 'welcome')])
  })
})

describe('Telnet sequences (RFC 854)', () => {
  it.each([
    ['IAC IAC is one byte', '200 a\xff\xffb\r\n', 'a\udcffb'],
    ['options are dropped', '200 a\xff\xfb\x01\xff\xfc\x0a\xff\xfd\xff\xff\xfe\x03b\r\n', 'ab'],
    ['other commands are dropped', '200 a\xff\xf1\xff\xf9b\r\n', 'ab'],
    ['an undoubled ÿ is text', '200 "/\xff" is\r\n', '"/\udcff" is'],
  ])('%s, wherever it is cut', (_name, text, expected) => {
    const bytes = latin1(text)
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse(cutAt(bytes, [at])).replies).toEqual([reply(200, expected)])
    }
  })
})

describe('what is no reply', () => {
  it.each([
    'SSH-2.0-OpenSSH_9.2\r\n',
    '22 short\r\n',
    '2200 long\r\n',
    '220text\r\n',
    '220\ttab\r\n',
    '020 zero\r\n',
    '600 six\r\n',
    ' 220 blank\r\n',
    '2x0 no\r\n',
    '\x16\x03\x01\n',
  ])('%j is malformed', (text) => {
    const parser = new ReplyParser()
    expect(parser.push(bytesOf(text))).toEqual([])
    expect(parser.failure).toMatchObject({ code: 'ERR_FTP_MALFORMED_REPLY' })
    expect(parser.failure).toBeInstanceOf(FtpProtocolError)
    expect(() => parser.push(bytesOf('220 late repentance\r\n'))).toThrow(parser.failure)
  })

  it('loses no reply before it in the same chunk', () => {
    const parser = new ReplyParser()
    expect(parser.push(bytesOf('150 a\r\n226 b\r\nrubbish\r\n220 c\r\n'))).toEqual([
      reply(150, 'a'),
      reply(226, 'b'),
    ])
    expect(parser.failure).toMatchObject({ code: 'ERR_FTP_MALFORMED_REPLY', received: 'rubbish' })
    expect(() => parser.push(new Uint8Array())).toThrow(parser.failure)
  })

  it('shows its bounded, printable beginning, without secrets', () => {
    const secret = 'hunter2'.repeat(40)
    const parser = new ReplyParser({ redact: (text) => text.replaceAll(secret, '****') })
    parser.push(bytesOf(`\x1b[2J ${secret} ${'x'.repeat(1000)}\n`))
    expect(parser.failure?.received).toMatch(/^\\x1b\[2J \*{4} x+…$/)
    expect(parser.failure?.received?.length).toBeLessThan(210)
    expect(parser.failure?.message).not.toContain('hunter2')
  })
})

describe('caps', () => {
  const failureOf = (chunks: readonly string[]): string | undefined =>
    parse(chunks.map(bytesOf)).failure?.code

  it('a line', () => {
    const rest = MAX_REPLY_LINE_BYTES - '200 '.length
    expect(failureOf([`200 ${'x'.repeat(rest)}\n`])).toBeUndefined()
    expect(failureOf([`200 ${'x'.repeat(rest + 1)}\n`])).toBe('ERR_FTP_REPLY_TOO_LONG')
    expect(failureOf(Array.from({ length: rest }, () => 'x'))).toBeUndefined()
    expect(failureOf(['x'.repeat(rest), 'xxxx', 'x'])).toBe('ERR_FTP_REPLY_TOO_LONG')
  })

  it('lines of a reply', () => {
    const lines = (count: number): string[] => ['220-\n', '\n'.repeat(count - 2), '220 \n']
    expect(failureOf(lines(MAX_REPLY_LINES))).toBeUndefined()
    expect(failureOf(lines(MAX_REPLY_LINES + 1))).toBe('ERR_FTP_REPLY_TOO_LONG')
  })

  it('bytes of a reply', () => {
    const line = `${'x'.repeat(1023)}y\n`
    const fits = MAX_REPLY_BYTES / 1024 - 1
    expect(failureOf(['220-\n', line.repeat(fits), '220 \n'])).toBeUndefined()
    expect(failureOf(['220-\n', line.repeat(fits + 1), '220 \n'])).toBe('ERR_FTP_REPLY_TOO_LONG')
  })
})

describe('properties', () => {
  it('replies written, cut anywhere and parsed are the same replies', () => {
    fc.assert(
      fc.property(fc.array(anyReply), fc.constantFrom('\r\n', '\n'), cuts, (replies, lineEnd, positions) => {
        const wire = bytesOf(replies.map((each) => wireReply(each, lineEnd)).join(''))
        const parser = new ReplyParser()
        expect(parse(cutAt(wire, positions), parser)).toEqual({ replies, failure: undefined })
        expect(parser.midReply).toBe(false)
      }),
    )
  })

  it('any bytes give the same replies and the same failure, however they are cut', () => {
    const likely = fc.constantFrom(...latin1('12345 -\r\n\0x\xff\xfb\xf1'))
    const bytes = fc.array(fc.oneof(likely, fc.nat(255))).map((values) => Uint8Array.from(values))
    fc.assert(
      fc.property(bytes, cuts, (input, positions) => {
        const whole = parse([input])
        const cut = parse(cutAt(input, positions))
        expect(cut.replies).toEqual(whole.replies)
        expect([cut.failure?.code, cut.failure?.received]).toEqual([
          whole.failure?.code,
          whole.failure?.received,
        ])
      }),
      { numRuns: 2000 },
    )
  })
})

describe('work', () => {
  afterEach(() => void vi.restoreAllMocks())

  /** Bytes copied and bytes searched while `chunks` are parsed: counted, as a clock would be a guess. */
  function workOf(chunks: readonly Uint8Array[]): number {
    const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
    const { set, indexOf } = typedArray as unknown as {
      set: (this: Uint8Array, source: ArrayLike<number>, at?: number) => void
      indexOf: (this: Uint8Array, value: number, from?: number) => number
    }
    let work = 0
    vi.spyOn(typedArray, 'set').mockImplementation(function (this: Uint8Array, source, at) {
      work += source.length
      set.call(this, source, at)
    })
    vi.spyOn(typedArray, 'indexOf').mockImplementation(function (this: Uint8Array, value, from = 0) {
      const found = indexOf.call(this, value, from)
      work += (found < 0 ? this.length : found) - from
      return found
    })
    const parser = new ReplyParser()
    for (const chunk of chunks) parser.push(chunk)
    vi.restoreAllMocks()
    return work
  }

  it('is linear, byte by byte or all at once', () => {
    const wire = bytesOf(`220-${'x'.repeat(15_000)}\r\n${`${'y'.repeat(50)}\r\n`.repeat(1500)}220 \r\n`)
    expect(workOf([wire])).toBeLessThanOrEqual(wire.length)
    expect(workOf(Array.from(wire, (byte) => Uint8Array.of(byte)))).toBeLessThanOrEqual(5 * wire.length)
  })
})
