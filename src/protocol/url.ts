/**
 * FTP URLs: `ftp:` (plain), `ftpes:` (explicit TLS), `ftps:` (implicit TLS). Not `new URL`, which treats the
 * three differently, cuts names at `#` and `?`, and resolves dot segments.
 *
 *   scheme://[user[:password]@]host[:port][/path[;type=a|i]]
 *
 * - The authority goes up to the first `/`, whatever is in it; everything behind that `/` is the path, so that
 *   `?`, `#`, `\`, blanks and dot segments belong to the name, as in RFC 1738 and curl.
 * - The path is relative to the login directory; it is absolute if it begins with a second `/`, or `%2F`.
 * - Blanks around a URL are refused, not trimmed: at the end they could belong to a name.
 * - What a URL writes may be a password in the wrong place (`ftp://user:pa/ss@host/` has the "port" `pa`), so
 *   **no error here quotes any part of it but the scheme**, and none has a `cause`.
 */
import { inspectCustom } from './inspect.ts'

/** `ftp:` is plain, `ftpes:` explicit TLS, `ftps:` implicit TLS. */
export type FtpScheme = 'ftp' | 'ftpes' | 'ftps'

/** How a connection is protected: not at all, after AUTH TLS, or from its first byte. */
export type FtpSecurity = 'none' | 'explicit' | 'implicit'

/** A URL taken apart. Inspecting or serialising it does not show the password. */
export interface FtpUrl {
  /** As it is written, in lower case. */
  readonly scheme: FtpScheme
  /** What the scheme stands for. */
  readonly security: FtpSecurity
  /** In ASCII after IDNA, in lower case; IPv6 without brackets, with its zone if it has one (`fe80::1%eth0`). */
  readonly host: string
  /** 21, or 990 for `ftps:`, where the URL has none. */
  readonly port: number
  /** Whether the URL has a port of its own. */
  readonly isPortWritten: boolean
  /** `undefined` where the URL has none or an empty one. */
  readonly user: string | undefined
  /** `undefined` where the URL has none; `''` for `user:@host`. */
  readonly password: string | undefined
  /** What goes out on the wire. Never holds CR, LF or NUL. */
  readonly path: Uint8Array
  /** By `;type=`. */
  readonly type: 'ascii' | 'binary' | undefined
  /** Whether the path is empty or ends with `/`. */
  readonly directory: boolean
}

const SCHEMES: Readonly<Record<FtpScheme, { readonly security: FtpSecurity; readonly port: number }>> = {
  ftp: { security: 'none', port: 21 },
  ftpes: { security: 'explicit', port: 21 },
  ftps: { security: 'implicit', port: 990 },
}
const SUPPORTED = 'ftp: (plain), ftpes: (explicit TLS) and ftps: (implicit TLS)'
const ENCODE_PASSWORD =
  'percent-encode the password and the user name (@ is %40, : is %3A, / is %2F, # is %23, ? is %3F)'
const SLASH = 0x2f

class ParsedFtpUrl implements FtpUrl {
  readonly scheme: FtpScheme
  readonly security: FtpSecurity
  readonly host: string
  readonly port: number
  readonly isPortWritten: boolean
  readonly user: string | undefined
  readonly password: string | undefined
  readonly path: Uint8Array
  readonly type: 'ascii' | 'binary' | undefined
  readonly directory: boolean

  constructor(scheme: FtpScheme, authority: Authority, path: Path) {
    this.scheme = scheme
    this.security = SCHEMES[scheme].security
    this.host = authority.host
    this.port = authority.port ?? SCHEMES[scheme].port
    this.isPortWritten = authority.port !== undefined
    this.user = authority.user
    this.password = authority.password
    this.path = path.bytes
    this.type = path.type
    this.directory = path.bytes.length === 0 || path.bytes.at(-1) === SLASH
  }

  toJSON(): string {
    return describeFtpUrl(this)
  }

  [inspectCustom](): string {
    return `FtpUrl { ${describeFtpUrl(this)} }`
  }
}

interface Authority {
  readonly user: string | undefined
  readonly password: string | undefined
  readonly host: string
  readonly port: number | undefined
}

interface Path {
  readonly bytes: Uint8Array
  readonly type: 'ascii' | 'binary' | undefined
}

/**
 * Takes an FTP URL apart, by the rules at the top of this file.
 *
 * @throws TypeError that says what is wrong and quotes nothing but the scheme
 */
