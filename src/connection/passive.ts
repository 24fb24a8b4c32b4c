/** Asking the server for a port to connect to: EPSV (RFC 2428 §3) and PASV (RFC 959 §4.1.2). */
import { FtpProtocolError } from '../errors.ts'
import { command, type Command } from '../protocol/command.ts'
import { chooseDataHost, parseAnyPassiveReply, type PassiveHostRule } from '../protocol/endpoint.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import type { ControlConnection } from './control.ts'
import { replyError } from './reply-error.ts'

export const EPSV: Command = command('EPSV')
export const PASV: Command = command('PASV')

export interface PassiveEndpoint {
  readonly address: string
  readonly port: number
}

/**
 * The endpoint that a reply to {@link EPSV} or {@link PASV} gives, or `undefined` where the server refuses.
 * Throws an `FtpProtocolError` for one that makes no sense.
 */
export function endpointOf(
  reply: Reply,
  verb: Command,
  control: ControlConnection,
  passiveHost: PassiveHostRule,
): PassiveEndpoint | undefined {
  if (!isCompletion(reply)) {
    if (reply.code === 421) throw replyError(reply, control.label, verb)
    return undefined
  }
  if (reply.code !== 227 && reply.code !== 229) {
    const message = `${control.label} answered ${verb.verb} with ${reply.code}, which gives no port`
    throw new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', message, {
      host: control.label,
      received: reply.lines[0],
    })
  }
  const offered = parseAnyPassiveReply(reply)
  const address = chooseDataHost(offered.host, control.remoteAddress, passiveHost)
  return { address, port: offered.port }
}
