/** What a server says of a file without sending it: SIZE and MDTM (RFC 3659 §3 and §4). */
import { replyError } from '../connection/reply-error.ts'
import { command, type Command } from '../protocol/command.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { parseSizeReply } from '../protocol/size.ts'
import { parseModificationTime } from '../protocol/time.ts'
import { inOneBurst, takesBursts } from './bursts.ts'
import type { RemotePath, Session } from './session.ts'

/** The file's size in bytes, or `undefined` where the server does not say. */
export async function size(session: Session, path: RemotePath): Promise<number | undefined> {
  await session.setType('I') // In ASCII the size of the converted text would be meant.
  const reply = await ask(session, command('SIZE', path))
  return reply && parseSizeReply(reply)
}

/** When the file was last modified, or `undefined` where the server does not say. */
export async function modificationTime(session: Session, path: RemotePath): Promise<Date | undefined> {
  const reply = await ask(session, command('MDTM', path))
  return reply && timeOf(reply)
}

/** What a server tells of a file; `undefined` what it does not. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number | undefined
  readonly modified: Date | undefined
}

/** {@link size} and {@link modificationTime}, in one round trip where the server is known to take them so. */
export async function sizeAndModificationTime(session: Session, path: RemotePath): Promise<FileFacts> {
  if (!takesBursts(session)) {
    return { size: await size(session, path), modified: await modificationTime(session, path) }
  }
  const questions = [command('SIZE', path), command('MDTM', path)]
  const [sized, dated] = await inOneBurst(session, () => session.setTypeAndAsk('I', questions))
  for (const [index, reply] of [sized, dated].entries()) {
    if (reply?.code === 421) throw replyError(reply, session.control.label, questions[index])
  }
  return { size: sized && parseSizeReply(sized), modified: dated && timeOf(dated) }
}

/** What the server runs on, as it says: `UNIX Type: L8`; `''` where it does not. Asked once per server. */
export async function systemType(session: Session): Promise<string> {
  const { profile } = session
  profile.system ??= (await ask(session, command('SYST')))?.lines.join(' ').trim() ?? ''
  return profile.system
}

/** A refusal means "not known" here: not implemented, busy, no such file. What is so shows when it is fetched. */
async function ask(session: Session, sent: Command): Promise<Reply | undefined> {
  const reply = await session.request(sent)
  if (reply.code === 421) throw replyError(reply, session.control.label, sent)
  return isCompletion(reply) ? reply : undefined
}

function timeOf(reply: Reply): Date | undefined {
  return isCompletion(reply) ? parseModificationTime(reply.lines[0] ?? '')?.time : undefined
}
