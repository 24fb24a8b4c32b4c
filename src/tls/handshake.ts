/** TLS over a TCP connection that stands: the control connection's upgrade. And what a failed handshake means. */
import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { FtpTimeoutError, FtpTlsError } from '../errors.ts'
import { startTimer } from '../util/timer.ts'
import { identityOptions, type SecureIdentity } from './secure-options.ts'

export interface HandshakeOptions {
  readonly identity: SecureIdentity
  readonly timeoutMs: number
  /** `host:port`, for errors. */
  readonly label: string
  /** Called with each session the server gives, now or later. */
  readonly onSession: (session: Uint8Array) => void
}

/**
 * Resolves when the handshake is done and the certificate accepted. Rejects with `ERR_FTP_TLS_HANDSHAKE` or
 * `ERR_FTP_TIMEOUT`, the socket destroyed.
 */
export function secure(socket: Socket, options: HandshakeOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      ...identityOptions(options.identity),
      socket,
    })
    secured.on('session', options.onSession)
    const finish = (answer: () => void): void => {
      cancelTimer()
      secured.off('error', onError)
      secured.off('close', onClose)
      answer()
    }
    const fail = (error: Error): void => {
      finish(() => reject(error))
      secured.on('error', () => {}) // Nobody listens any more, and a second error must not end the process.
      secured.destroy()
      socket.destroy()
    }
    const onError = (error: Error): void => fail(handshakeError(error, options.label))
    const onClose = (): void => fail(handshakeError(closedInHandshake(), options.label))
    const cancelTimer = startTimer(options.timeoutMs, () => fail(handshakeTimedOut(options)))
    secured.once('error', onError)
    secured.once('close', onClose)
    secured.once('secureConnect', () => finish(() => resolve(secured)))
  })
}

/** What a person can do about each way in which a certificate fails. */
const CERTIFICATE_ADVICE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed: give it as tls.ca if you trust it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here: give that authority as tls.ca if you trust it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its authority is not known here: give that authority as tls.ca if you trust it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its authority is not known here: give that authority as tls.ca if you trust it',
  CERT_HAS_EXPIRED: 'it has expired: the server needs a new one',
  CERT_NOT_YET_VALID: 'it is not valid yet: check the clocks of both machines',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'it is for another host: connect by the name in it, or give that name as tls.servername',
}

/** An {@link FtpTlsError} for whatever made a handshake fail. */
export function handshakeError(cause: Error, label: string): FtpTlsError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const advice = CERTIFICATE_ADVICE[code]
  const message =
    advice === undefined
      ? `TLS handshake with ${label} failed: ${cause.message}`
      : `The certificate of ${label} is not accepted: ${advice} (${cause.message})`
  // A connection that just ends may be a server out of places; a certificate or a cipher stays what it is.
  const retryable = code === 'ECONNRESET' || code === 'EPIPE'
  return new FtpTlsError('ERR_FTP_TLS_HANDSHAKE', message, { cause, host: label, retryable })
}

/** What made a handshake fail that ended without a word: told as the reset that it amounts to. */
export function closedInHandshake(): Error {
  return Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' })
}

function handshakeTimedOut({ label, timeoutMs }: HandshakeOptions): FtpTimeoutError {
  return new FtpTimeoutError(`${label} did not finish the TLS handshake within ${timeoutMs} ms`, {
    phase: 'tls',
    afterMs: timeoutMs,
    host: label,
  })
}
