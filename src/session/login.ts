/**
 * From nothing to a logged-in control connection: dial, greeting, TLS, USER/PASS/ACCT, protection, FEAT.
 *
 *   'none'      dial ─► 220 ─────────────────────────► (HOST) USER … ─► FEAT
 *   'explicit'  dial ─► 220 ─► AUTH TLS ─► handshake ─► USER … ─► PBSZ 0, PROT P ─► FEAT (─► CCC)
 *   'implicit'  dial ─► handshake ─► 220 ─────────────► USER … ─► PBSZ 0, PROT P ─► FEAT (─► CCC)
 *
 * Nothing is ever sent in clear that was to be protected: each refusal on the way is an error, not a detour.
 */
import { ControlConnection, type ControlWatch } from '../connection/control.ts'
import { replyError } from '../connection/reply-error.ts'
import { FtpConnectionError, FtpTlsError, type FtpReplyError } from '../errors.ts'
import { command, describeCommand, type Command } from '../protocol/command.ts'
import { NO_FEATURES, parseFeatures, type ServerFeatures } from '../protocol/features.ts'
import { isCompletion, isIntermediate, replyText, type Reply } from '../protocol/reply.ts'
import { UTF_8 } from '../protocol/text-codec.ts'
import { connectBy, type Carrier } from '../transport/connect.ts'
import { dial } from '../transport/dial.ts'
import { onAbort, waitOrAbort } from '../util/abort.ts'
import type { SessionOptions } from './options.ts'
import { inOneBurst, takesBursts } from './bursts.ts'
import { passProxy, proxySecrets } from './proxy-login.ts'
import type { ServerProfile } from './server-profile.ts'

/** RFC 1635: anonymous users give an address as password; servers check at most for the `@`. */
const ANONYMOUS_PASSWORD = 'anonymous@'
const ACCOUNT_WANTED = 332

export interface LoggedIn {
  readonly control: ControlConnection
  /** What the server said to greet, and to the login. */
  readonly welcome: readonly string[]
}

/**
 * Resolves with a logged-in control connection. Rejects with a typed error, nothing left open, or with the
 * signal's reason.
 */
export async function login(
  options: SessionOptions,
  profile: ServerProfile,
  signal: AbortSignal,
  watch: ControlWatch | undefined,
): Promise<LoggedIn> {
  const password = await waitOrAbort(options.password(), signal)
  signal.throwIfAborted()
  const { timeouts, label, codec, virtualHost } = options
  const socket = await reach(options, signal)
  const proxySaid = proxySecrets(options.proxy, password)
  const secrets = [...proxySaid, password, options.account].filter((secret) => secret !== undefined)
  const control = new ControlConnection(socket, {
    ...{ label, secrets, codec, watch, probes: options.keepAlive !== false },
    // Its address is that of a proxy, if anybody's.
    ...(options.connect !== undefined && { peer: options.host }),
  })
  const stopListening = onAbort(signal, (reason) => control.destroy(reason))
  try {
    if (options.security === 'implicit') await upgrade(control, options)
    const greeting = await greet(control, options)
    if (options.security === 'explicit') await startTls(control, options)
    if (virtualHost !== undefined) await nameHost(control, virtualHost, timeouts.reply)
    const accepted = await identify(control, options, password)
    control.loggedIn()
    const welcome = [...greeting.lines, ...accepted.lines]
    const place = { control, profile, welcome }
    if (takesBursts(place)) await inOneBurst(place, () => settleInAtOnce(control, options, profile))
    else await settleIn(control, options, profile)
    // The very last: nothing that a login needs goes in clear.
    if (options.clearCommandChannel) await clearCommands(control, options)
    return { control, welcome }
  } catch (error) {
    control.destroy(error)
    throw error
  } finally {
    stopListening()
  }
}

