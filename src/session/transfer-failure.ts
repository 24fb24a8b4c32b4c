/** Why a transfer failed: of a refusal, a lost data connection and a lost control connection, what explains the others. */
import { replyError } from '../connection/reply-error.ts'
import type { DataConnection } from '../connection/data.ts'
import { FtpTimeoutError, FtpTlsError } from '../errors.ts'
import type { Command } from '../protocol/command.ts'
import type { Reply } from '../protocol/reply.ts'
import { isUnexplained } from '../tls/handshake.ts'
import { dataTlsRefused } from './data-tls-refused.ts'
import type { Session } from './session.ts'
import type { TransferRun } from './transfer-run.ts'

type ReplyToError = (reply: Reply, label: string, sent: Command) => Error

/** `undefined` where nothing failed. `toError` makes an error of a refusal. */
export function failureOf(
  session: Session,
  run: TransferRun,
  sent: Command,
  data: DataConnection,
  toError: ReplyToError = replyError,
): unknown {
  const { dataEnd, failureReply, controlFailure } = run
  const refusal =
    failureReply &&
    (dataTlsRefused(session, failureReply, sent, data) ?? toError(failureReply, session.control.label, sent))
  const loss = dataEnd?.is === 'lost' ? dataEnd.error : undefined
  // What we found out ourselves explains the 426 that our reset brings, and the silence behind it.
  const isFirst = controlFailure === undefined || controlFailure instanceof FtpTimeoutError
  return (isFirst && isOwnFinding(loss) ? loss : refusal) ?? (isFirst ? loss : undefined) ?? controlFailure
}

/** A stall, or a certificate that is not accepted. */
function isOwnFinding(loss: unknown): boolean {
  return loss instanceof FtpTimeoutError || (loss instanceof FtpTlsError && !isUnexplained(loss))
}
