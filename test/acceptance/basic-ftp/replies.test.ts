/** What basic-ftp's suite expects of replies (parseControlResponse, parsePasvResponse, and what reads values). */
import { describe, expect, it, test } from 'vitest'
import { FtpProtocolError } from '../../../src/errors.ts'
import { parseExtendedPassiveReply, parsePassiveReply } from '../../../src/protocol/endpoint.ts'
import { parseFeatures } from '../../../src/protocol/features.ts'
import { MAX_REPLY_LINE_BYTES } from '../../../src/protocol/limits.ts'
import { parsePathReply } from '../../../src/protocol/path.ts'
import type { Reply } from '../../../src/protocol/reply.ts'
import { parseSizeReply } from '../../../src/protocol/size.ts'
import { parseModificationTime } from '../../../src/protocol/time.ts'
import { parsed, replyIn } from './every-cut.ts'

const complete = (...replies: Reply[]): object => ({ replies, isUnfinished: false, failure: undefined })
const reply = (code: number, ...lines: string[]): Reply => ({ code, lines })

describe.each([
  ['CR LF', '\r\n'],
  ['LF', '\n'],
])('replies whose lines end with %s', (_name, end) => {
  const wire = (...lines: string[]): string => lines.map((line) => line + end).join('')

  it.each<[string, string[], Reply[]]>([
    ['one line', ['250 Done'], [reply(250, 'Done')]],
    ['one line and an empty one', ['250 Done', ''], [reply(250, 'Done')]],
    ['a code alone', ['250'], [reply(250, '')]],
    ['several lines', ['220-Hello', 'you', '220 there'], [reply(220, 'Hello', 'you', 'there')]],
    [
      'several lines, twice',
      ['220-Hello', 'you', '220 there', '331-Who', '331 goes'],
      [reply(220, 'Hello', 'you', 'there'), reply(331, 'Who', 'goes')],
    ],
    [
      'several lines without a word between, twice',
      ['250-Done', '250 Done', '250-Once', '250 more'],
      [reply(250, 'Done', 'Done'), reply(250, 'Once', 'more')],
    ],
    [
      'the first line of another reply among them',
      ['220-Hello', '230-you', '220 there', '331-Who', '331 goes'],
      [reply(220, 'Hello', '230-you', 'there'), reply(331, 'Who', 'goes')],
    ],
    [
      'their last line with a blank before it',
      ['220-Hello', ' 220 you', '220 there', '331-Who', '331 goes'],
      [reply(220, 'Hello', ' 220 you', 'there'), reply(331, 'Who', 'goes')],
    ],
    [
      'the code before each line, and alone in the last',
      ['250-One', '250-Two', '250-Three', '250'],
      [reply(250, 'One', '250-Two', '250-Three', '')],
    ],
    // basic-ftp drops blank lines; ours are kept within a reply, as a text may have paragraphs.
    ['an empty line within', ['214-Help', '', '214 over'], [reply(214, 'Help', '', 'over')]],
    ['empty lines before', ['', '', '211 no features'], [reply(211, 'no features')]],
  ])('%s', (_what, lines, replies) => {
    expect(parsed(wire(...lines))).toEqual(complete(...replies))
  })

  it('one that has not come to its end is waited for', () => {
    expect(parsed(wire('220-Hello', '230-you', '220 there', '331-Who'))).toEqual({
      ...complete(reply(220, 'Hello', '230-you', 'there')),
      isUnfinished: true,
    })
  })

  // basic-ftp takes a line without its end for whole, and so loses a reply that is cut in its last line.
  it('a line without its end is not taken for whole', () => {
    for (const line of ['250 Done', '250']) {
      expect(parsed(line)).toEqual({ ...complete(), isUnfinished: true })
      expect(parsed(line + end)).toMatchObject({ replies: [{ code: 250 }], isUnfinished: false })
    }
  })

  // basic-ftp reads over it, and may take the answer to one command for that to the next.
  it('a line that is no reply is a failure', () => {
    expect(parsed(wire('220 Hello', 'you', '220 there'))).toEqual({
      ...complete(reply(220, 'Hello')),
      failure: 'ERR_FTP_MALFORMED_REPLY',
    })
  })
})

test('a character of several bytes comes whole, however it is cut', () => {
  expect(replyIn('257 "/€/文件/🐙" is here\r\n').lines).toEqual(['"/€/文件/🐙" is here'])
})

