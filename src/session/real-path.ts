/** Where a path leads, links on the way resolved: by changing into it, and asking where that is. */
import { command } from '../protocol/command.ts'
import { parsePathReply } from '../protocol/path.ts'
import { changeDirectory, isMissing } from './files.ts'
import { carryOut } from './refusal.ts'
import type { RemotePath, Session } from './session.ts'

/**
 * The directory that a path leads to, as the server calls it; `undefined` where it leads to none. Some servers
 * (pyftpdlib) do not resolve links, and call it as it was asked for.
 */
export async function realPath(session: Session, path: RemotePath | undefined): Promise<string | undefined> {
  try {
    if (path !== undefined) await changeDirectory(session, path)
  } catch (error) {
    if (!isMissing(error)) throw error
    await session.goBack()
    return undefined
  }
  const reply = await carryOut(session, command('PWD'))
  await session.goBack()
  return parsePathReply(reply)
}
