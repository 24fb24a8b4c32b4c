/** The client's options, composed from those of the folders, checked once and frozen before any I/O. */
import { inspect } from 'node:util'
import type { PassiveHostRule } from './protocol/endpoint.ts'
import { parseFtpUrl, parseHost, type FtpUrl } from './protocol/url.ts'
import { MIRROR_DEFAULTS } from './mirror/mirror-options.ts'
import { DOWNLOAD_DEFAULTS } from './segmented/options.ts'
import type { RetryPolicy } from './operations/retry.ts'
import {
  DEFAULT_TIMEOUTS,
  type DataMode,
  type KeepAlive,
  type Security,
  type SessionOptions,
  type Timeouts,
} from './session/options.ts'
import { secureIdentity, type SecureIdentity, type TlsOptions } from './tls/secure-options.ts'
import { timeZone } from './listing/options.ts'
import type { FtpSession } from './operations/ftp-session.ts'
import { textCodec } from './protocol/text-codec.ts'
import { QUEUE_DEFAULTS } from './transfer/queue.ts'
import { isIpAddress } from './transport/address.ts'
import type { Connect } from './transport/connect.ts'
import { Multipath } from './transport/mptcp/multipath.ts'
import { FtpProxy } from './transport/proxy/ftp-proxy.ts'
import {
  expectFunction,
  flag,
  milliseconds,
  number,
  oneOf,
  openObject,
  optionsObject,
  text,
  wholeNumber,
  type OptionNames,
} from './util/validate.ts'

/** Of a client. All of them, with their defaults, are in docs/options.md. */
export interface FtpClientOptions {
  /** The server's name or address. Needed unless a URL is given. */
  readonly host?: string | undefined
  /** @default 21, or 990 for implicit TLS */
  readonly port?: number | undefined
  /** @default 'anonymous' */
  readonly user?: string | undefined
  /** The password, or a function that gives it when a session logs in. */
  readonly password?: string | (() => string | Promise<string>) | undefined
  /** For servers that ask for one (ACCT, RFC 959 §4.1.1). */
  readonly account?: string | undefined
  /**
   * `'none'`, `'explicit'` (AUTH TLS, RFC 4217) or `'implicit'` (TLS from the first byte).
   * @default by the URL's scheme; `'explicit'` where only a host is given
   */
  readonly security?: Security | undefined
  /** What `tls.connect` takes, for both channels: `ca`, `cert`, `key`, `checkServerIdentity`, … Verification is on. */
  readonly tls?: TlsOptions | undefined
  /**
   * Under TLS: whether commands and replies go in clear once the login is done (CCC, RFC 4217), for routers that have to
   * read the ports of data connections, which stay protected. A refusal is an error. @default false
   */
  readonly clearCommandChannel?: boolean | undefined
  /** The most connections open at once. @default 8, at most 64 */
  readonly maxConnections?: number | undefined
  /** 4 or 6 to use one IP family only. @default 0, both */
  readonly family?: 0 | 4 | 6 | undefined
  /** The local address of control and data connections. */
  readonly localAddress?: string | undefined
  /**
   * A function that makes every connection, for control and for data, in place of TCP to the server: by way of a proxy
   * (`octoftp/proxy`), over another transport. Host names are handed to it as they are. Passive mode only. Or what
   * `ftpProxy()` gives, or `mptcp()` of `octoftp/mptcp`.
   */
  readonly connect?: Connect | FtpProxy | Multipath | undefined
  /** Deadlines in milliseconds, each with its default in `DEFAULTS`. */
  readonly timeouts?: Partial<Timeouts> | undefined
  /** `'passive'`: we make data connections; `'active'`: the server makes them. @default 'passive' */
  readonly mode?: 'passive' | 'active' | undefined
  /** For active mode behind NAT: the address to tell the server, and the ports to listen on. */
  readonly active?:
    | {
        /** The IP address that the server is told. @default that of our end of the control connection */
        readonly address?: string | undefined
        /** The first and the last port to listen on. @default any */
        readonly ports?: readonly [number, number] | undefined
      }
    | undefined
  /**
   * Where passive data connections go: `'control'`, to the control connection's peer whatever PASV says;
   * `'server'`, where PASV says; or a function. @default 'control'
   */
  readonly passiveHost?: PassiveHostRule | undefined
  /**
   * The most bytes a second of all transfers of the client together; `client.setLimit()` changes it.
   * @default Infinity
   */
  readonly bytesPerSecond?: number | undefined
  /**
   * Milliseconds after which a session is given up for a new one, which is logged in and at work before the old one
   * goes: one connection more for a moment. 10 to 300 seconds make sense; `client.setRotateAfter()` changes it.
   * @default Infinity, never
   */
  readonly rotateAfter?: number | undefined
  /**
   * How connections that are silent for long are kept: `'tcp'`, by TCP's probes; `'noop'`, and a NOOP every 30 seconds
   * from those that are idle, where a server or a router closes them otherwise; `false`. @default 'tcp'
   */
  readonly keepAlive?: KeepAlive | undefined
  /** The name for HOST (RFC 7151), sent before USER, where one address serves several hosts. A refusal is an error. */
  readonly virtualHost?: string | undefined
  /**
   * The encoding of names on the server, as `TextDecoder` names it. What is no text in it is kept byte for byte. A name
   * that cannot be written in it is a `TypeError`, by which the call rejects.
   * @default 'utf-8'
   */
  readonly encoding?: string | undefined
  /** The server's zone, an IANA name, for times in listings that do not tell theirs. @default 'UTC' */
  readonly serverTimeZone?: string | undefined
  /**
   * Makes every new session ready, right behind its login: `SITE UMASK`, a directory, … The session is its own until it
   * returns, and where it is then counts as the directory of the login. What it rejects with is what the call rejects
   * with that wanted the session; beside another session, the work goes on with fewer.
   */
  readonly prepareSession?: ((session: FtpSession, signal: AbortSignal) => unknown) | undefined
  /** When failed parts of a transfer are tried again. */
  readonly retry?: Partial<RetryPolicy> | undefined
}

