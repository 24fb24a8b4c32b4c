/**
 * A data connection for the next transfer of a session: EPSV, else PASV, remembered per server; or active.
 *
 * While nothing is known of a server its first data connection is waited for, with EPSV on a short try, since
 * a firewall that does not know EPSV lets its port time out. Once a way has worked, connecting goes on beside
 * the commands that follow.
 */
import { EPSV, PASV, askPassive, isEndpoint, type PassiveEndpoint } from '../connection/passive.ts'
import { listenForData } from '../connection/active.ts'
import { DataConnection, type OpenDataSocket } from '../connection/data.ts'
import { passiveSocket } from '../connection/data-socket.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import { replyError } from '../connection/reply-error.ts'
import { command, type Command } from '../protocol/command.ts'
import { formatExtendedPort, formatPort } from '../protocol/endpoint.ts'
import { isCompletion, type Reply } from '../protocol/reply.ts'
import type { DataMode } from './options.ts'
import type { Session } from './session.ts'

/** How long an EPSV port that has never worked may take before PASV is tried. */
const EPSV_TRIAL_MS = 4_000

/** Rejects with `ERR_FTP_DATA`, `ERR_FTP_TIMEOUT` or an `FtpReplyError`. */
export function openData(session: Session, receiver: DataReceiver): Promise<DataConnection> {
  const { dataMode } = session.options
  return dataMode.is === 'active' ? openActive(session, dataMode, receiver) : openPassive(session, receiver)
}

async function openPassive(session: Session, receiver: DataReceiver): Promise<DataConnection> {
  const { profile } = session
  if (profile.passive !== 'PASV') {
    const data = await tryExtended(session, receiver)
    if (data !== undefined) return data
  }
  const answer = await ask(session, PASV)
  if (!isEndpoint(answer)) throw replyError(answer, session.control.label, PASV)
  const data = connectTo(session, answer, receiver, session.options.timeouts.connect)
  if (profile.passive !== 'PASV') {
    await data.connected
    profile.passive = 'PASV'
  }
  return data
}

/** By EPSV, or `undefined` where PASV has to be tried. */
async function tryExtended(session: Session, receiver: DataReceiver): Promise<DataConnection | undefined> {
  const { profile, options } = session
  const answer = await ask(session, EPSV)
  if (!isEndpoint(answer)) return undefined
  const { connect } = options.timeouts
  if (profile.passive === 'EPSV') return connectTo(session, answer, receiver, connect)
  const data = connectTo(session, answer, receiver, Math.min(connect, EPSV_TRIAL_MS))
  try {
    await data.connected
  } catch {
    return undefined // The port cannot be reached; PASV's may be, and if not its error says as much.
  }
  profile.passive = 'EPSV'
  return data
}

function ask(session: Session, verb: Command): Promise<PassiveEndpoint | Reply> {
  return askPassive(session.control, verb, {
    timeoutMs: session.options.timeouts.reply,
    passiveHost: session.options.passiveHost,
    lateReplyPossible: session.lateReplyPossible,
  })
}

function connectTo(
  session: Session,
  { address, port }: PassiveEndpoint,
  receiver: DataReceiver,
  connectMs: number,
): DataConnection {
  const target = { address, port, localAddress: session.options.localAddress }
  const open = passiveSocket(target, session.dataSecurity)
  return receiveBy(session, open, receiver, `${address}:${port}`, connectMs)
}

function receiveBy(
  session: Session,
  open: OpenDataSocket,
  receiver: DataReceiver,
  label: string,
  connectMs: number,
): DataConnection {
  return new DataConnection(open, receiver, { label, connectMs, stallMs: session.options.timeouts.data })
}

async function openActive(
  session: Session,
  mode: DataMode & { readonly is: 'active' },
  receiver: DataReceiver,
): Promise<DataConnection> {
  const { control, options } = session
  const listener = await listenForData(
    {
      listenAddress: options.localAddress ?? control.localAddress,
      ports: mode.ports,
      peerAddress: control.remoteAddress,
    },
    session.dataSecurity,
  )
  try {
    await announce(session, mode.address ?? control.localAddress, listener.port)
  } catch (error) {
    listener.close()
    throw error
  }
  return receiveBy(session, listener.open, receiver, control.label, options.timeouts.connect)
}

/** PORT is what every server knows and every NAT rewrites; it cannot say an IPv6 address, and EPRT can. */
async function announce(session: Session, address: string, port: number): Promise<void> {
  const extended = command('EPRT', formatExtendedPort(address, port))
  if (!address.includes(':') || /^::ffff:\d+\./i.test(address)) {
    const reply = await session.request(command('PORT', formatPort(address, port)))
    if (isCompletion(reply)) return
  }
  await session.require(extended)
}
