/**
 * What a server means by a refusal. 550 stands for a missing file, a directory, something that exists and a lack of
 * permission alike; where no question tells them apart, its words do, which most servers take from the C library.
 */
import { replyError } from '../connection/reply-error.ts'
import type { FtpReplyError, FtpReplyErrorCode } from '../errors.ts'
import type { Command } from '../protocol/command.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import type { Session } from './session.ts'

/** 450 and 553 are what some say in place of 550; 521 is RFC 959's own (Appendix II) for a directory that exists. */
const AMBIGUOUS: ReadonlySet<number> = new Set([450, 521, 550, 551, 553])

/** In this order: "does not exist" holds "exist". */
const MEANINGS: readonly (readonly [RegExp, FtpReplyErrorCode])[] = [
  [/permission denied|not permitted|access (?:is )?denied|not allowed|read.?only/i, 'ERR_FTP_NOT_PERMITTED'],
  [/no such|not found|(?:does|do) ?n[o']t exist|can(?:no|')t find|could not find/i, 'ERR_FTP_NOT_FOUND'],
  [/already exists|file exists|directory exists|\bexists\b/i, 'ERR_FTP_EXISTS'],
  [/is a directory/i, 'ERR_FTP_IS_DIRECTORY'],
]

/** What a refusal says by its words; `undefined` where they say nothing that is known. */
export function meaningOf(reply: Reply): FtpReplyErrorCode | undefined {
  if (!AMBIGUOUS.has(reply.code)) return undefined
  const text = reply.lines.join(' ')
  return MEANINGS.find(([words]) => words.test(text))?.[1]
}

/** The error for a refused command, as telling as the server's words are. */
export function refusal(session: Session, reply: Reply, sent: Command): FtpReplyError {
  return replyError(reply, session.control.label, sent, meaningOf(reply))
}

/** Sends a command that has to be carried out. Rejects with an `FtpReplyError` that says why it was not. */
export async function carryOut(session: Session, sent: Command): Promise<Reply> {
  const reply = await session.request(sent)
  if (!isCompletion(reply)) throw refusal(session, reply, sent)
  return reply
}
