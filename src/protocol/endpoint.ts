/** Where a data connection goes: PASV and EPSV replies read, PORT and EPRT arguments written, hosts trusted. */
import { FtpProtocolError } from '../errors.ts'
import { LOWEST_DATA_PORT } from './limits.ts'
import { replyText } from './reply.ts'
import type { Reply } from './reply.ts'

/** An address and port that a server offered. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Whom to believe about the host of a data connection: `'control'`, the control connection's peer; `'server'`, what
 * PASV says, where it says something; or a function that gives the address. */
export type PassiveHostRule = 'control' | 'server' | ((offered: string, control: string) => string)

// Digits are looked for as RFC 1123 §4.1.2.6 says, since brackets may be missing or be a `=`. Every repetition
// in these patterns is bounded: a server chooses what they run on.
const SIX_NUMBERS =
  /(?<![\d,])(\d{1,3}) ?, ?(\d{1,3}) ?, ?(\d{1,3}) ?, ?(\d{1,3}) ?, ?(\d{1,3}) ?, ?(\d{1,3})(?!\d| ?, ?\d)/
// `(|||port|)`, RFC 2428 §3; the delimiter is any printable character but a digit, which could not be told from
// the port. Some servers fill in protocol and host, as in EPRT; a host has a dot or a colon, or else the commas
// of six numbers would pass for delimiters.
const EXTENDED = /([!-/:-~])[12]?\1(?:[\da-f]{0,4}[.:][\da-f.:]{1,40})?\1(\d{1,5})\1/i

/**
 * The endpoint in a reply to PASV (227), with brackets or without, or `227 =h1,h2,h3,h4,p1,p2`.
 *
 * @throws FtpProtocolError `ERR_FTP_MALFORMED_REPLY`; `ERR_FTP_UNSAFE_HOST` for a port below 1024
 */
export function parsePassiveReply(reply: Reply): Endpoint {
  const numbers = SIX_NUMBERS.exec(textOf(reply))?.slice(1).map(Number)
  if (numbers === undefined || numbers.some((number) => number > 255)) throw malformed(reply)
  const [p1 = 0, p2 = 0] = numbers.slice(4)
  return { host: numbers.slice(0, 4).join('.'), port: safePort(256 * p1 + p2, reply) }
}

/**
 * The port in a reply to EPSV (229). A host in it is not looked at; an endpoint written as in a 227 counts too.
 *
 * @throws FtpProtocolError as {@link parsePassiveReply}
 */
export function parseExtendedPassiveReply(reply: Reply): { port: number } {
  const port = EXTENDED.exec(textOf(reply))?.[2]
  return { port: port === undefined ? parsePassiveReply(reply).port : safePort(Number(port), reply) }
}

/**
 * What a reply to EPSV or PASV offers, read by its code: some servers answer EPSV with a 227.
 *
 * @throws FtpProtocolError as {@link parsePassiveReply}, also for any other code
 */
export function parseAnyPassiveReply(reply: Reply): { host: string | undefined; port: number } {
  if (reply.code === 227) return parsePassiveReply(reply)
  if (reply.code === 229) return { host: undefined, port: parseExtendedPassiveReply(reply).port }
  throw malformed(reply)
}

/**
 * The argument of PORT, `h1,h2,h3,h4,p1,p2` (RFC 959 §4.1.2). IPv4, also when written as `::ffff:192.0.2.1`,
 * as sockets that serve both families do.
 *
 * @throws TypeError for any other address, RangeError for a port that is none
 */
export function formatPort(address: string, port: number): string {
  const octets = ipv4Octets(address)
  if (octets === undefined) throw new TypeError(`PORT takes an IPv4 address, not ${address}`)
  checkPort(port)
  return [...octets, port >> 8, port & 0xff].join(',')
}

/**
 * The argument of EPRT, `|1|192.0.2.1|port|` or `|2|2001:db8::1|port|` (RFC 2428 §2). A zone (`%eth0`) is left
 * out: it means nothing on another machine.
 *
 * @throws TypeError for what is no address, RangeError for a port that is none
 */
export function formatExtendedPort(address: string, port: number): string {
  checkPort(port)
  const octets = ipv4Octets(address)
  if (octets !== undefined) return `|1|${octets.join('.')}|${port}|`
  const unzoned = address.replace(/%.*$/, '')
  if (/^[\da-f.]*:[\da-f:.]+$/i.test(unzoned)) return `|2|${unzoned}|${port}|`
  throw new TypeError(`EPRT takes an IP address, not ${address}`)
}

/**
 * The host that a data connection goes to.
 *
 * - `'control'`: that of the control connection, whatever the server offered. Behind NAT a server offers an
 *   address that only it can reach; a hostile one offers that of somebody else (RFC 2577 §3, the bounce).
 * - `'server'`: what it offered. `0.0.0.0` is no address to connect to, and an EPSV offers none: `control`.
 * - a function: what it makes of the two; not called where none was offered.
 */
export function chooseDataHost(offered: string | undefined, control: string, rule: PassiveHostRule): string {
  if (rule === 'control' || offered === undefined) return control
  if (rule === 'server') return offered === '0.0.0.0' ? control : offered
  return rule(offered, control)
}

function textOf(reply: Reply): string {
  return reply.lines.join(' ')
}

function safePort(port: number, reply: Reply): number {
  if (port < 1 || port > 65535) throw malformed(reply)
  if (port >= LOWEST_DATA_PORT) return port
  const message = `The server offers port ${port} for data; ports below ${LOWEST_DATA_PORT} are refused`
  throw new FtpProtocolError('ERR_FTP_UNSAFE_HOST', message, { received: replyText(reply) })
}

function malformed(reply: Reply): FtpProtocolError {
  const received = replyText(reply)
  const message = `The server's ${reply.code} reply holds no usable address for data: ${received}`
  return new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', message, { received })
}

function ipv4Octets(address: string): number[] | undefined {
  const match = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(address)
  const octets = match?.slice(1).map(Number)
  return octets?.every((octet) => octet <= 255) ? octets : undefined
}

function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return
  throw new RangeError(`A port is a whole number from 1 to 65535, not ${port}`)
}
