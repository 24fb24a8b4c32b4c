/** The number in a reply to SIZE (RFC 3659 §4). */
import { FtpProtocolError } from '../errors.ts'
import { replyText } from './reply.ts'
import type { Reply } from './reply.ts'

/**
 * Bytes, by a 213; `undefined` for any other reply and for a text that is no plain number: a server that
 * cannot tell the size is no error.
 *
 * @throws FtpProtocolError `ERR_FTP_MALFORMED_REPLY` beyond 2^53 − 1, where offsets would no longer be exact
 */
export function parseSizeReply(reply: Reply): number | undefined {
  const text = reply.lines.join(' ').trim()
  if (reply.code !== 213 || !/^\d+$/.test(text)) return undefined
  const size = Number(text)
  if (Number.isSafeInteger(size)) return size
  const received = replyText(reply)
  throw new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', `The server tells an impossible size: ${received}`, {
    received,
  })
}
