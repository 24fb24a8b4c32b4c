/** The checksum of a file as its server makes it, by whichever command the server has for the algorithm. */
import { replyError } from '../connection/reply-error.ts'
import {
  algorithmNamed,
  checksumCommands,
  checksumDeadline,
  checksumPaths,
  parseDigestReply,
  parseHashReply,
  type ChecksumAlgorithm,
  type ChecksumCommand,
  type HashAnswer,
} from '../protocol/checksum.ts'
import { command, type Command } from '../protocol/command.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { isCompletion, isIntermediate, type Reply } from '../protocol/reply.ts'
import { size } from './facts.ts'
import { countingOf } from './range-counting.ts'
import type { RemotePath, Session } from './session.ts'

/** @default 60_000, and 1_000 more for each 20 MB */
const CHECKSUM_TIMEOUT_MS = 60_000

export interface ChecksumRequest {
  /** The first byte that counts. @default 0 */
  readonly start?: number | undefined
  /** The byte behind the last one that counts. @default the end of the file */
  readonly end?: number | undefined
  /** The size of the file in bytes, where it is known already; asked for otherwise. */
  readonly size?: number | undefined
  /** How long the server may be silent over an empty file, in milliseconds. @default CHECKSUM_TIMEOUT_MS */
  readonly timeoutMs?: number | undefined
  /** Cuts the session: a reply is outstanding. */
  readonly signal?: AbortSignal | undefined
}

/** Half-open, and a true part of the file. */
interface Range {
  readonly start: number
  readonly end: number
}

/** What is the same for every command that is tried. */
interface Question {
  readonly session: Session
  readonly path: Uint8Array
  readonly algorithm: ChecksumAlgorithm
  readonly size: number | undefined
  readonly range: Range | undefined
  readonly deadlineMs: number
}

/** `'unable'`: this command does not do it, another may. `'refused'`: no command will. */
type Answer = { readonly value: string } | 'unable' | 'refused'

/** Not known, not implemented, not so; as opposed to "not this file" and "not now". */
const NOT_IMPLEMENTED: ReadonlySet<number> = new Set([500, 501, 502, 503, 504])

const utf8 = new TextEncoder()

/**
 * The checksum of the file, or of the part from `start` to `end`, in lower-case hexadecimal. `undefined` where
 * the server cannot tell: no such command, none that does parts, no such file, busy, or an answer that is none.
 * An algorithm that had to be selected (`OPTS HASH`) is put back, whatever happened.
 *
 * Rejects when the connection is lost, or the server is silent for too long (`ERR_FTP_TIMEOUT`, phase
 * `'checksum'`), with the signal's reason, or with a RangeError for a part that is none.
 */
export async function checksumOf(
  session: Session,
  path: RemotePath,
  algorithm: ChecksumAlgorithm,
  request: ChecksumRequest = {},
): Promise<string | undefined> {
  expectRange(request)
  const commands = checksumCommands(session.profile.features ?? NO_FEATURES, algorithm)
  if (commands.length === 0) return undefined
  request.signal?.throwIfAborted()
  return await session.abortable(request.signal, async () => {
    const question = await posed(session, path, algorithm, request)
    if (question === undefined) return undefined
    for (const way of commands) {
      const answer = way.verb === 'HASH' ? await byHash(question, way) : await byVerb(question, way.verb)
      if (answer === 'refused') return undefined
      if (answer !== 'unable') return answer.value
    }
    return undefined
  })
}

function expectRange({ start = 0, end = Infinity }: ChecksumRequest): void {
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
  if (isWhole(start) && (end === Infinity || isWhole(end)) && start < end) return
  throw new RangeError(`No part of a file reaches from byte ${start} to byte ${end}`)
}

/** `undefined` for a part that is not in the file, or whose end is unknown. */
async function posed(
  session: Session,
  path: RemotePath,
  algorithm: ChecksumAlgorithm,
  { start = 0, end, size: told, timeoutMs = CHECKSUM_TIMEOUT_MS }: ChecksumRequest,
): Promise<Question | undefined> {
  await session.setType('I') // Some servers would hash the converted text.
  const whole = told ?? (await size(session, path))
  const stop = end ?? whole
  const isWhole = start === 0 && stop === whole
  if (!isWhole && (stop === undefined || start >= stop || stop > (whole ?? Infinity))) return undefined
  return {
    session,
    path: typeof path === 'string' ? session.control.codec.encode(path) : path,
    algorithm,
    size: whole,
    range: isWhole || stop === undefined ? undefined : { start, end: stop },
    // A server that does not tell the size gets as much more as it takes to read the part that is meant.
    deadlineMs: checksumDeadline(timeoutMs, whole ?? stop ?? 0),
  }
}

/** An answer to `sent`, which may take as long as the reading of the whole file. */
async function ask({ session, deadlineMs }: Question, sent: Command): Promise<Reply> {
  const reply = await session.request(sent, deadlineMs, 'checksum')
  if (reply.code === 421) throw replyError(reply, session.control.label, sent)
  return reply
}