export const CLIENT_OPTIONS: OptionNames<FtpClientOptions> = {
  host: true,
  port: true,
  user: true,
  password: true,
  account: true,
  security: true,
  tls: true,
  clearCommandChannel: true,
  maxConnections: true,
  family: true,
  localAddress: true,
  connect: true,
  timeouts: true,
  mode: true,
  active: true,
  passiveHost: true,
  bytesPerSecond: true,
  rotateAfter: true,
  keepAlive: true,
  virtualHost: true,
  encoding: true,
  serverTimeZone: true,
  prepareSession: true,
  retry: true,
}

export interface ClientSettings {
  readonly session: SessionOptions
  readonly maxConnections: number
  /** `Infinity` for no limit. */
  readonly bytesPerSecond: number
  /** Milliseconds; `Infinity` for never. */
  readonly rotateAfter: number
  /** An IANA name. */
  readonly timeZone: string
  readonly prepareSession: ((session: FtpSession, signal: AbortSignal) => unknown) | undefined
  readonly retry: RetryPolicy
}

const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  attempts: 10,
  minDelay: 500,
  maxDelay: 30_000,
  factor: 2,
  jitter: 0.5,
})

/** Every default that a caller can rely on. */
export const DEFAULTS: Readonly<{
  /** `FtpClientOptions.user`. */
  user: string
  /** `FtpClientOptions.clearCommandChannel`. */
  clearCommandChannel: boolean
  /** `FtpClientOptions.maxConnections`. */
  maxConnections: number
  /** `FtpClientOptions.mode`. */
  mode: 'passive' | 'active'
  /** `FtpClientOptions.passiveHost`. */
  passiveHost: 'control'
  /** `FtpClientOptions.keepAlive`. */
  keepAlive: 'tcp' | 'noop'
  /** `FtpClientOptions.encoding`. */
  encoding: string
  /** `FtpClientOptions.serverTimeZone`. */
  serverTimeZone: string
  /** `FtpClientOptions.timeouts`, in milliseconds. */
  timeouts: Timeouts
  /** `FtpClientOptions.retry`. */
  retry: RetryPolicy
  /** Of downloads. */
  download: typeof DOWNLOAD_DEFAULTS
  /** Of mirrors. */
  mirror: typeof MIRROR_DEFAULTS
  /** Of queues. */
  queue: typeof QUEUE_DEFAULTS
}> = Object.freeze({
  user: 'anonymous',
  clearCommandChannel: false,
  maxConnections: 8,
  mode: 'passive',
  passiveHost: 'control',
  keepAlive: 'tcp',
  encoding: 'utf-8',
  serverTimeZone: 'UTC',
  timeouts: DEFAULT_TIMEOUTS,
  retry: DEFAULT_RETRY,
  download: DOWNLOAD_DEFAULTS,
  mirror: MIRROR_DEFAULTS,
  queue: QUEUE_DEFAULTS,
})

