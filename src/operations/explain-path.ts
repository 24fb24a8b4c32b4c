/**
 * What a refusal of a verb on a path means where the server's words say nothing: the server is asked whether
 * something is there.
 */
import { replyError } from '../connection/reply-error.ts'
import { FtpReplyError, type FtpReplyErrorCode } from '../errors.ts'
import { command } from '../protocol/command.ts'
import { size } from '../session/facts.ts'
import { isDirectory } from '../session/is-directory.ts'
import { meaningOf } from '../session/refusal.ts'
import type { RemotePath, Session } from '../session/session.ts'
import { pathsAbove } from './paths.ts'

/** What has to be so for the verb to be carried out. */
export type Wanted = 'something there' | 'nothing there' | 'a place for it'

/**
 * Runs `work`; a refusal that says nothing is replaced by one that does, if the server can still be asked.
 *
 * @param signal cuts the session while it is asked, and not while `work` runs
 */
export async function explained<T>(
  session: Session,
  path: RemotePath,
  wanted: Wanted,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isTelling =
      !(error instanceof FtpReplyError) ||
      !AMBIGUOUS.has(error.reply.code) ||
      meaningOf(error.reply) !== undefined
    if (isTelling || !session.control.isOpen) throw error
    const asked = session.abortable(signal, () => meaning(session, path, wanted))
    const code = await asked.catch(() => undefined)
    if (code === undefined) throw error
    const [verb = ''] = error.command?.split(' ') ?? []
    throw replyError(error.reply, session.control.label, command(verb, path), code, ADVICE[code])
  }
}

const AMBIGUOUS: ReadonlySet<number> = new Set([550, 553])

const ADVICE: Partial<Record<FtpReplyErrorCode, string>> = {
  ERR_FTP_EXISTS: 'It exists',
  ERR_FTP_NOT_FOUND: 'There is no such file or directory',
  ERR_FTP_IS_DIRECTORY: 'It is a directory',
  ERR_FTP_NOT_PERMITTED: 'This user may not do that',
}

async function meaning(session: Session, path: RemotePath, wanted: Wanted): Promise<FtpReplyErrorCode> {
  if (wanted === 'something there') {
    return (await exists(session, path)) ? 'ERR_FTP_NOT_PERMITTED' : 'ERR_FTP_NOT_FOUND'
  }
  if (wanted === 'nothing there' && (await exists(session, path))) return 'ERR_FTP_EXISTS'
  if (wanted === 'a place for it' && (await isDirectory(session, path))) return 'ERR_FTP_IS_DIRECTORY'
  const above = pathsAbove(path).at(-1)
  const isPlaceThere = above === undefined || (await isDirectory(session, above))
  return isPlaceThere ? 'ERR_FTP_NOT_PERMITTED' : 'ERR_FTP_NOT_FOUND'
}

async function exists(session: Session, path: RemotePath): Promise<boolean> {
  return (await size(session, path)) !== undefined || (await isDirectory(session, path))
}
