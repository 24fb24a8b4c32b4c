/** Paths in replies to PWD and MKD: in double quotes, with a quote in the path doubled (RFC 959 Appendix II). */
import { FtpProtocolError } from '../errors.ts'
import { replyText } from './reply.ts'
import type { Reply } from './reply.ts'

// Anchored and without overlapping alternatives: linear, whatever the server sends.
const QUOTED = /^[^"]*"((?:[^"]|"")*)"(?!")/
/**
 * Pure-FTPd leaves the quotes in a name as they are: then something stands right behind what seems to be the last, or,
 * where the name ends in one, there is no last.
 */
const UNDOUBLED = /^[^"]*"(.*)"(?=\s|$)/

/**
 * The path in a 257 reply.
 *
 * @throws FtpProtocolError `ERR_FTP_MALFORMED_REPLY` for another code, or where no quoted path is; it is not
 *   guessed at, as files would go to the wrong place
 */
export function parsePathReply(reply: Reply): string {
  const line = reply.lines.find((text) => text.includes('"')) ?? ''
  if (reply.code === 257) {
    const [whole = '', path] = QUOTED.exec(line) ?? []
    const isDoubled = path !== undefined && !/^\S/.test(line.slice(whole.length))
    const [longer = '', undoubled] = (isDoubled ? null : UNDOUBLED.exec(line)) ?? []
    if (undoubled !== undefined && longer.length > whole.length) return undoubled
    if (path !== undefined) return path.replaceAll('""', '"')
  }
  const received = replyText(reply)
  const message = `The server's ${reply.code} reply holds no path in quotes: ${received}`
  throw new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', message, { received })
}

/** A path as it stands in a 257 reply. */
export function quotePath(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
