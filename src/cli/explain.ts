/** A failure as one or two lines for people: what happened, and what to do next. Pure. */
import { inspect } from 'node:util'
import { FtpConnectionError, FtpError } from '../index.ts'
import { Interrupted, UsageError } from './failures.ts'

export function reasonOf(error: unknown): string {
  if (error === undefined) return 'no reason is known'
  return error instanceof Error ? error.message : inspect(error)
}

/** @param command the name of the command that failed, for where to read on */
export function explain(error: unknown, command: string | undefined): string[] {
  if (error instanceof UsageError) return [error.message, `See octoftp ${helpOf(command)}`]
  if (error instanceof Interrupted) {
    const goOn = command === undefined ? undefined : GO_ON[command]
    return [error.message, goOn ?? ''].filter((line) => line !== '')
  }
  const hint = hintOf(error)
  return hint === undefined ? [reasonOf(error)] : [reasonOf(error), hint]
}

/** How to go on with what was cancelled. */
const GO_ON: Readonly<Record<string, string>> = {
  mirror: 'What has been done stays; the same command does the rest',
}

function helpOf(command: string | undefined): string {
  return command === undefined ? '--help' : `${command} --help`
}

function hintOf(error: unknown): string | undefined {
  if (!(error instanceof FtpError)) return undefined
  switch (error.code) {
    case 'ERR_FTP_CONNECT':
      return isUnknownHost(error)
        ? 'Is the name of the host spelled right, and is there a network?'
        : 'Are host and port right? ftp:// and ftpes:// mean port 21, ftps:// port 990'
    case 'ERR_FTP_LOGIN':
      return 'Check user (-u NAME, or ftp://NAME@host/) and password (from the prompt, OCTOFTP_PASSWORD, .netrc or a saved connection)'
    case 'ERR_FTP_NOT_FOUND':
      return 'A path is relative to the login directory; with a second slash (ftp://host//path) it begins at the root. octoftp ls shows what is there'
    case 'ERR_FTP_IS_DIRECTORY':
      return 'For a directory: octoftp mirror, octoftp ls, octoftp rm -r'
    case 'ERR_FTP_TLS_HANDSHAKE':
      return 'For a certificate of your own authority: --ca FILE. --insecure trusts whoever answers'
    case 'ERR_FTP_TLS_REFUSED':
      return 'ftp:// in place of ftpes:// does without TLS: everything, the password too, goes in clear'
    case 'ERR_FTP_DATA':
      return 'If a firewall is between: try --active'
    case 'ERR_FTP_DELETE_REFUSED':
      return 'Look at it with --dry-run; --max-delete NUMBER and --allow-empty-source allow more'
    default:
      return undefined
  }
}

function isUnknownHost(error: FtpError): boolean {
  const codes = ['ENOTFOUND', 'EAI_AGAIN']
  const isOne = (cause: unknown): boolean =>
    cause instanceof Error && codes.includes((cause as NodeJS.ErrnoException).code ?? '')
  const attempts = error instanceof FtpConnectionError ? error.attempts : []
  return isOne(error.cause) || attempts.some((attempt) => isOne(attempt.error))
}
