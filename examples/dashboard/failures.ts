/** What goes wrong, in words for people. */
import { FtpError } from 'octoftp'
import type { Failure } from './model.ts'

/** A request that makes no sense, or may not be. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const HINTS: Readonly<Partial<Record<string, string>>> = {
  ERR_FTP_LOGIN: 'The server did not accept the user name or the password.',
  ERR_FTP_TLS_REFUSED: 'The server does not speak TLS here: choose another kind of encryption.',
  ERR_FTP_TLS_HANDSHAKE:
    'No encrypted connection came about, or the certificate is not trusted. For an authority of your own, start the dashboard with NODE_EXTRA_CA_CERTS=FILE.',
  ERR_FTP_CHECKSUM_MISMATCH: 'The file differs from its checksum, and was not kept.',
}

export function failureOf(error: unknown): Failure {
  if (error instanceof FtpError) {
    const hint = HINTS[error.code]
    return { code: error.code, message: hint === undefined ? error.message : `${hint} ${error.message}` }
  }
  const { message } = error instanceof Error ? error : new Error(String(error))
  return { code: error instanceof Refusal ? 'REFUSED' : 'FAILED', message }
}
