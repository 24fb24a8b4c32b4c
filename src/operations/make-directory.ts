/** MKD for a directory and, where asked, for those above it. */
import { FtpReplyError } from '../errors.ts'
import { makeDirectory } from '../session/files.ts'
import { isDirectory } from '../session/is-directory.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { OptionNames } from '../util/validate.ts'
import { ASK_OPTIONS, type AskOptions } from './calls.ts'
import { pathsAbove } from './paths.ts'

export interface MakeDirectoryOptions extends AskOptions {
  /** Make those above it too. @default false */
  readonly recursive?: boolean | undefined
}

export const MAKE_DIRECTORY_OPTIONS: OptionNames<MakeDirectoryOptions> = { ...ASK_OPTIONS, recursive: true }

/** With `recursive` those above are made where they are missing, and a directory that is there is no failure. */
export async function makeDirectories(session: Session, path: RemotePath, recursive: boolean): Promise<void> {
  if (!recursive) return makeDirectory(session, path)
  const missing = await firstRefusal(session, path)
  if (missing === undefined || (await isDirectory(session, path))) return
  // From the top: what is there is refused, and what is not to be had shows at the end.
  for (const above of pathsAbove(path)) await firstRefusal(session, above)
  const refused = await firstRefusal(session, path)
  if (refused !== undefined && !(await isDirectory(session, path))) throw refused
}

async function firstRefusal(session: Session, path: RemotePath): Promise<FtpReplyError | undefined> {
  try {
    await makeDirectory(session, path)
    return undefined
  } catch (error) {
    if (error instanceof FtpReplyError && error.reply.code !== 421) return error
    throw error
  }
}
