/** From a refusing reply to the error that a caller sees. */
import { FtpReplyError, type FtpReplyErrorCode } from '../errors.ts'
import { describeCommand, type Command } from '../protocol/command.ts'
import { replyText, type Reply } from '../protocol/reply.ts'

/**
 * What a reply code means by itself (RFC 959 §4.2.1). 550 is not here: it stands for a missing file, a
 * directory and a lack of permission alike, and takes a question to tell apart.
 */
const CODE_MEANING: Readonly<Record<number, FtpReplyErrorCode>> = {
  421: 'ERR_FTP_TOO_MANY_CONNECTIONS',
  500: 'ERR_FTP_UNSUPPORTED',
  501: 'ERR_FTP_UNSUPPORTED',
  502: 'ERR_FTP_UNSUPPORTED',
  503: 'ERR_FTP_UNSUPPORTED',
  504: 'ERR_FTP_UNSUPPORTED',
  530: 'ERR_FTP_LOGIN',
  532: 'ERR_FTP_NOT_PERMITTED',
  553: 'ERR_FTP_NOT_PERMITTED',
}

/** An error for `reply` to `command`; `code` overrides what the reply code says by itself. */
export function replyError(
  reply: Reply,
  label: string,
  command: Command | undefined,
  code: FtpReplyErrorCode = CODE_MEANING[reply.code] ?? 'ERR_FTP_REPLY',
  advice?: string,
): FtpReplyError {
  const subject = command === undefined ? 'the connection' : describeCommand(command)
  const answer = `${reply.code} ${replyText(reply)}`.trim()
  const end = answer.endsWith('.') ? '' : '.'
  const message = `${label} refused ${subject}: ${answer}${advice === undefined ? '' : `${end} ${advice}`}`
  return new FtpReplyError(code, message, {
    reply: { code: reply.code, lines: reply.shown ?? reply.lines },
    host: label,
    command: command === undefined ? undefined : describeCommand(command),
  })
}
