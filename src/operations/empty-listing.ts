/** What some servers say in place of an empty listing. */
import type { ReplyFacts } from '../errors.ts'

const NO_FILES = /no files|directory (?:is )?empty/i
const ABOUT_THE_PATH: ReadonlySet<number> = new Set([450, 501, 550, 553])

/** Whether a refusal means the directory, or the file, and not the command. */
export function isAboutThePath({ code }: ReplyFacts): boolean {
  return ABOUT_THE_PATH.has(code)
}

export function isEmptyListing(reply: ReplyFacts): boolean {
  return isAboutThePath(reply) && NO_FILES.test(reply.lines.join(' '))
}
