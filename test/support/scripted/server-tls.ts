import { constants, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { SecureContext, SecureVersion } from 'node:tls'
import { ReturnableSocket } from '../../../src/tls/returnable-socket.ts'
import type { Certificate } from '../certificates.ts'
import { certificate } from '../certificates.ts'

type Channel = 'control' | 'data'

export interface ServerTlsOptions {
  /** Default: one for `localhost`, `127.0.0.1` and `::1`, signed by the test authority. */
  certificate?: Certificate
  /** Of data connections, which then resume nothing of the control connection. Default: the same. */
  dataCertificate?: Certificate
  /** The channels on which a client has to show a certificate of the test authority. Default: none. */
  wantsClientCertificate?: readonly Channel[]
  /** Whether the control connection can leave TLS again. Default false. */
  leavable?: boolean
  minVersion?: SecureVersion
  maxVersion?: SecureVersion
  /** False: no session ever resumes, whatever ticket comes. Default true. */
  resumption?: boolean
}

/**
 * The TLS side of one control connection and its data connections. Ticket keys belong to it alone, so a
 * session from another control connection does not resume here: as vsftpd and ProFTPD have it.
 */
export class ServerTls {
  readonly #options: ServerTlsOptions
  #carrier: ReturnableSocket | undefined
  readonly #contexts = new Map<Channel, SecureContext>()

  constructor(options: ServerTlsOptions = {}) {
    this.#options = options
  }

  /** The server's side of a handshake over `raw`, in which `already` has been read. Rejects if it fails. */
  async accept(
    raw: Socket,
    already: Buffer,
    hold: (socket: TLSSocket) => void,
    channel: Channel = 'control',
  ): Promise<TLSSocket> {
    const secureContext = await this.#contextOf(channel)
    const isAsked = this.#options.wantsClientCertificate?.includes(channel) === true
    raw.pause()
    if (already.length > 0) raw.unshift(already)
    const asks = isAsked ? { requestCert: true, rejectUnauthorized: true } : {}
    const isLeft = channel === 'control' && this.#options.leavable === true
    if (isLeft) this.#carrier = new ReturnableSocket(raw)
    const secure = new TLSSocket(isLeft ? (this.#carrier as unknown as Socket) : raw, {
      isServer: true,
      secureContext,
      ...asks,
    })
    hold(secure)
    await handshaken(secure)
    if (isAsked && !(await isOfAuthority(secure))) {
      secure.destroy()
      throw new Error('the certificate of the client is not trusted')
    }
    return secure
  }

  /** What the control connection's TLS runs on, where it can be left. */
  get carrier(): ReturnableSocket {
    if (this.#carrier === undefined) throw new Error('the server was not told that TLS is left again')
    return this.#carrier
  }

  /** Every ticket handed out so far is worthless from now on: a server that restarted, or changes its keys. */
  forgetTickets(): void {
    this.#contexts.clear()
  }

  async #contextOf(channel: Channel): Promise<SecureContext> {
    const { dataCertificate } = this.#options
    const name = dataCertificate === undefined ? 'control' : channel
    const made = this.#contexts.get(name)
    if (made !== undefined) return made
    const context = await this.#newContext(name === 'data' ? dataCertificate : this.#options.certificate)
    this.#contexts.set(name, context)
    return context
  }

  async #newContext(own: Certificate | undefined): Promise<SecureContext> {
    const { minVersion, maxVersion, resumption = true } = this.#options
    const { key, cert, ca } = own ?? (await certificate())
    return createSecureContext({
      key,
      cert,
      ca,
      ticketKeys: randomBytes(48),
      sessionIdContext: 'scripted',
      ...(minVersion && { minVersion }),
      ...(maxVersion && { maxVersion }),
      ...(!resumption && { secureOptions: constants.SSL_OP_NO_TICKET }),
    })
  }
}

async function isOfAuthority(secure: TLSSocket): Promise<boolean> {
  const { publicKey } = new X509Certificate((await certificate()).ca)
  return secure.getPeerX509Certificate()?.verify(publicKey) === true
}

async function handshaken(socket: TLSSocket): Promise<void> {
  const over = new AbortController()
  const closed = once(socket, 'close', { signal: over.signal }).then(() => {
    throw new Error('the client closed the connection during the TLS handshake')
  })
  try {
    await Promise.race([once(socket, 'secure', { signal: over.signal }), closed])
  } finally {
    closed.catch(() => undefined)
    over.abort()
  }
}
