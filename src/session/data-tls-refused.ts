/**
 * The server refuses a data connection for its TLS. Most often it wants the TLS session of the control connection to be
 * resumed, and says so in one of these ways, all seen behind a finished handshake but the last:
 *
 *   vsftpd                   522 SSL connection failed: session reuse required
 *   ProFTPD                  425 Unable to build data connection: Operation not permitted
 *   FileZilla Server 1       425 Unable to build data connection: TLS session of data connection not resumed.
 *   FileZilla Server 0.9     450 TLS session of data connection has not resumed or the session does not match …
 *
 * Neither code means only that, and vsftpd says its words of any handshake that fails. So what counts is what happened
 * here: whether the handshake was finished, whether it resumed, and whether anything came. The words decide where the
 * server has broken the handshake off.
 */
import type { DataConnection } from '../connection/data.ts'
import { FtpTlsError } from '../errors.ts'
import type { Command } from '../protocol/command.ts'
import { replyText, type Reply } from '../protocol/reply.ts'
import type { Session } from './session.ts'

/** RFC 959 §4.2.2: it cannot be opened. */
const NOT_OPENED = 425
/** RFC 4217: its TLS was not acceptable. */
const TLS_UNACCEPTABLE = 522
const NAMES_RESUMPTION = /\bsession\b.*\b(?:not (?:been )?resumed|reuse)/i

/** The error for such a refusal; `undefined` where it is about something else. */
export function dataTlsRefused(
  session: Session,
  reply: Reply,
  sent: Command,
  data: Pick<DataConnection, 'tls' | 'received'>,
): FtpTlsError | undefined {
  const { control, options } = session
  if (options.identity === undefined || data.received > 0) return undefined
  const isNotResumed =
    data.tls === undefined
      ? NAMES_RESUMPTION.test(replyText(reply))
      : !data.tls.resumed && (reply.code === NOT_OPENED || isAboutTls(reply))
  if (!isNotResumed && reply.code !== TLS_UNACCEPTABLE) return undefined
  const code = isNotResumed ? 'ERR_FTP_TLS_NOT_RESUMED' : 'ERR_FTP_TLS_REFUSED'
  const advice = isNotResumed ? `${whatWasOffered(session, reply, data)}. ${REMEDY}` : whatHappened(data)
  const message = `${control.label} refuses the data connection: ${answerOf(reply)}. ${advice}`
  // With another session, and so with other tickets, it may go well.
  return new FtpTlsError(code, message, { host: control.label, command: sent.verb, retryable: true })
}

function isAboutTls(reply: Reply): boolean {
  return reply.code === TLS_UNACCEPTABLE || NAMES_RESUMPTION.test(replyText(reply))
}

function answerOf(reply: Reply): string {
  return `${reply.code} ${replyText(reply)}`.replace(/\.$/, '')
}

const REMEDY =
  'It has to keep the TLS sessions of its control connections, or not to ask for them ' +
  '(vsftpd: require_ssl_reuse=NO, ProFTPD: TLSOptions NoSessionReuseRequired)'

function whatWasOffered({ control }: Session, reply: Reply, { tls }: Pick<DataConnection, 'tls'>): string {
  const version = control.tlsProtocol ?? tls?.protocol ?? 'TLS'
  const wants = NAMES_RESUMPTION.test(replyText(reply)) ? 'It wants' : 'Most likely it wants'
  const wish = `${wants} the TLS session of the control connection to be resumed`
  switch (control.tickets.lastOffered) {
    case 'nothing':
      return `${wish}, and has given none (${version})`
    case 'unused':
      return `${wish}, and did not resume the one that was offered (${version})`
    case 'used':
      return `${wish}, and did not resume the one that was offered once more (${version}), as it has given no other`
  }
}

function whatHappened({ tls }: Pick<DataConnection, 'tls'>): string {
  return tls === undefined
    ? 'The TLS handshake was not finished'
    : `The TLS session of the control connection was resumed on it (${tls.protocol})`
}