async function reach(options: SessionOptions, signal: AbortSignal): Promise<Carrier> {
  const { family, localAddress, timeouts, connect, multipath } = options
  const { host, port } = options.proxy ?? options
  const target = { host, port, family, localAddress, timeoutMs: timeouts.connect, signal }
  if (connect !== undefined) return connectBy(connect, { ...target, purpose: 'control' })
  await multipath?.ready()
  return dial(target, multipath?.begin('control'))
}

function upgrade(control: ControlConnection, options: SessionOptions): Promise<void> {
  const { identity, timeouts, clearCommandChannel } = options
  if (identity === undefined) throw new TypeError('TLS was asked for without TLS options')
  return control.upgrade(identity, timeouts.tls, clearCommandChannel)
}

/** A command and its reply. One that only says that the server closes (421) is no answer to it. */
async function ask(control: ControlConnection, sent: Command, timeoutMs: number): Promise<Reply> {
  const reply = await control.request(sent, timeoutMs)
  if (reply.code === 421) throw replyError(reply, control.label, sent)
  return reply
}

/** RFC 959 §5.4: 220, perhaps after a 120. A server out of places says 421, or nothing at all. */
async function greet(control: ControlConnection, { timeouts }: SessionOptions): Promise<Reply> {
  try {
    const since = performance.now()
    let reply = await control.nextReply(timeouts.greeting, 'greeting')
    while (reply.code === 120)
      reply = await control.nextReply(timeouts.greeting, 'greeting', undefined, since)
    if (!isCompletion(reply)) throw replyError(reply, control.label, undefined)
    return reply
  } catch (error) {
    if (error instanceof FtpConnectionError && error.code === 'ERR_FTP_CONTROL_CLOSED')
      throw closedUngreeted(control, error)
    throw error
  }
}

function closedUngreeted(control: ControlConnection, cause: FtpConnectionError): FtpConnectionError {
  const message = `${control.label} closed the connection without a greeting: it may be full, or not an FTP server, or want implicit TLS ("ftps:")`
  return new FtpConnectionError('ERR_FTP_CONNECT', message, {
    cause,
    host: control.label,
    address: cause.address,
  })
}

const AUTH_TLS: Command = command('AUTH', 'TLS')

/** RFC 4217 §4. */
async function startTls(control: ControlConnection, options: SessionOptions): Promise<void> {
  const reply = await ask(control, AUTH_TLS, options.timeouts.reply)
  if (!isCompletion(reply)) {
    throw tlsRefused(
      control,
      AUTH_TLS,
      reply,
      'Nothing was sent in clear; security: \'none\' ("ftp:") would log in without TLS',
    )
  }
  await upgrade(control, options)
}

/** RFC 4217 §9: both are needed, in this order. Some servers refuse PBSZ, which means nothing under TLS. */
const PROTECTION: readonly Command[] = [command('PBSZ', '0'), command('PROT', 'P')]
const FEAT: Command = command('FEAT')
const UTF8_ON: Command = command('OPTS', 'UTF8 ON')

/** What is left to be said by one who has been let in, one by one. */
async function settleIn(
  control: ControlConnection,
  { security, codec, timeouts }: SessionOptions,
  profile: ServerProfile,
): Promise<void> {
  for (const sent of security === 'none' ? [] : PROTECTION) {
    expectSettled(control, sent, await control.request(sent, timeouts.reply))
  }
  profile.features ??= featuresOf(expectSettled(control, FEAT, await control.request(FEAT, timeouts.reply)))
  if (codec !== UTF_8 || !profile.features.has('UTF8')) return
  expectSettled(control, UTF8_ON, await control.request(UTF8_ON, timeouts.reply))
}

