/** Why a transfer failed: of a refusal, a lost data connection and a lost control connection, what explains the others. */
import { replyError } from '../connection/reply-error.ts'
import type { DataSocket } from '../connection/data.ts'
import { FtpTimeoutError, FtpTlsError } from '../errors.ts'
import type { Command } from '../protocol/command.ts'
import { replyText, type Reply } from '../protocol/reply.ts'
import type { Session } from './session.ts'
import type { TransferRun } from './transfer-run.ts'

type ReplyToError = (reply: Reply, label: string, sent: Command) => Error

/** `undefined` where nothing failed. `toError` makes an error of a refusal. */
export function failureOf(
  session: Session,
  run: TransferRun,
  sent: Command,
  tls: DataSocket['tls'],
  toError: ReplyToError = replyError,
): unknown {
  const { dataEnd, failureReply, controlFailure } = run
  const refusal = failureReply && refused(session, failureReply, sent, tls, toError)
  const loss = dataEnd?.is === 'lost' ? dataEnd.error : undefined
  // What we found out ourselves explains the 426 that our reset brings, and the silence behind it.
  const isFirst = controlFailure === undefined || controlFailure instanceof FtpTimeoutError
  return (isFirst && isOwnFinding(loss) ? loss : refusal) ?? (isFirst ? loss : undefined) ?? controlFailure
}

/** A stall, or a certificate that is not accepted. */
function isOwnFinding(loss: unknown): boolean {
  return loss instanceof FtpTimeoutError || (loss instanceof FtpTlsError && !loss.retryable)
}

function refused(
  session: Session,
  reply: Reply,
  sent: Command,
  tls: DataSocket['tls'],
  toError: ReplyToError,
): Error {
  const { label } = session.control
  if (reply.code !== 522) return toError(reply, label, sent)
  const resumed = tls?.resumed === true ? 'was' : 'was not'
  const message =
    `${label} refuses the data connection: ${reply.code} ${replyText(reply)}. ` +
    `It wants the TLS session of the control connection, which ${resumed} resumed`
  return new FtpTlsError('ERR_FTP_TLS_NOT_RESUMED', message, {
    host: label,
    command: sent.verb,
    retryable: true,
  })
}
