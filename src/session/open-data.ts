/**
 * A data connection for the next transfer of a session: EPSV, else PASV, remembered per server; or active.
 *
 * In clear it connects beside the commands that follow. While nothing is known of a server it is waited for, with
 * EPSV on a short try, since a firewall that does not know EPSV lets its port time out.
 *
 * Under TLS it connects when the transfer command has gone out, and not before: pyftpdlib takes a ClientHello
 * that comes before the command for a client gone astray, and resets the connection. A port that cannot be
 * reached shows then, too late for another try on this session; the next one tries PASV.
 */
import { EPSV, PASV, endpointOf, type PassiveEndpoint } from '../connection/passive.ts'
import { listenForData } from '../connection/active.ts'
import { DataConnection, type OpenDataSocket } from '../connection/data.ts'
import { passiveSocket } from '../connection/data-socket.ts'
import type { DataReceiver } from '../connection/receiver.ts'
import { replyError } from '../connection/reply-error.ts'
import { FtpError } from '../errors.ts'
import { command } from '../protocol/command.ts'
import { formatExtendedPort, formatPort } from '../protocol/endpoint.ts'
import { isCompletion } from '../protocol/reply.ts'
import { onAbort } from '../util/abort.ts'
import type { DataMode } from './options.ts'
import type { ServerProfile } from './server-profile.ts'
import type { Session } from './session.ts'

/** How long an EPSV port that has never worked may take before PASV is tried. */
const EPSV_TRIAL_MS = 4_000

export interface DataRequest {
  readonly receiver: DataReceiver
  /** Whether, under TLS, an end that may be a cut is no end: where no count of bytes tells. */
  readonly watchesEnd: boolean
  /** Whether it sends. */
  readonly isSending: boolean
  readonly signal: AbortSignal | undefined
}

/** Rejects with `ERR_FTP_DATA`, `ERR_FTP_TIMEOUT` or an `FtpReplyError`. */
export function openData(session: Session, request: DataRequest): Promise<DataConnection> {
  const { dataMode } = session.options
  return dataMode.is === 'active' ? openActive(session, dataMode, request) : openPassive(session, request)
}

async function openPassive(session: Session, request: DataRequest): Promise<DataConnection> {
  const { control, options, profile } = session
  if (profile.passive.way === 'EPSV') {
    const endpoint = endpointOf(await session.request(EPSV), EPSV, control, options.passiveHost)
    const data = endpoint && (await reach(session, 'EPSV', endpoint, request).catch(triesPasv))
    if (data !== undefined) return data
  }
  const reply = await session.request(PASV)
  const endpoint = endpointOf(reply, PASV, control, options.passiveHost)
  if (endpoint === undefined) throw replyError(reply, control.label, PASV)
  return reach(session, 'PASV', endpoint, request)
}

/** The port that EPSV gave cannot be reached; PASV's may be, and if not its error says as much. */
function triesPasv(): undefined {
  return undefined
}

/** The data connection to an endpoint; one of unknown worth is waited for, where that can be done. */
async function reach(
  session: Session,
  way: 'EPSV' | 'PASV',
  endpoint: PassiveEndpoint,
  request: DataRequest,
): Promise<DataConnection> {
  const { profile, options } = session
  const isProven = profile.passive.way === way && profile.passive.isProven
  const { connect } = options.timeouts
  const connectMs = way === 'EPSV' && !isProven ? Math.min(connect, EPSV_TRIAL_MS) : connect
  const data = passiveConnection(session, endpoint, request, connectMs)
  const learnt = learnFrom(data, way, profile)
  if (options.identity !== undefined) return data
  data.start()
  if (isProven) return data
  const stopListening = onAbort(request.signal, () => data.cut())
  try {
    await learnt
    await data.connected
    return data
  } finally {
    stopListening()
  }
}

/** Writes down whether this way leads to the server. Our own cut says nothing of it. */
async function learnFrom(data: DataConnection, way: 'EPSV' | 'PASV', profile: ServerProfile): Promise<void> {
  try {
    await data.connected
    profile.passive = { way, isProven: true }
  } catch (error) {
    if (!(error instanceof FtpError)) return
    // Several sessions may find out at once: only what this way had been taken for is corrected.
    if (profile.passive.way !== way) return
    const next = way === 'EPSV' && !profile.passive.isProven ? 'PASV' : 'EPSV'
    profile.passive = { way: next, isProven: false }
  }
}

/** A data connection to where the server listens, not yet started. */
export function passiveConnection(
  session: Session,
  { address, port }: PassiveEndpoint,
  request: Pick<DataRequest, 'receiver' | 'watchesEnd' | 'isSending'>,
  connectMs: number,
): DataConnection {
  const { localAddress, family, connect, multipath } = session.options
  const target = { address, port, localAddress, family, connect, multipath }
  const open = passiveSocket(target, session.dataSecurity(request.watchesEnd))
  return connectionBy(session, open, request, `${address}:${port}`, connectMs)
}

function connectionBy(
  session: Session,
  open: OpenDataSocket,
  { receiver, isSending }: Pick<DataRequest, 'receiver' | 'isSending'>,
  label: string,
  connectMs: number,
): DataConnection {
  const { timeouts, identity } = session.options
  const tlsMs = identity === undefined ? undefined : timeouts.tls
  return new DataConnection(open, receiver, {
    ...{ label, connectMs, tlsMs, stallMs: timeouts.data, closeMs: timeouts.completion, isSending },
  })
}

async function openActive(
  session: Session,
  mode: DataMode & { readonly is: 'active' },
  request: DataRequest,
): Promise<DataConnection> {
  const { control, options } = session
  const listener = await listenForData(
    {
      listenAddress: options.localAddress ?? control.localAddress,
      ports: mode.ports,
      peerAddress: control.remoteAddress,
    },
    session.dataSecurity(request.watchesEnd),
  )
  try {
    await announce(session, mode.address ?? control.localAddress, listener.port)
  } catch (error) {
    listener.close()
    throw error
  }
  const data = connectionBy(session, listener.open, request, control.label, options.timeouts.connect)
  // pyftpdlib connects at PORT already: there, too, TLS begins behind the transfer command.
  if (options.identity === undefined) data.start()
  void data.end.then(() => listener.close())
  return data
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
