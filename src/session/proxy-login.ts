/** Gets past an FTP proxy: its own login, and which server is meant. What follows is the login to the server. */
import type { ControlConnection } from '../connection/control.ts'
import { replyError } from '../connection/reply-error.ts'
import { FtpConnectionError, type FtpError } from '../errors.ts'
import { command, describeCommand, type Command } from '../protocol/command.ts'
import { isCompletion, isIntermediate, replyText, type Reply } from '../protocol/reply.ts'
import { hostAndPort } from '../transport/address.ts'
import type { FtpProxy } from '../transport/proxy/ftp-proxy.ts'
import type { SessionOptions } from './options.ts'

/** What the server, or the proxy on its behalf, is told by USER and PASS. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

const USUAL_PORT = 21

/** @returns what USER and PASS have to say behind it */
export async function passProxy(
  control: ControlConnection,
  proxy: FtpProxy,
  { host, port, timeouts }: SessionOptions,
  { user, password }: Credentials,
): Promise<Credentials> {
  const server = port === USUAL_PORT ? host : hostAndPort({ host, port })
  if (proxy.login === 'joined') {
    const joined = `${password}@${proxy.password()}`
    return { user: `${user}@${proxy.user ?? ''}@${server}`, password: joined }
  }
  if (proxy.user !== undefined) await logIn(control, proxy, proxy.user, timeouts.reply)
  if (proxy.login === 'user@host') return { user: `${user}@${server}`, password }
  const sent = command(proxy.login === 'open' ? 'OPEN' : 'SITE', server)
  const reply = await control.request(sent, timeouts.reply)
  if (!isCompletion(reply)) throw notOpened(control, proxy, sent, reply)
  return { user, password }
}

/** All that no message may show: the proxy's password, also as part of another. */
export function proxySecrets(proxy: FtpProxy | undefined, password: string | undefined): readonly string[] {
  if (proxy === undefined || proxy.password() === '') return []
  return [`${password ?? ''}@${proxy.password()}`, proxy.password()]
}

async function logIn(
  control: ControlConnection,
  proxy: FtpProxy,
  user: string,
  timeoutMs: number,
): Promise<void> {
  let sent = command('USER', user)
  let reply = await control.request(sent, timeoutMs)
  if (isIntermediate(reply)) {
    sent = command('PASS', proxy.password())
    reply = await control.request(sent, timeoutMs)
  }
  if (isCompletion(reply)) return
  if (reply.code === 421) throw replyError(reply, control.label, sent)
  const advice = `That was the FTP proxy ${hostAndPort(proxy)}: check user and password in its URL`
  throw replyError(reply, control.label, sent, 'ERR_FTP_LOGIN', advice)
}

function notOpened(control: ControlConnection, proxy: FtpProxy, sent: Command, reply: Reply): FtpError {
  if (reply.code === 421) return replyError(reply, control.label, sent)
  const name = describeCommand(sent)
  const answer = `${reply.code} ${replyText(reply)}`.replace(/\.$/, '')
  const message = `The FTP proxy ${hostAndPort(proxy)} refuses ${name}: ${answer}`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, {
    host: control.label,
    command: name,
    retryable: reply.code < 500,
  })
}