/** The same in one packet. UTF-8 is asked for before it is known whether there is an answer to that. */
async function settleInAtOnce(
  control: ControlConnection,
  { security, codec, timeouts }: SessionOptions,
  profile: ServerProfile,
): Promise<void> {
  const { features } = profile
  const wantsUtf8 = codec === UTF_8 && features?.has('UTF8') !== false
  const burst = [
    ...(security === 'none' ? [] : PROTECTION),
    ...(features === undefined ? [FEAT] : []),
    ...(wantsUtf8 ? [UTF8_ON] : []),
  ]
  if (burst.length > 0) control.write(...burst)
  for (const sent of burst) {
    const reply = expectSettled(control, sent, await control.lastReply(timeouts.reply, 'reply', sent))
    if (sent === FEAT) profile.features ??= featuresOf(reply)
  }
}

/** Only what the data need has to be granted. */
function expectSettled(control: ControlConnection, sent: Command, reply: Reply): Reply {
  if (reply.code === 421) throw replyError(reply, control.label, sent)
  if (sent.verb !== 'PROT' || isCompletion(reply)) return reply
  throw tlsRefused(control, sent, reply, 'Files would travel in clear, so nothing is transferred')
}

function featuresOf(reply: Reply): ServerFeatures {
  return isCompletion(reply) ? parseFeatures(reply) : NO_FEATURES
}

/** RFC 4217 §5: for routers that have to read which ports are meant. Data connections stay protected. */
async function clearCommands(control: ControlConnection, { timeouts }: SessionOptions): Promise<void> {
  const sent = command('CCC')
  const reply = await control.leaveTls(sent, timeouts.reply, timeouts.tls)
  if (!isCompletion(reply)) {
    throw tlsRefused(control, sent, reply, 'Without the option "clearCommandChannel" it is not asked for')
  }
}

function tlsRefused(control: ControlConnection, sent: Command, reply: Reply, advice: string): FtpTlsError {
  const name = describeCommand(sent)
  const answer = `${reply.code} ${replyText(reply)}`.replace(/\.$/, '')
  const message = `${control.label} refuses ${name}: ${answer}. ${advice}`
  return new FtpTlsError('ERR_FTP_TLS_REFUSED', message, { host: control.label, command: name })
}

/** RFC 7151 §3: which of the hosts of this address is meant, before anybody says who he is. */
async function nameHost(control: ControlConnection, name: string, timeoutMs: number): Promise<void> {
  const sent = command('HOST', name)
  const reply = await control.request(sent, timeoutMs)
  if (!isCompletion(reply)) throw replyError(reply, control.label, sent)
}

/** RFC 959 §6: PASS only after 331, ACCT only after 332. */
async function identify(
  control: ControlConnection,
  options: SessionOptions,
  password: string | undefined,
): Promise<Reply> {
  const { account, timeouts, proxy } = options
  const own = {
    user: options.user,
    password: password ?? (options.user === 'anonymous' ? ANONYMOUS_PASSWORD : ''),
  }
  const told = proxy === undefined ? own : await passProxy(control, proxy, options, own)
  let sent = command('USER', told.user)
  let reply = await control.request(sent, timeouts.reply)
  if (isIntermediate(reply) && reply.code !== ACCOUNT_WANTED) {
    sent = command('PASS', told.password)
    reply = await control.request(sent, timeouts.reply)
  }
  if (reply.code === ACCOUNT_WANTED && account !== undefined) {
    sent = command('ACCT', account)
    reply = await control.request(sent, timeouts.reply)
  }
  if (!isCompletion(reply)) throw loginRefused(control, options, sent, reply, password)
  return reply
}

function loginRefused(
  control: ControlConnection,
  { user, account }: SessionOptions,
  sent: Command,
  reply: Reply,
  password: string | undefined,
): FtpReplyError {
  if (reply.code === 421) return replyError(reply, control.label, sent)
  const advice =
    reply.code === ACCOUNT_WANTED && account === undefined
      ? 'It asks for an account: give the "account" option'
      : password === undefined
        ? `No password was given for user "${user}"`
        : `Check user "${user}" and the password`
  return replyError(reply, control.label, sent, 'ERR_FTP_LOGIN', advice)
}
