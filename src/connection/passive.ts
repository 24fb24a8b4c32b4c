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

/** Last replies of a transfer, which may still be on their way when the next one begins. */
const LATE_REPLIES: ReadonlySet<number> = new Set([225, 226, 250, 426, 451])

/**
 * Sends `verb` ({@link EPSV} or {@link PASV}) and gives the endpoint, or the reply where the server refuses.
 * The answer is unmistakable, so this is where one late reply to a transfer that we cut may be dropped.
 */
export async function askPassive(
  control: ControlConnection,
  verb: Command,
  options: {
    readonly timeoutMs: number
    readonly passiveHost: PassiveHostRule
    readonly lateReplyPossible: boolean
  },
): Promise<PassiveEndpoint | Reply> {
  let reply = await control.request(verb, options.timeoutMs)
  if (options.lateReplyPossible && LATE_REPLIES.has(reply.code)) {
    reply = await control.nextReply(options.timeoutMs, 'reply', verb)
  }
  if (!isCompletion(reply)) {
    if (reply.code === 421) throw replyError(reply, control.label, verb)
    return reply
  }
  if (reply.code !== 227 && reply.code !== 229) {
    const message = `${control.label} answered ${verb.verb} with ${reply.code}, which gives no port`
    throw new FtpProtocolError('ERR_FTP_MALFORMED_REPLY', message, {
      host: control.label,
      received: reply.lines[0],
    })
  }
  const offered = parseAnyPassiveReply(reply)
  const address = chooseDataHost(offered.host, control.remoteAddress, options.passiveHost)
  return { address, port: offered.port }
}

export function isEndpoint(answer: PassiveEndpoint | Reply): answer is PassiveEndpoint {
  return 'port' in answer
}