/** A day. */
const LONGEST_DELAY_MS = 86_400_000
const LINE_BREAKING = /[\r\n\0]/

/** More connections than this help nobody, and look like an attack. */
export const MOST_CONNECTIONS = 64

const PORTS: Readonly<Record<Security, number>> = { none: 21, explicit: 21, implicit: 990 }

/** A `TypeError` or `RangeError` names the option that is wrong. No message shows a password. */
export function clientSettings(options: FtpClientOptions): ClientSettings {
  const given = optionsObject(options, 'options', CLIENT_OPTIONS)
  const named: unknown = given.host
  if (named !== undefined && (typeof named !== 'string' || named === '')) {
    throw new TypeError('Option "host" must be the name or the address of a server, and nothing else')
  }
  if (named === undefined) throw new TypeError('Option "host" is missing: give a URL or a host')
  const host = parseHost(named)
  const security = oneOf(given, 'security', 'explicit', ['none', 'explicit', 'implicit'])
  const port = wholeNumber(given, 'port', PORTS[security], 1, 65_535)
  const { connect, proxy, multipath } = wayThere(given, security)
  const session: SessionOptions = Object.freeze({
    host,
    port,
    label: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    user: oneLine(given, 'user', DEFAULTS.user),
    password: passwordSource(given),
    account: secretLine(given, 'account'),
    security,
    identity: security === 'none' ? undefined : identity(given, proxy?.host ?? host),
    clearCommandChannel: clearCommandChannel(given, security),
    family: ipFamily(given),
    localAddress: ipAddress(given, 'localAddress'),
    connect,
    proxy,
    multipath,
    timeouts: timeouts(given),
    dataMode: dataMode(given),
    passiveHost: passiveHost(given),
    keepAlive:
      given.keepAlive === false ? false : oneOf(given, 'keepAlive', DEFAULTS.keepAlive, ['tcp', 'noop']),
    codec: textCodec(text(given, 'encoding', DEFAULTS.encoding)),
    virtualHost: oneLine(given, 'virtualHost', undefined),
  })
  expectFunction(given, 'prepareSession')
  return Object.freeze({
    session,
    maxConnections: wholeNumber(given, 'maxConnections', DEFAULTS.maxConnections, 1, MOST_CONNECTIONS),
    bytesPerSecond: number(given, 'bytesPerSecond', Infinity, 1, Infinity),
    rotateAfter: rotationMs(given),
    timeZone: timeZone(given, 'serverTimeZone', DEFAULTS.serverTimeZone),
    prepareSession: given.prepareSession,
    retry: retryPolicy(given),
  })
}

/** The option `rotateAfter`. Throws a `TypeError` or `RangeError` that names it. */
export function rotationMs(given: Pick<FtpClientOptions, 'rotateAfter'>): number {
  return number(given, 'rotateAfter', Infinity, 1, Infinity)
}

