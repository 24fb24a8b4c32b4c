/** Whether a directory is at a path, of whatever way there is to ask. */
import { FtpReplyError } from '../errors.ts'
import { command } from '../protocol/command.ts'
import { isCompletion } from '../protocol/reply.ts'
import { changeDirectory } from './files.ts'
import type { RemotePath, Session } from './session.ts'

/** Whether a directory is there: MLST where the server has it, else by changing into it. */
export async function isDirectory(session: Session, path: RemotePath): Promise<boolean> {
  if (session.profile.features?.has('MLST') === true) {
    const reply = await session.request(command('MLST', path))
    if (isCompletion(reply)) {
      return reply.lines.some((line) => /(?:^|[ ;])type=(?:dir|cdir|pdir);/i.test(line))
    }
  }
  try {
    await changeDirectory(session, path)
    return true
  } catch (error) {
    if (error instanceof FtpReplyError && error.reply.code !== 421) return false
    throw error
  } finally {
    await session.goBack()
  }
}
