/** What a command ends with: the exit codes of docs/command-line.md. */
import { FtpError, FtpReplyError, FtpTimeoutError } from '../index.ts'
import { EXIT } from './exit.ts'
import { Interrupted, Unsupported, UsageError } from './failures.ts'

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof UsageError) return EXIT.syntax
  if (error instanceof Unsupported) return EXIT.notImplemented
  if (error instanceof FtpTimeoutError) {
    return ['connect', 'greeting', 'tls'].includes(error.phase) ? EXIT.connect : EXIT.other
  }
  if (error instanceof FtpReplyError && error.code === 'ERR_FTP_REPLY') return ofReply(error.reply.code)
  return error instanceof FtpError ? ofError(error) : EXIT.other
}

/** Of several failures: their common code, or that for anything else. */
export function exitCodeOfAll(errors: readonly unknown[]): number {
  const codes = new Set(errors.map(exitCodeOf))
  const [first = EXIT.fine] = codes
  return codes.size > 1 ? EXIT.other : first
}

function ofError({ code }: FtpError): number {
  switch (code) {
    case 'ERR_FTP_CONNECT':
    case 'ERR_FTP_TOO_MANY_CONNECTIONS':
    case 'ERR_FTP_TLS_REFUSED':
    case 'ERR_FTP_TLS_HANDSHAKE':
    case 'ERR_FTP_TLS_INJECTED':
      return EXIT.connect
    case 'ERR_FTP_LOGIN':
      return EXIT.login
    case 'ERR_FTP_NOT_FOUND':
      return EXIT.notFound
    case 'ERR_FTP_UNSUPPORTED':
      return EXIT.notImplemented
    case 'ERR_FTP_NOT_PERMITTED':
    case 'ERR_FTP_IS_DIRECTORY':
    case 'ERR_FTP_EXISTS':
      return EXIT.notAllowed
    default:
      return EXIT.other
  }
}

/** Of a refusal without a code of its own (RFC 959 §4.2.2). */
function ofReply(code: number): number {
  switch (code) {
    case 500:
    case 502:
    case 504:
      return EXIT.notImplemented
    case 501:
    case 503:
      return EXIT.syntax
    case 530:
    case 532:
      return EXIT.login
    case 550:
    case 552:
    case 553:
      return EXIT.notAllowed
    default:
      return EXIT.other
  }
}