function denial(reply: Reply): 'unable' | 'refused' {
  return isCompletion(reply) || NOT_IMPLEMENTED.has(reply.code) ? 'unable' : 'refused'
}

/** XCRC and its like, MD5 and MMD5. */
async function byVerb(question: Question, verb: Exclude<ChecksumCommand['verb'], 'HASH'>): Promise<Answer> {
  const { session, algorithm, path, range } = question
  const name = session.control.codec.decode(path)
  let denied: 'unable' | 'refused' = 'unable'
  for (const form of checksumPaths(verb, path)) {
    const digestOf = async (part: string): Promise<string | undefined> => {
      const reply = await ask(question, command(verb, Uint8Array.of(...form, ...utf8.encode(part))))
      denied = denial(reply)
      return parseDigestReply(reply, algorithm, name)
    }
    const part = range === undefined ? '' : await partOf(range, verb, algorithm, digestOf)
    const value = part === undefined ? undefined : await digestOf(part)
    if (value !== undefined) return { value }
  }
  return denied
}

/** What stands behind the path for a part of the file; `undefined` where the command does no parts. */
async function partOf(
  { start, end }: Range,
  verb: ChecksumCommand['verb'],
  algorithm: ChecksumAlgorithm,
  digestOf: (part: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  if (verb === 'MD5' || verb === 'MMD5') return undefined // draft-twine-ftpmd5-00 knows whole files only.
  const counting = await countingOf(algorithm, (from, to) => digestOf(` ${from} ${to}`), start)
  return counting && ` ${start} ${counting === 'exclusive' ? end : end - 1}`
}

type ByHash = Extract<ChecksumCommand, { verb: 'HASH' }>

/**
 * HASH with the algorithm in force if it is the right one. The star in FEAT is as old as the login of some
 * session; the answer names its algorithm and so tells if it is out of date.
 */
async function byHash(question: Question, way: ByHash): Promise<Answer> {
  const { session, algorithm } = question
  let former = way.current ?? (await currentHash(session))
  if (former !== undefined && algorithmNamed(former) === algorithm) {
    const answer = await hashed(question)
    if (typeof answer === 'string' || algorithmNamed(answer.name) === algorithm)
      return judged(question, answer)
    former = answer.name
  }
  if (!isCompletion(await session.request(command('OPTS', `HASH ${way.name}`)))) return 'unable'
  try {
    return judged(question, await hashed(question))
  } finally {
    if (former !== undefined && session.control.isOpen)
      await session.request(command('OPTS', `HASH ${former}`))
  }
}

/** draft-bryan-ftpext-hash-02 §3.2: without a name it tells the one in force. */
async function currentHash(session: Session): Promise<string | undefined> {
  const reply = await session.request(command('OPTS', 'HASH'))
  const [, name] = /^([\w./,-]+)\s*$/.exec(reply.lines.at(-1) ?? '') ?? []
  return isCompletion(reply) ? name : undefined
}

/** One HASH, of the part that is asked for where there is one. */
async function hashed(question: Question): Promise<HashAnswer | 'unable' | 'refused'> {
  const { session, range, path } = question
  if (range === undefined) return await hashNow(question, command('HASH', path))
  if (session.profile.features?.has('RANG') !== true) return 'unable'
  const { start, end } = range
  const chosen = await session.request(command('RANG', `${start} ${end - 1}`))
  if (!isIntermediate(chosen) && !isCompletion(chosen)) return 'unable'
  try {
    return await hashNow(question, command('HASH', path))
  } finally {
    await resetRange(session)
  }
}

async function hashNow(question: Question, sent: Command): Promise<HashAnswer | 'unable' | 'refused'> {
  const reply = await ask(question, sent)
  return parseHashReply(reply) ?? denial(reply)
}

/** A range that stays (ProFTPD keeps it behind a HASH) would cut the next file that is fetched. */
async function resetRange(session: Session): Promise<void> {
  if (!session.control.isOpen) return
  const reset = command('RANG', '1 0') // draft-bryan-ftp-range-08
  const reply = await session.request(reset)
  if (isIntermediate(reply) || isCompletion(reply)) return
  session.destroy(replyError(reply, session.control.label, reset))
}

/** ProFTPD takes RANG and hashes the whole file all the same; what it hashed stands in its answer. */
function judged(
  { algorithm, range, size: whole }: Question,
  answer: HashAnswer | 'unable' | 'refused',
): Answer {
  if (typeof answer === 'string') return answer
  const { name, value, range: told } = answer
  if (algorithmNamed(name) !== algorithm) return 'unable'
  if (range !== undefined)
    return told?.start === range.start && told.end === range.end - 1 ? { value } : 'unable'
  if (told === undefined) return { value }
  // The last byte, as the draft counts, or the one behind it, as ProFTPD does.
  const isToEnd = whole === undefined || told.end === whole || told.end === whole - 1
  return told.start === 0 && isToEnd ? { value } : 'unable'
}
