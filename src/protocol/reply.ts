/** What a server answers: a code and lines of text (RFC 959 §4.2). */
import { MAX_REPLY_TEXT } from './limits.ts'
import { printable } from './text.ts'

/** One complete reply. */
export interface Reply {
  /** Three digits, the first of them 1 to 5. */
  readonly code: number
  /**
   * At least one line, without line ends. The first and the last are without the code (`226 ` or `226-`);
   * those between are as they came, a code or a leading blank of their own included.
   */
  readonly lines: readonly string[]
  /** The same for people, secrets removed, where `lines` are not: what a path or a name may hold, a password may be. */
  readonly shown?: readonly string[]
}

/** The first digit of a code: preliminary, completion, intermediate, transient and permanent failure. */
export type ReplyClass = 1 | 2 | 3 | 4 | 5

export function replyClass(reply: Reply): ReplyClass {
  return Math.floor(reply.code / 100) as ReplyClass
}

/** 1yz: the command is under way; another reply follows. */
export function isPreliminary(reply: Reply): boolean {
  return replyClass(reply) === 1
}

/** 2yz: done. */
export function isCompletion(reply: Reply): boolean {
  return replyClass(reply) === 2
}

/** 3yz: good so far; the server waits for the next command of a sequence. */
export function isIntermediate(reply: Reply): boolean {
  return replyClass(reply) === 3
}

/** 4yz: no, but the same command may succeed later. */
export function isTransientFailure(reply: Reply): boolean {
  return replyClass(reply) === 4
}

/** 5yz: no. */
export function isPermanentFailure(reply: Reply): boolean {
  return replyClass(reply) === 5
}

/**
 * The text of a reply on one line, for messages: codes and blanks around the lines removed, control characters
 * escaped, bounded by `MAX_REPLY_TEXT`. It may hold a secret that the server echoes: `redact` the lines first.
 */
export function replyText(reply: Reply): string {
  const repeatedCode = `${reply.code}-`
  const shown: string[] = []
  let length = 0
  for (const line of reply.shown ?? reply.lines) {
    const text = (line.startsWith(repeatedCode) ? line.slice(repeatedCode.length) : line).trim()
    if (text !== '') shown.push(text)
    length += text.length
    if (length > MAX_REPLY_TEXT) break
  }
  return printable(shown.join(' '), MAX_REPLY_TEXT)
}
