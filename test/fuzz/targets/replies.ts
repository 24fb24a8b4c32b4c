/** The reply parser, and what reads single replies: the same for all cuts, and no error but a typed one. */
import { FtpProtocolError } from '../../../src/errors.ts'
import { parseAnyPassiveReply } from '../../../src/protocol/endpoint.ts'
import { parseFeatures } from '../../../src/protocol/features.ts'
import { parsePathReply } from '../../../src/protocol/path.ts'
import { ReplyParser } from '../../../src/protocol/reply-parser.ts'
import { replyText, type Reply } from '../../../src/protocol/reply.ts'
import { parseSizeReply } from '../../../src/protocol/size.ts'
import { parseModificationTime } from '../../../src/protocol/time.ts'
import type { Random } from '../random.ts'
import { bytesOf, type Target } from '../target.ts'

interface Parsed {
  readonly replies: readonly Reply[]
  readonly failure: string | undefined
  readonly midReply: boolean
}

type Parse = (pieces: readonly Uint8Array[]) => Parsed

function parse(pieces: readonly Uint8Array[]): Parsed {
  const parser = new ReplyParser({ decode: (bytes) => Buffer.from(bytes).toString('latin1') })
  const replies: Reply[] = []
  for (const piece of pieces) {
    if (parser.failure !== undefined) break
    // A chunk is good for the call only: its memory is read into again.
    const chunk = Uint8Array.from(piece)
    replies.push(...parser.push(chunk))
    chunk.fill(0x21)
  }
  const failure = parser.failure?.message
  return { replies, failure, midReply: failure === undefined && parser.midReply }
}

/** Loses the last reply, where its line is cut right before its LF and there were lines before. */
const parsePlanted: Parse = (pieces) => {
  const parsed = parse(pieces)
  const last = parsed.replies.at(-1)
  if (last === undefined || last.lines.length < 3) return parsed
  const isCutThere = pieces.some((piece) => piece[0] === 0x0a)
  return isCutThere && last.code >= 200 ? { ...parsed, replies: parsed.replies.slice(0, -1) } : parsed
}

function check(subject: Parse, input: Uint8Array, random: Random): void {
  const whole = subject([input])
  const cut = subject(random.pieces(input))
  if (JSON.stringify(cut) !== JSON.stringify(whole)) throw new Error('cut anywhere, it is something else')
  for (const reply of whole.replies) {
    if (reply.code < 100 || reply.code > 599 || reply.lines.length === 0) throw new Error('no reply')
    sameAgain(subject, reply)
    for (const read of READERS) typed(() => read(reply))
  }
}

/** Written as a server would, it is read as the same. */
function sameAgain(subject: Parse, reply: Reply): void {
  const { code, lines } = reply
  const [first = '', ...rest] = lines
  const last = rest.pop()
  const text =
    last === undefined ? `${code} ${first}` : [`${code}-${first}`, ...rest, `${code} ${last}`].join('\r\n')
  // A byte 0xFF in front of what could be a command of Telnet has to be doubled.
  const written = Buffer.from(`${text.replaceAll('\xff', '\xff\xff')}\r\n`, 'latin1')
  const again = subject([written])
  if (JSON.stringify(again.replies) !== JSON.stringify([reply]))
    throw new Error('written again, it is something else')
}

const READERS: readonly ((reply: Reply) => unknown)[] = [
  parseAnyPassiveReply,
  (reply) => parseAnyPassiveReply({ ...reply, code: 227 }),
  (reply) => parseAnyPassiveReply({ ...reply, code: 229 }),
  (reply) => parsePathReply({ ...reply, code: 257 }),
  (reply) => parseSizeReply({ ...reply, code: 213 }),
  (reply) => parseFeatures({ ...reply, code: 211 }).names,
  (reply) => parseModificationTime(replyText(reply)),
]

function typed(run: () => unknown): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof FtpProtocolError)) throw error
  }
}

export const replies: Target = {
  name: 'replies',
  seeds: [
    '220 Ready\r\n',
    '220-Welcome\r\n220-to this\r\n 220 and that\r\n220 Ready\r\n331 Password\r\n',
    '227 Entering Passive Mode (127,0,0,1,200,13)\r\n229 Extended (|||51213|)\r\n',
    '257 "/a ""b"" c" is it\n213 12345\r\n213 20240229123456.789\r\r\n',
    '211-Features:\r\n MDTM\r\n REST STREAM\r\n UTF8\r\n211 End\r\n',
    '226\r\n426 \r\n150-\r\n\r\n150\r\n',
  ].map(bytesOf),
  words: ['\r\n', '\n', '220-', '220 ', '226', '150 ', '(|||', '|)', '"', '""', '127,0,0,1,'],
  check: (input, random) => check(parse, input, random),
  checkPlanted: (input, random) => check(parsePlanted, input, random),
  planted: 'a reply of several lines is lost where its end is cut between CR and LF',
}