/** A URL's text, or a `URL`. Throws a `TypeError` that does not show it. */
export function readUrl(url: string | URL): FtpUrl {
  if (typeof url !== 'string' && !(url instanceof URL))
    throw new TypeError('The URL must be a string or a URL')
  return parseFtpUrl(typeof url === 'string' ? url : url.href)
}

/**
 * The options of a call that names its server by URL. An option goes before what the URL says, but a password in
 * the URL goes only to the user and host beside which it was written.
 */
export function optionsWithUrl<T extends FtpClientOptions>(options: T, url: FtpUrl): T {
  const security = options.security ?? url.security
  const isElsewhere = (options.host ?? url.host) !== url.host || (options.user ?? url.user) !== url.user
  return {
    ...options,
    host: options.host ?? url.host,
    port: options.port ?? (url.isPortWritten ? url.port : PORTS[security]),
    user: options.user ?? url.user,
    password: options.password ?? (isElsewhere ? undefined : url.password),
    security,
  }
}

function passwordSource(options: FtpClientOptions): () => Promise<string | undefined> {
  const { password } = options
  if (typeof password === 'function') return async () => checkedPassword(await password())
  const known = secretLine(options, 'password')
  return () => Promise.resolve(known)
}

/** Text that goes into one command: a line end in it would begin another. */
function oneLine<F extends string | undefined>(
  options: FtpClientOptions,
  name: string,
  fallback: F,
): string | F {
  const value = text(options, name, fallback)
  if (value !== undefined && LINE_BREAKING.test(value)) {
    throw new RangeError(`Option "${name}" is ${inspect(value)}; it may not hold CR, LF or NUL`)
  }
  return value
}

/** The same for what no message may show. */
function secretLine(options: FtpClientOptions, name: 'password' | 'account'): string | undefined {
  const value: unknown = options[name]
  if (value === undefined) return undefined
  const allowed = name === 'password' ? 'a string or a function that gives one' : 'a string'
  if (typeof value !== 'string') throw new TypeError(`Option "${name}" must be ${allowed}`)
  if (LINE_BREAKING.test(value)) throw new RangeError(`Option "${name}" may not hold CR, LF or NUL`)
  return value
}

function ipAddress(options: object, name: string): string | undefined {
  const value = text(options, name, undefined)
  if (value !== undefined && !isIpAddress(value)) {
    throw new RangeError(`Option "${name}" is ${inspect(value)}; it must be an IP address`)
  }
  return value
}

function identity(options: FtpClientOptions, host: string): SecureIdentity {
  const { tls } = options
  // Not shown: it may be a key.
  if (tls !== undefined && (typeof tls !== 'object' || Array.isArray(tls) || tls instanceof Uint8Array)) {
    throw new TypeError('Option "tls" must be an object')
  }
  const given = openObject(tls, 'tls')
  try {
    return secureIdentity(given, host)
  } catch (cause) {
    throw new TypeError(`Option "tls" cannot be used: ${(cause as Error).message}`, { cause })
  }
}

function clearCommandChannel(options: FtpClientOptions, security: Security): boolean {
  const isAsked = flag(options, 'clearCommandChannel', DEFAULTS.clearCommandChannel)
  if (isAsked && security === 'none') {
    throw new TypeError('Option "clearCommandChannel" is true; that needs TLS, and security is \'none\'')
  }
  return isAsked
}

function checkedPassword(password: unknown): string {
  if (typeof password !== 'string')
    throw new TypeError('The function in option "password" must give a string')
  if (LINE_BREAKING.test(password))
    throw new RangeError(
      'The function in option "password" gave one with CR, LF or NUL; is it a line of a file?',
    )
  return password
}

function ipFamily(options: FtpClientOptions): 0 | 4 | 6 {
  const { family = 0 } = options
  if (![0, 4, 6].includes(family)) {
    throw new RangeError(`Option "family" is ${inspect(family)}; it must be 4, 6, or 0 for both`)
  }
  return family
}

