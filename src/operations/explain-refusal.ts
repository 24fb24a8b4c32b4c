/**
 * Why a server does not give a file. 550 stands for a missing file, a directory and a lack of permission alike,
 * in each server's own words; so the server is asked, and its words are taken only where that tells nothing.
 */
import { replyError } from '../connection/reply-error.ts'
import { FtpReplyError, type FtpReplyErrorCode } from '../errors.ts'
import { command } from '../protocol/command.ts'
import { isCompletion } from '../protocol/reply.ts'
import { isDirectory } from '../session/is-directory.ts'
import type { RemotePath, Session } from '../session/session.ts'

/** 551 is what some servers (ftp-srv) say for a missing file. */
const AMBIGUOUS: ReadonlySet<number> = new Set([550, 551])

/** The C library's words for EACCES and EPERM, which most servers pass on. */
const PERMISSION_WORDS = /permission denied|not permitted|access denied|not allowed/i

/** Whether an error is a refused RETR that {@link explainRefusal} can say more of. */
export function isAmbiguous(error: unknown): error is FtpReplyError {
  return (
    error instanceof FtpReplyError &&
    AMBIGUOUS.has(error.reply.code) &&
    error.command?.startsWith('RETR') === true
  )
}

/**
 * A more telling error for a refused RETR, or the same. It asks on the same session.
 *
 * @param isListed whether the server has told the file's size, so that it is there
 */
export async function explainRefusal(
  session: Session,
  path: RemotePath,
  shownPath: string,
  refusal: FtpReplyError,
  isListed: boolean,
): Promise<FtpReplyError> {
  const code = (await askWhat(session, path, isListed)) ?? wordsOf(refusal)
  return replyError(
    refusal.reply,
    session.control.label,
    command('RETR', path),
    code,
    MEANING[code]?.(shownPath),
  )
}

const MEANING: Partial<Record<FtpReplyErrorCode, (path: string) => string>> = {
  ERR_FTP_NOT_FOUND: (path) => `There is no file "${path}"`,
  ERR_FTP_NOT_PERMITTED: (path) => `"${path}" is there, but this user may not read it`,
  ERR_FTP_IS_DIRECTORY: (path) => `"${path}" is a directory: list it, or mirror it`,
}

async function askWhat(
  session: Session,
  path: RemotePath,
  isListed: boolean,
): Promise<FtpReplyErrorCode | undefined> {
  if (session.profile.features?.has('MLST') === true) {
    const reply = await session.request(command('MLST', path))
    if (isCompletion(reply)) {
      const isDirectory = reply.lines.some((line) => /(?:^|[ ;])type=(?:dir|cdir|pdir);/i.test(line))
      return isDirectory ? 'ERR_FTP_IS_DIRECTORY' : 'ERR_FTP_NOT_PERMITTED'
    }
  }
  if (isListed) return 'ERR_FTP_NOT_PERMITTED'
  return (await isDirectory(session, path)) ? 'ERR_FTP_IS_DIRECTORY' : undefined
}

function wordsOf(refusal: FtpReplyError): FtpReplyErrorCode {
  return PERMISSION_WORDS.test(refusal.reply.lines.join(' ')) ? 'ERR_FTP_NOT_PERMITTED' : 'ERR_FTP_NOT_FOUND'
}