// basic-ftp's bound is 64 KiB, and of the whole reply; ours are lower for a line and higher for a reply.
test('a line that does not end is a failure, wherever it is cut', () => {
  expect(parsed(`220-${'x'.repeat(MAX_REPLY_LINE_BYTES)}`)).toMatchObject({
    replies: [],
    failure: 'ERR_FTP_REPLY_TOO_LONG',
  })
})

describe('PASV', () => {
  test('the address and the port', () => {
    const wire = '227 Entering Passive Mode (192,0,2,41,10,229)\r\n'
    expect(parsePassiveReply(replyIn(wire))).toEqual({ host: '192.0.2.41', port: 2_789 })
  })

  test.each(['227 Entering Passive Mode (192,0,2,41,229)', '227 No address'])('%s is an error', (line) => {
    expectMalformed(() => parsePassiveReply(replyIn(`${line}\r\n`)), line)
  })
})

describe('EPSV', () => {
  // The second as IBM i (OS/400) writes it.
  test.each(['(|||6446|)', '(!!!6446!)'])('the port in %s', (text) => {
    const wire = `229 Entering Extended Passive Mode ${text}\r\n`
    expect(parseExtendedPassiveReply(replyIn(wire))).toEqual({ port: 6_446 })
  })

  test.each(['(!!6446!)', '(||6446|)', '', '(|||none|)'])('%j is an error', (text) => {
    const line = `229 Entering Extended Passive Mode ${text}`
    expectMalformed(() => parseExtendedPassiveReply(replyIn(`${line}\r\n`)), line.trim())
  })
})

describe('FEAT', () => {
  test('names and what stands behind them', () => {
    const wire = '\r\n211-What there is:\r\n MLST size*;modify*;\r\n SIZE\r\n211 End\r\n'
    const features = parseFeatures(replyIn(wire))
    expect(features.names).toEqual(['MLST', 'SIZE'])
    expect(features.names.map((name) => features.value(name))).toEqual(['size*;modify*;', ''])
  })

  test.each([
    ['211 There are none', true],
    ['500 Never heard of it', false],
  ])('%s', (line, listed) => {
    expect(parseFeatures(replyIn(`${line}\r\n`))).toMatchObject({ names: [], listed })
  })
})

describe('PWD', () => {
  test('the path in quotes', () => {
    expect(parsePathReply(replyIn('257 "/this/way" is where you are\r\n'))).toBe('/this/way')
  })

  // basic-ftp takes all between the first quote and the last, and leaves doubled ones as they are.
  test('quotes in a path, and behind it', () => {
    expect(parsePathReply(replyIn('257 "/a ""b""/c" is "here"\r\n'))).toBe('/a "b"/c')
  })
})

describe('SIZE', () => {
  test('bytes', () => expect(parseSizeReply(replyIn('213 6666\r\n'))).toBe(6_666))

  // basic-ftp takes the number before a remark, which would be 5 of 5,555.
  test.each(['213 5555, more or less', '213 5,555', '213 (unknown)'])('%s tells none', (line) => {
    expect(parseSizeReply(replyIn(`${line}\r\n`))).toBeUndefined()
  })

  // basic-ftp rounds it.
  test('one that no number holds is an error', () => {
    expectMalformed(() => parseSizeReply(replyIn('213 9007199254740993\r\n')), '9007199254740993')
  })
})

describe('MDTM', () => {
  test.each([
    ['213 19991005213102', '1999-10-05T21:31:02.000Z'],
    ['213 19991005213102.014', '1999-10-05T21:31:02.014Z'],
    ['213 19951217032400', '1995-12-17T03:24:00.000Z'],
  ])('%s', (line, expected) => {
    const [text = ''] = replyIn(`${line}\r\n`).lines
    expect(parseModificationTime(text)?.time.toISOString()).toBe(expected)
  })

  // basic-ftp gives an invalid Date.
  test('a text that is no time tells none', () => {
    expect(parseModificationTime(replyIn('213 (none)\r\n').lines[0] ?? '')).toBeUndefined()
  })
})

function expectMalformed(parse: () => unknown, received: string): void {
  expect(parse).toThrow(FtpProtocolError)
  expect(parse).toThrow(expect.objectContaining({ code: 'ERR_FTP_MALFORMED_REPLY' }))
  expect(parse).toThrow(received.replace(/^\d+ /, ''))
}
