import { constants, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { SecureContext, SecureVersion } from 'node:tls'
import type { Certificate } from '../certificates.ts'
import { certificate } from '../certificates.ts'

export interface ServerTlsOptions {
  /** Default: one for `localhost`, `127.0.0.1` and `::1`, signed by the test authority. */
  certificate?: Certificate
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
  #context: SecureContext | undefined

  constructor(options: ServerTlsOptions = {}) {
    this.#options = options
  }

  /** The server's side of a handshake over `raw`, in which `already` has been read. Rejects if it fails. */
  async accept(raw: Socket, already: Buffer, hold: (socket: TLSSocket) => void): Promise<TLSSocket> {
    this.#context ??= await this.#newContext()
    raw.pause()
    if (already.length > 0) raw.unshift(already)
    const secure = new TLSSocket(raw, { isServer: true, secureContext: this.#context })
    hold(secure)
    await handshaken(secure)
    return secure
  }

  /** Every ticket handed out so far is worthless from now on: a server that restarted, or changes its keys. */
  forgetTickets(): void {
    this.#context = undefined
  }

  async #newContext(): Promise<SecureContext> {
    const { minVersion, maxVersion, resumption = true } = this.#options
    const { key, cert } = this.#options.certificate ?? (await certificate())
    return createSecureContext({
      key,
      cert,
      ticketKeys: randomBytes(48),
      sessionIdContext: 'scripted',
      ...(minVersion && { minVersion }),
      ...(maxVersion && { maxVersion }),
      ...(!resumption && { secureOptions: constants.SSL_OP_NO_TICKET }),
    })
  }
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
