/** An FTP proxy: where it is, and how it wants to be told which server is meant. The login itself is the session's. */
import { optionsObject, oneOf } from '../../util/validate.ts'
import { readProxyUrl } from './proxy-url.ts'

/**
 * How an FTP proxy is told the server, behind its own login if it has one:
 *
 * - `'user@host'`: by `USER user@server`
 * - `'open'`: by `OPEN server`, before `USER user`
 * - `'site'`: by `SITE server`, before `USER user`
 * - `'joined'`: with the proxy's login, by `USER user@proxyUser@server` and `PASS password@proxyPassword`
 */
export type FtpProxyLogin = 'user@host' | 'open' | 'site' | 'joined'

/** Of {@link ftpProxy}. */
export interface FtpProxyOptions {
  /** @default 'user@host' */
  readonly login?: FtpProxyLogin | undefined
}

const LINE_BREAKING = /[\r\n\0]/

/** What {@link ftpProxy} makes, for option `connect`. */
export class FtpProxy {
  /** Of the proxy. */
  readonly host: string
  /** Of the proxy. */
  readonly port: number
  /** How it is told which server is meant. */
  readonly login: FtpProxyLogin
  /** Of the proxy's own login; `undefined` where it has none. */
  readonly user: string | undefined
  readonly #password: string | undefined

  /** @internal */
  constructor(url: string | URL, options: FtpProxyOptions | undefined) {
    const { host, port, user, password } = readProxyUrl(url, { ftp: 21 })
    const given = optionsObject(options, 'options', { login: true })
    this.login = oneOf(given, 'login', 'user@host', ['user@host', 'open', 'site', 'joined'])
    if (LINE_BREAKING.test(`${user ?? ''}${password ?? ''}`))
      throw new RangeError('User and password of the proxy may not hold CR, LF or NUL')
    if (this.login === 'joined' && user === undefined)
      throw new TypeError('Option "login" is \'joined\'; that needs a user in the URL of the proxy')
    this.host = host
    this.port = port
    this.user = user
    this.#password = password
    Object.freeze(this)
  }

  /** A method, so that no inspection shows it. */
  password(): string {
    return this.#password ?? ''
  }
}

/**
 * For option `connect`: an FTP proxy, `ftp://user:password@host:port`, to which all control and data connections go, and
 * which makes those to the server. It reads all that passes: TLS, where it has it, is with the proxy, whose name the
 * certificate has to show, and never with the server.
 * @throws TypeError or RangeError for a URL or an option that is none of these; no error shows the URL
 */
export function ftpProxy(url: string | URL, options?: FtpProxyOptions): FtpProxy {
  return new FtpProxy(url, options)
}
