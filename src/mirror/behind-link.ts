/** What links on a server lead to, by SIZE, MDTM, CWD and PWD: which no listing tells of a link. */
import { replyError } from '../connection/reply-error.ts'
import { command, type Command } from '../protocol/command.ts'
import { parsePathReply } from '../protocol/path.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import { parseSizeReply } from '../protocol/size.ts'
import type { Held } from './lanes.ts'
import { timeIn } from './remote-tree.ts'

export type BehindLink =
  | { readonly is: 'file'; readonly size: number | undefined; readonly modifiedMs: number | undefined }
  /** `real`: its path as the server tells it, which some do without resolving links. */
  | { readonly is: 'directory'; readonly real: string | undefined }
  | { readonly is: 'nothing' }

/** So many at once, in one packet. */
const BURST = 25

/** In the order of `paths`, which mean the same wherever the session is, or are relative to its directory. */
export async function behindLinks(held: Held, paths: readonly string[]): Promise<BehindLink[]> {
  const { train, session } = held
  await train.end()
  await session.goBack()
  const home = await session.home()
  await session.leaveBase()
  const found: BehindLink[] = []
  for (let at = 0; at < paths.length; at += BURST) {
    const asked = paths.slice(at, at + BURST).map((path) => questionsOf(path, home))
    const questions = asked.flat()
    const replies = await train.ask(questions)
    const gone = replies.findIndex(({ code }) => code === 421)
    const [reply, sent] = [replies[gone], questions[gone]]
    if (reply !== undefined && sent !== undefined) throw replyError(reply, session.control.label, sent)
    for (const { length } of asked) found.push(told(replies.splice(0, length)))
  }
  return found
}

/** A relative path means something else behind the CWD of the one before. */
function questionsOf(path: string, home: string): Command[] {
  const questions = [command('SIZE', path), command('MDTM', path), command('CWD', path), command('PWD')]
  return path.startsWith('/') ? questions : [...questions, command('CWD', home)]
}

function told([size, modified, entered, where]: readonly Reply[]): BehindLink {
  // First: some tell a size of directories, too.
  if (entered !== undefined && isCompletion(entered)) {
    return { is: 'directory', real: where?.code === 257 ? parsePathReply(where) : undefined }
  }
  const bytes = size && parseSizeReply(size)
  const modifiedMs = modified && timeIn(modified)
  if (bytes === undefined && modifiedMs === undefined) return { is: 'nothing' }
  return { is: 'file', size: bytes, modifiedMs }
}
