/** TLS over a TCP connection that stands: the control connection's upgrade. And what a failed handshake means. */
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { FtpTimeoutError, FtpTlsError } from '../errors.ts'
import { lateModule } from '../util/late-modules.ts'
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
export function secure(socket: Duplex, options: HandshakeOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = lateModule('node:tls').connect({
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

/**
 * Alerts by which a server turns down our certificate, or the lack of one. Under TLS 1.3 they come when the handshake
 * is done on our side. Node names them after OpenSSL's words, of which the beginning differs by its version.
 */
const CLIENT_CERTIFICATE_ALERT =
  /_ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/
/** What a server says under TLS 1.2 that wants a certificate and gets none; and one with no cipher in common. */
const VAGUE_ALERT = '_ALERT_HANDSHAKE_FAILURE'

/** Whether the server did not accept our certificate, or that there is none. */
export function isAboutOurCertificate(error: Error): boolean {
  return CLIENT_CERTIFICATE_ALERT.test(codeOf(error))
}

/** An {@link FtpTlsError} for whatever made a handshake fail. */
export function handshakeError(cause: Error, label: string): FtpTlsError {
  const message = handshakeMessage(cause, label)
  // A connection that just ends may be a server out of places; a certificate or a cipher stays what it is.
  return new FtpTlsError('ERR_FTP_TLS_HANDSHAKE', message, { cause, host: label, retryable: isCut(cause) })
}

function handshakeMessage(cause: Error, label: string): string {
  const code = codeOf(cause)
  const advice = CERTIFICATE_ADVICE[code]
  if (advice !== undefined) return `The certificate of ${label} is not accepted: ${advice} (${cause.message})`
  const words = wordsOf(cause)
  if (isAboutOurCertificate(cause))
    return `${label} wants a certificate of ours that it accepts: give tls.cert and tls.key (${words})`
  if (code.endsWith(VAGUE_ALERT))
    return `${label} broke the TLS handshake off: it may want a certificate of ours, tls.cert and tls.key, or other ciphers (${words})`
  return `TLS handshake with ${label} failed: ${words}`
}

/** OpenSSL's messages hold addresses, and places in its source; its reason says all that they mean. */
function wordsOf(cause: Error): string {
  const { reason } = cause as { reason?: string }
  return codeOf(cause).startsWith('ERR_SSL_') && reason !== undefined ? reason : cause.message
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? ''
}

function isCut(cause: unknown): boolean {
  return codeOf(cause) === 'ECONNRESET' || codeOf(cause) === 'EPIPE'
}

/** Whether a handshake ended without a word of why, so that a reply may say more. */
export function isUnexplained(error: FtpTlsError): boolean {
  return isCut(error.cause)
}

/**
 * A data connection that did not resume a session has to show the certificate of the control connection: whoever holds
 * another one for the same host is not the server that we have logged in to.
 */
export function otherCertificateError(label: string): FtpTlsError {
  const message =
    `The data connection with ${label} shows another certificate than the control connection: ` +
    'whoever is there may not be the server that was logged in to, and nothing was sent or taken'
  // One that has changed its certificate shows the new one on both, once both are new.
  return new FtpTlsError('ERR_FTP_TLS_HANDSHAKE', message, { host: label, retryable: true })
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
