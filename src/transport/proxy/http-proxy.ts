/** Connections through an HTTP proxy (CONNECT, RFC 9110 §9.3.6), for control and for data. */
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { FtpConnectionError, FtpTlsError, type FtpError } from '../../errors.ts'
import { redact } from '../../protocol/command.ts'
import { onAbort } from '../../util/abort.ts'
import { lateModule } from '../../util/late-modules.ts'
import { openObject, optionsObject } from '../../util/validate.ts'
import { hostAndPort } from '../address.ts'
import type { Connect, ConnectTarget } from '../connect.ts'
import { dial } from '../dial.ts'
import { readProxyUrl, type ProxyUrl } from './proxy-url.ts'

/** Of the answer to CONNECT; more is an error. Node's own bound can be raised for the whole process. */
const MOST_HEADER_BYTES = 8_192
/** Of the words behind a status that an error shows. */
const MOST_REASON_CHARACTERS = 200
/** Tinyproxy says 401 where a login is wrong. */
const LOGIN_WANTED: ReadonlySet<number> = new Set([407, 401])

/** Of {@link httpProxy}. */
export interface HttpProxyOptions {
  /** For an `https:` proxy: what `tls.connect` takes, such as `ca`. Its certificate is verified. */
  readonly tls?: ConnectionOptions | undefined
}

/**
 * For option `connect`: control and data connections through an HTTP proxy, which looks the server's name up.
 * `http://user:password@host:port`, or `https:` for TLS to the proxy; user and password go out as Basic.
 *
 * Connections reject with `ERR_FTP_CONNECT` where the proxy cannot be reached or refuses; then `cause` has its
 * `statusCode`.
 * @throws TypeError for a URL that is none of these; no error shows it
 */
export function httpProxy(url: string | URL, options?: HttpProxyOptions): Connect {
  const proxy = readProxyUrl(url, { http: 80, https: 443 })
  const given = optionsObject(options, 'options', { tls: true })
  const tls = openObject(given.tls, 'tls')
  return async (target) => {
    const { family, localAddress, signal } = target
    const socket = await dial({ ...proxy, family, localAddress, signal, timeoutMs: Infinity })
    const stopListening = onAbort(signal, () => socket.destroy())
    try {
      const carrier = proxy.scheme === 'https' ? await secured(socket, proxy, tls) : socket
      await tunnel(carrier, proxy, target)
      return carrier
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      stopListening()
    }
  }
}

function secured(socket: Socket, proxy: ProxyUrl, tls: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const name = isIP(proxy.host) === 0 ? { servername: proxy.host } : {}
    const carrier = lateModule('node:tls').connect({ ...name, ...tls, socket, host: proxy.host })
    const onError = (cause: Error): void => {
      carrier.destroy()
      reject(handshakeFailed(proxy, cause))
    }
    const onClose = (): void => reject(handshakeFailed(proxy, new Error('it closed the connection')))
    carrier.once('error', onError)
    carrier.once('close', onClose)
    carrier.once('secureConnect', () => {
      carrier.off('error', onError)
      carrier.off('close', onClose)
      resolve(carrier)
    })
  })
}

/** Resolves when what is written to `carrier` reaches the target. */
function tunnel(carrier: Duplex, proxy: ProxyUrl, target: ConnectTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = connectRequest(carrier, proxy, target)
    asked.once('error', (error: NodeJS.ErrnoException) => {
      carrier.destroy()
      reject(notAnswered(proxy, error))
    })
    asked.once('connect', (answer, _carrier, behind) => {
      if (isSuccess(answer)) {
        // The server's greeting may have come with it.
        if (behind.length > 0) carrier.unshift(behind)
        return resolve()
      }
      carrier.on('error', () => {})
      carrier.destroy()
      reject(refused(proxy, target, answer))
    })
    asked.end()
  })
}

function connectRequest(carrier: Duplex, proxy: ProxyUrl, target: ConnectTarget): ClientRequest {
  const path = hostAndPort(target)
  const login = proxy.user === undefined ? {} : { 'Proxy-Authorization': `Basic ${basic(proxy)}` }
  return request({
    ...{ method: 'CONNECT', host: proxy.host, port: proxy.port, path, setHost: false },
    headers: { Host: path, ...login },
    maxHeaderSize: MOST_HEADER_BYTES,
    createConnection: () => carrier,
  })
}

function basic({ user = '', password = '' }: ProxyUrl): string {
  return Buffer.from(`${user}:${password}`).toString('base64')
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300
}

function refused(proxy: ProxyUrl, target: ConnectTarget, answer: IncomingMessage): FtpError {
  const { statusCode = 0, statusMessage = '' } = answer
  const secrets = [proxy.password ?? '', basic(proxy)].filter((secret) => secret !== '')
  const words = redact(statusMessage, secrets).slice(0, MOST_REASON_CHARACTERS)
  const status = `${statusCode} ${words}`.trim()
  const message = `The HTTP proxy ${hostAndPort(proxy)} refuses a connection to ${hostAndPort(target)}: ${status}. ${advice(statusCode, proxy)}`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, {
    cause: Object.assign(new Error(`HTTP status ${status}`), { statusCode }),
    host: hostAndPort(proxy),
    // Of 5xx the proxy did not reach the server; the others are its mind.
    retryable: statusCode >= 500,
  })
}

function advice(statusCode: number, proxy: ProxyUrl): string {
  if (LOGIN_WANTED.has(statusCode)) {
    return proxy.user === undefined
      ? 'It wants a login: give user and password in the URL of the proxy'
      : 'Check user and password in the URL of the proxy'
  }
  return statusCode >= 500
    ? 'It may not reach the server'
    : 'It may allow certain ports only, and FTP needs 21 (or 990) and those from 1024 on for data'
}

/** Node's errors about the answer hold the answer, in which a proxy may say what it was sent: they are no cause. */
function notAnswered(proxy: ProxyUrl, error: NodeJS.ErrnoException): FtpError {
  const host = hostAndPort(proxy)
  const isAnswer = error.code?.startsWith('HPE_') === true
  const message = isAnswer
    ? `${host} does not answer as an HTTP proxy (${error.code})`
    : `The HTTP proxy ${host} closed the connection without an answer: ${error.message}`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, { host, retryable: !isAnswer })
}

function handshakeFailed(proxy: ProxyUrl, cause: Error): FtpError {
  const host = hostAndPort(proxy)
  const message = `TLS handshake with the HTTP proxy ${host} failed: ${cause.message}`
  return new FtpTlsError('ERR_FTP_TLS_HANDSHAKE', message, { cause, host })
}