export function parseFtpUrl(text: string): FtpUrl {
  if (typeof text !== 'string') throw new TypeError('A URL has to be a string')
  if (/^\s|\s$/.test(text)) {
    throw new TypeError('A URL may not begin or end with a blank; in a name write %20')
  }
  // Half a surrogate pair would go out as U+FFFD: another name.
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('A URL has to be well-formed Unicode')

  const [, written = '', rest = ''] = /^(?:([a-z][a-z\d+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
  const scheme = checkScheme(written)
  const slash = rest.indexOf('/')
  const authority = slash < 0 ? rest : rest.slice(0, slash)
  const path = slash < 0 ? '' : rest.slice(slash + 1)
  return new ParsedFtpUrl(scheme, parseAuthority(authority), parsePath(path))
}

/** The URL without user and password, for messages. Parsed again it gives the same place. */
export function describeFtpUrl(url: FtpUrl): string {
  const host = url.host.includes(':') ? `[${url.host.replace('%', '%25')}]` : url.host
  const port = url.port === SCHEMES[url.scheme].port ? '' : `:${url.port}`
  const type = url.type === undefined ? '' : `;type=${url.type === 'ascii' ? 'a' : 'i'}`
  return `${url.scheme}://${host}${port}/${encodePath(url.path)}${type}`
}

function checkScheme(written: string): FtpScheme {
  const scheme = written.toLowerCase()
  if (scheme === '') {
    throw new TypeError(`A URL has to begin with a scheme and //; supported are ${SUPPORTED}`)
  }
  if (Object.hasOwn(SCHEMES, scheme)) return scheme as FtpScheme
  throw new TypeError(`The scheme ${scheme.slice(0, 20)}: is not supported; supported are ${SUPPORTED}`)
}

function parseAuthority(text: string): Authority {
  const at = text.indexOf('@')
  if (text.includes('@', at + 1)) {
    throw new TypeError(`A URL has a second @ before its path: ${ENCODE_PASSWORD}`)
  }
  if (/[#?]/.test(text.slice(0, Math.max(at, 0)))) {
    throw new TypeError(`A URL has an @ behind # or ? before its path: ${ENCODE_PASSWORD}`)
  }

  const credentials = at < 0 ? '' : text.slice(0, at)
  const colon = credentials.indexOf(':')
  const user = decodeUtf8(colon < 0 ? credentials : credentials.slice(0, colon), 'user name')
  const password = colon < 0 ? undefined : decodeUtf8(credentials.slice(colon + 1), 'password')
  return { user: user === '' ? undefined : user, password, ...parseHostAndPort(text.slice(at + 1)) }
}

function parseHostAndPort(text: string): { host: string; port: number | undefined } {
  const [, written, digits] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text) ?? []
  if (written === undefined) {
    throw new TypeError(`The host in a URL is not valid; in front of it, ${ENCODE_PASSWORD}`)
  }
  const host = written.startsWith('[') ? parseIpv6(written) : parseHostName(written)
  return { host, port: digits === undefined || digits === '' ? undefined : parsePort(digits) }
}

/**
 * A host given by itself: a name or an address, as a URL would hold it; IPv6 without or with brackets.
 *
 * @throws TypeError that does not quote it: a whole URL, password and all, is a likely slip
 */
export function parseHost(text: string): string {
  try {
    return text.includes(':') ? parseIpv6(text.startsWith('[') ? text : `[${text}]`) : parseHostName(text)
  } catch {
    throw new TypeError('Option "host" must be the name or the address of a server, and nothing else')
  }
}

function parsePort(digits: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port >= 1 && port <= 65535) return port
  throw new TypeError(
    `The port in a URL has to be a number from 1 to 65535; in front of a host, ${ENCODE_PASSWORD}`,
  )
}

/** `[2001:db8::1]`, with a zone as in RFC 6874 (`%25eth0`) or as people write it (`%eth0`). */
function parseIpv6(bracketed: string): string {
  const [, address, zone] = /^\[([\da-f:.]+)(?:%(?:25)?([\w.~-]+))?\]$/i.exec(bracketed) ?? []
  const host = address === undefined ? '' : hostByWhatwg(`[${address}]`).slice(1, -1)
  if (host === '') throw new TypeError('The IPv6 address in a URL is not valid')
  return zone === undefined ? host : `${host}%${zone}`
}

function parseHostName(written: string): string {
  if (written === '') throw new TypeError('A URL needs a host')
  const name = decodeUtf8(written, 'host')
  // `new URL` would end the host at some of these and drop others (a tab) in silence.
  const host = /[\s\p{Cc}/\\?#@:<>[\]^|%]/u.test(name) ? '' : hostByWhatwg(name)
  if (host === '') {
    throw new TypeError('The host in a URL is not valid; a name begins behind the / after the host')
  }
  return host
}

/** IDNA and the numeric forms of IPv4, by the platform (`http:` as the scheme whose hosts are treated so). */
function hostByWhatwg(host: string): string {
  try {
    return new URL(`http://${host}/`).hostname
  } catch {
    // Its error holds what was parsed.
    return ''
  }
}

function parsePath(text: string): Path {
  const [suffix, letter] = /;type=([^/;]*)$/i.exec(text) ?? []
  const name = suffix === undefined ? text : text.slice(0, -suffix.length)
  return { bytes: percentDecode(name, 'path'), type: letter === undefined ? undefined : parseType(letter) }
}

function parseType(letter: string): 'ascii' | 'binary' {
  switch (letter.toLowerCase()) {
    case 'a':
      return 'ascii'
    case 'i':
      return 'binary'
    case 'd':
      throw new TypeError('";type=d" in a URL is not supported: list a directory by its path')
    default:
      throw new TypeError('";type=" in a URL has to be a or i; a ; that belongs to a name is written %3B')
  }
}

function decodeUtf8(text: string, part: string): string {
  const bytes = percentDecode(text, part)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new TypeError(`The ${part} in a URL is not UTF-8`)
  }
}

/** Percent-decoding to bytes: a name on a server is in whatever encoding it is in. */
function percentDecode(text: string, part: string): Uint8Array {
  if (/%(?![\da-f]{2})/i.test(text)) {
    throw new TypeError(`The ${part} in a URL holds a % that is no escape; a % is written %25`)
  }
  const pieces = text.match(/%..|[^%]+/gs) ?? []
  const bytes = Uint8Array.from(pieces.flatMap(decodePiece))
  if (!bytes.some((byte) => byte === 0 || byte === 0x0d || byte === 0x0a)) return bytes
  throw new TypeError(`The ${part} in a URL may not hold CR, LF or NUL, escaped or not`)
}

function decodePiece(piece: string): number[] {
  return piece.startsWith('%') ? [parseInt(piece.slice(1), 16)] : [...new TextEncoder().encode(piece)]
}

// What RFC 3986 lets stand in a path, less `;`, which could begin a `;type=`.
const PLAIN = /[\w.~!$&'()*+,=:@/-]/

function encodePath(path: Uint8Array): string {
  return Array.from(path, (byte) => {
    const character = String.fromCharCode(byte)
    return PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
