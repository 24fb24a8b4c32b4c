/**
 * What is known of one file or directory: by MLST (RFC 3659 §7), else by SIZE and MDTM, else by what the directory
 * above says of it.
 */
import { FtpReplyError } from '../errors.ts'
import { entryOf, type Entry } from '../listing/entry.ts'
import { parseListing } from '../listing/parse-listing.ts'
import { command } from '../protocol/command.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { parseSizeReply } from '../protocol/size.ts'
import { parseModificationTime } from '../protocol/time.ts'
import { inOneBurst, takesBursts } from '../session/bursts.ts'
import { modificationTime, size } from '../session/facts.ts'
import { isDirectory } from '../session/is-directory.ts'
import { meaningOf, refusal } from '../session/refusal.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { Calls } from './calls.ts'
import { ListingSize } from './listing-size.ts'
import { directoryOf, lastName } from './paths.ts'

/** Rejects with `ERR_FTP_NOT_FOUND` where nothing is. */
export async function stat(calls: Calls, path: RemotePath, shownPath: string): Promise<Entry> {
  const known = await calls.ask(async (session) => {
    const { profile, control } = session
    const answer = profile.features?.has('MLST') === true ? await byMachine(session, path) : 'no answer'
    if (answer !== 'no answer') return { entry: answer, isAll: true, host: control.label }
    return { entry: await byQuestions(session, path), isAll: false, host: control.label }
  })
  if (known.entry !== undefined) return known.entry
  const listed = known.isAll ? undefined : await byListing(calls, path)
  if (listed === undefined) throw notFound(shownPath, known.host)
  return listed
}

async function byQuestions(session: Session, path: RemotePath): Promise<Entry | undefined> {
  if (session.profile.bursts !== 'fail') return byBurst(session, path)
  const name = lastName(path, session.control.codec)
  // Some servers tell the size of a directory as well.
  if (await isDirectory(session, path)) return entryOf({ name, type: 'directory', raw: '' })
  const bytes = await size(session, path)
  if (bytes === undefined) return undefined
  const time = await modificationTime(session, path)
  const modified = time && ({ time, precision: 'second' } as const)
  return entryOf({ name, type: 'file', size: bytes, modified, raw: '' })
}

/** A server that drops what comes behind a command it has not answered yet is told by its silence. */
const TRIAL_MS = 5_000

/**
 * All three questions in one round trip. A server that cannot do that costs a session, and the call is repeated, by
 * one question after the other.
 */
async function byBurst(session: Session, path: RemotePath): Promise<Entry | undefined> {
  const { control, options } = session
  const name = lastName(path, control.codec)
  await session.setType('I')
  await session.leaveBase()
  const questions = [command('CWD', path), command('SIZE', path), command('MDTM', path)]
  const { reply: replyMs } = options.timeouts
  const timeoutMs = takesBursts(session) ? replyMs : Math.min(TRIAL_MS, replyMs)
  const ask = (): Promise<Reply[]> => session.requestAll(questions, timeoutMs)
  const [entered, sized, dated] = await inOneBurst(session, ask)
  const farewell = [entered, sized, dated].find((reply) => reply?.code === 421)
  if (farewell !== undefined) throw refusal(session, farewell, questions[0] ?? command('CWD', path))
  if (entered !== undefined && isCompletion(entered)) {
    await session.goBack()
    return entryOf({ name, type: 'directory', raw: '' })
  }
  session.stayAtBase()
  const bytes = sized && parseSizeReply(sized)
  if (bytes === undefined) return undefined
  const time = dated && isCompletion(dated) ? parseModificationTime(dated.lines[0] ?? '')?.time : undefined
  const modified = time && ({ time, precision: 'second' } as const)
  return entryOf({ name, type: 'file', size: bytes, modified, raw: '' })
}

/** Links that lead nowhere, devices, and files of servers that know neither SIZE nor MLST. */
async function byListing(calls: Calls, path: RemotePath): Promise<Entry | undefined> {
  const wanted = lastName(path, calls.codec)
  try {
    const size = new ListingSize()
    for await (const entry of calls.list(directoryOf(path))) {
      if (entry.name === wanted) return entry
      size.add(entry.raw)
    }
    return undefined
  } catch (error) {
    if (error instanceof FtpReplyError && error.code === 'ERR_FTP_NOT_FOUND') return undefined
    throw error
  }
}

/** Replies that say "I do not know this command", although FEAT lists it. */
const NOT_IMPLEMENTED: ReadonlySet<number> = new Set([500, 501, 502, 503, 504])
/** What may say that nothing is there; anything else (421, 451, 530) says nothing of it. */
const ABOUT_THE_PATH: ReadonlySet<number> = new Set([450, 550, 551, 553])

async function byMachine(session: Session, path: RemotePath): Promise<Entry | undefined | 'no answer'> {
  const sent = command('MLST', path)
  const reply = await session.request(sent)
  if (!isCompletion(reply)) {
    if (NOT_IMPLEMENTED.has(reply.code)) return 'no answer'
    const isForbidden = meaningOf(reply) === 'ERR_FTP_NOT_PERMITTED'
    if (isForbidden || !ABOUT_THE_PATH.has(reply.code)) throw refusal(session, reply, sent)
    return undefined
  }
  // RFC 3659 §7.2: one line with a blank before it.
  const line = reply.lines.slice(1, -1).find((text) => text.includes('=')) ?? ''
  const [entry] = parseListing(asListed(line.trimStart()), { format: 'mlsd' })
  return entry && { ...entry, name: lastName(path, session.control.codec) }
}

/** A listing leaves out the directory itself, by its type or as `.` and `..`; here it is what was asked for. */
function asListed(line: string): string {
  return line.replace(/(^|;)type=[cp]dir;/i, '$1type=dir;').replace(/ \.\.?$/, ' itself')
}

function notFound(shownPath: string, host: string): FtpReplyError {
  const reply = { code: 550, lines: ['No such file or directory'] }
  const message = `There is no file or directory "${shownPath}" on ${host}`
  return new FtpReplyError('ERR_FTP_NOT_FOUND', message, { reply, host, command: `MLST ${shownPath}` })
}