function wayThere(
  { connect, mode, virtualHost }: FtpClientOptions,
  security: Security,
): Pick<SessionOptions, 'connect' | 'proxy' | 'multipath'> {
  if (connect instanceof FtpProxy) {
    // HOST would come before it is known which server is meant, and TLS from the first byte is not a proxy's.
    if (virtualHost !== undefined)
      throw new TypeError('Option "virtualHost" cannot be used with an FTP proxy')
    if (security === 'implicit') {
      throw new TypeError(
        "Option \"security\" is 'implicit'; with an FTP proxy it must be 'none' or 'explicit'",
      )
    }
    return { connect: undefined, proxy: connect, multipath: undefined }
  }
  if (connect instanceof Multipath) return { connect: undefined, proxy: undefined, multipath: connect }
  // Not shown: a proxy's URL in this place may hold a password.
  if (connect !== undefined && typeof connect !== 'function')
    throw new TypeError('Option "connect" must be a function, or what ftpProxy() or mptcp() gives')
  if (connect !== undefined && mode === 'active') {
    throw new TypeError(
      'Option "mode" is \'active\'; with "connect" the server cannot connect to us, so it must be \'passive\'',
    )
  }
  return { connect, proxy: undefined, multipath: undefined }
}

function timeouts(options: FtpClientOptions): Timeouts {
  const given = optionsObject(options.timeouts, 'timeouts', DEFAULT_TIMEOUTS)
  const entries = Object.entries(DEFAULT_TIMEOUTS).map(([name, fallback]) => [
    name,
    milliseconds(given, `timeouts.${name}`, fallback as number),
  ])
  return Object.freeze(Object.fromEntries(entries) as unknown as Timeouts)
}

function dataMode(options: FtpClientOptions): DataMode {
  const mode = oneOf(options, 'mode', DEFAULTS.mode, ['passive', 'active'])
  const active = optionsObject(options.active, 'active', { address: true, ports: true })
  const address = ipAddress(active, 'active.address')
  const ports = portRange(active.ports)
  return Object.freeze(mode === 'passive' ? { is: 'passive' } : { is: 'active', address, ports })
}

function portRange(ports: readonly [number, number] | undefined): readonly [number, number] | undefined {
  if (ports === undefined) return undefined
  const isPort = (port: unknown): boolean =>
    Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536
  const given: readonly unknown[] = Array.isArray(ports) ? ports : []
  if (given.length !== 2 || !given.every(isPort) || ports[0] > ports[1]) {
    throw new RangeError(
      `Option "active.ports" is ${inspect(ports)}; it must be [first, last], from 1 to 65535`,
    )
  }
  return Object.freeze([ports[0], ports[1]] as const)
}

function passiveHost({ passiveHost: rule = DEFAULTS.passiveHost }: FtpClientOptions): PassiveHostRule {
  if (rule !== 'control' && rule !== 'server' && typeof rule !== 'function') {
    throw new TypeError(
      `Option "passiveHost" is ${inspect(rule)}; it must be 'control', 'server' or a function`,
    )
  }
  return rule
}

function retryPolicy(options: FtpClientOptions): RetryPolicy {
  const given = optionsObject(options.retry, 'retry', DEFAULT_RETRY)
  return Object.freeze({
    attempts: wholeNumber(given, 'retry.attempts', DEFAULT_RETRY.attempts, 1, Number.MAX_SAFE_INTEGER),
    minDelay: number(given, 'retry.minDelay', DEFAULT_RETRY.minDelay, 0, LONGEST_DELAY_MS),
    maxDelay: number(given, 'retry.maxDelay', DEFAULT_RETRY.maxDelay, 0, LONGEST_DELAY_MS),
    factor: number(given, 'retry.factor', DEFAULT_RETRY.factor, 1, 100),
    jitter: number(given, 'retry.jitter', DEFAULT_RETRY.jitter, 0, 1),
  })
}
