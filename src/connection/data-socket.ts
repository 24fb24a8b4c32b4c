/**
 * The kinds of socket under a data connection, which differ in how bytes are read and how they are reset:
 *
 *   passive, plain   Node reads into our buffer (`onread`); reset by the public `resetAndDestroy()`
 *   passive, TLS     the same, where the runtime lets the TCP connection under TLS be reset
 *   adopted          a connection that stands (active mode, option `connect`, TLS elsewhere or over Multipath TCP):
 *                    16 KiB chunks, copied once; reset where it is TCP's, destroyed where it is not
 */
import { connect, isIP, Socket, type TcpNetConnectOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { FtpConnectionError, FtpError } from '../errors.ts'
import { handshakeError, isAboutOurCertificate, otherCertificateError } from '../tls/handshake.ts'
import { RecordTap } from '../tls/record-tap.ts'
import { canResetUnderTls, resetUnderTls } from '../tls/reset.ts'
import { identityOptions, type SecureIdentity } from '../tls/secure-options.ts'
import { TappedSocket } from '../tls/tapped-socket.ts'
import type { Tickets } from '../tls/tickets.ts'
import { connectBy, type Carrier, type Connect } from '../transport/connect.ts'
import type { Multipath } from '../transport/mptcp/multipath.ts'
import { lateModule } from '../util/late-modules.ts'
import type { DataSocket, DataSocketEvents, OpenDataSocket } from './data.ts'
import type { DataReceiver } from './receiver.ts'

export interface DataTarget {
  readonly address: string
  readonly port: number
  readonly localAddress: string | undefined
  readonly family: 0 | 4 | 6
  /** What makes the connection, if not we ourselves. */
  readonly connect: Connect | undefined
  /** What opens the socket that is to connect, if not Node. */
  readonly multipath: Multipath | undefined
}

/** What a data connection needs to be protected (PROT P, RFC 4217 §9) and resumed. */
export interface DataSecurity {
  readonly identity: SecureIdentity
  readonly tickets: Tickets
  /** What the control connection's server has shown, as DER. */
  readonly certificate: Uint8Array | undefined
  /**
   * Whether the end of the connection has to be told from a cut: where the size is known, the count of bytes says
   * more, and reading is faster.
   */
  readonly watchesEnd: boolean
}

/** A passive data connection: we connect. */
export function passiveSocket(target: DataTarget, security: DataSecurity | undefined): OpenDataSocket {
  const { connect: make, multipath } = target
  if (make !== undefined) return (receiver, events) => madeSocket(make, target, security, receiver, events)
  if (security === undefined) return (receiver, events) => plainSocket(target, receiver, events)
  const isDirect = canResetUnderTls() && !security.watchesEnd && multipath === undefined
  if (isDirect && identityReaches(security.identity, target.address)) {
    return (receiver, events) => directTlsSocket(target, security, receiver, events)
  }
  return (receiver, events) => {
    const socket = beginConnecting(target)
    socket.once('connect', () => events.connected())
    return adopt(socket, labelOf(target), security, receiver, events)
  }
}

/** A connection that the caller's function makes. */
function madeSocket(
  make: Connect,
  target: DataTarget,
  security: DataSecurity | undefined,
  receiver: DataReceiver,
  events: DataSocketEvents,
): DataSocket {
  const { address: host, port, family, localAddress } = target
  const wanted = new AbortController()
  // The data connection has the deadline.
  const request = { host, port, family, localAddress, timeoutMs: Infinity, signal: wanted.signal }
  const made = connectBy(make, { ...request, purpose: 'data' }).catch((error: unknown) => {
    throw dataError(error, labelOf(target))
  })
  const begin = (carrier: Carrier): DataSocket => {
    carrier.setNoDelay?.(true)
    return adoptedSocket(carrier, labelOf(target), security, receiver, events)
  }
  return laterSocket(made, begin, events, () => wanted.abort(new Error('it is no longer wanted')))
}

function dataError(cause: unknown, label: string): unknown {
  if (!(cause instanceof FtpError)) return cause
  const message = `The data connection to ${label} could not be made: ${cause.message}`
  const { retryable } = cause
  return new FtpConnectionError('ERR_FTP_DATA', message, { cause, retryable, host: label, address: label })
}

/**
 * A data socket that comes into being when its connection does. `giveUp` is called where it is reset before; what comes
 * all the same is destroyed.
 */
export function laterSocket<T extends Duplex>(
  made: Promise<T>,
  begin: (carrier: T) => DataSocket,
  events: Pick<DataSocketEvents, 'failed'>,
  giveUp: () => void,
): DataSocket {
  let socket: DataSocket | undefined
  let isReset = false
  made.then(
    (carrier) => {
      if (isReset) carrier.destroy()
      else socket = begin(carrier)
    },
    (error: unknown) => {
      if (!isReset) events.failed(error as Error)
    },
  )
  return {
    get tls() {
      return socket?.tls
    },
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
    // Not before it has told that it is connected.
    write: (bytes, done) => socket?.write(bytes, done),
    end: () => socket?.end(),
    reset: () => {
      isReset = true
      if (socket === undefined) giveUp()
      else socket.reset()
    },
  }
}

/** A connection that stands. */
export function adoptedSocket(
  carrier: Duplex,
  label: string,
  security: DataSecurity | undefined,
  receiver: DataReceiver,
  events: DataSocketEvents,
): DataSocket {
  events.connected()
  return adopt(carrier, label, security, receiver, events)
}

export function labelOf({ address, port }: Pick<DataTarget, 'address' | 'port'>): string {
  return `${address}:${port}`
}

function tcpOptions({ address, port, localAddress }: DataTarget): TcpNetConnectOpts {
  return { host: address, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) }
}

function beginConnecting(target: DataTarget, onread?: TcpNetConnectOpts['onread']): Socket {
  const begin = target.multipath?.begin('data') ?? connect
  return begin({ ...tcpOptions(target), ...(onread !== undefined && { onread }) })
}

/** Whether `tls.connect({ host })` can be made to reach the address: a literal host is not looked up. */
function identityReaches(identity: SecureIdentity, address: string): boolean {
  return isIP(identity.host) === 0 || identity.host === address
}

function readInto(receiver: DataReceiver, events: DataSocketEvents): TcpNetConnectOpts['onread'] {
  return {
    buffer: () => receiver.space(),
    callback: (bytes: number) => events.received(bytes),
  }
}

/** Whichever of these comes first says how the connection ended; the owner ignores the rest. */
function reportEnd(socket: Duplex, events: DataSocketEvents, describe: (error: Error) => Error): void {
  socket.once('end', () => events.ended())
  socket.on('error', (error) => events.failed(describe(error)))
  socket.once('close', () => events.closed())
}

function asItIs(error: Error): Error {
  return error
}

function plainSocket(target: DataTarget, receiver: DataReceiver, events: DataSocketEvents): DataSocket {
  const onread = readInto(receiver, events)
  const socket = beginConnecting(target, onread)
  socket.once('connect', () => events.connected())
  reportEnd(socket, events, asItIs)
  return {
    tls: undefined,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    write: (bytes, done) => socket.write(bytes, done),
    end: () => socket.end(),
    reset: () => resetNow(socket),
  }
}

/**
 * `resetAndDestroy()` waits for a connection that is being made, and one to a filtered port never comes; and on
 * one that is being ended it fails and leaves the handle open for good (Node 20.20). It throws where the connection is
 * not TCP's, which then has no address.
 */
function resetNow(socket: Duplex): void {
  if (isTls(socket)) resetUnderTls(socket)
  else if (!(socket instanceof Socket) || socket.remoteAddress === undefined) socket.destroy()
  else if (socket.connecting || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** Such as one to a proxy. */
function isTls(socket: Duplex): socket is TLSSocket {
  return 'encrypted' in socket
}

/** TLS that makes its own TCP connection: the only form in which Node reads decrypted bytes into our buffer. */
function directTlsSocket(
  target: DataTarget,
  security: DataSecurity,
  receiver: DataReceiver,
  events: DataSocketEvents,
): DataSocket {
  const options = {
    ...identityOptions(security.identity),
    port: target.port,
    // The control connection's peer, whatever the name resolves to now: round robin must not split them.
    autoSelectFamily: false,
    lookup: (_host, _options, answer) => answer(null, target.address, isIP(target.address)),
    ...(target.localAddress !== undefined && { localAddress: target.localAddress }),
    onread: readInto(receiver, events),
  } as ConnectionOptions
  const secured = lateModule('node:tls').connect({ ...options, ...sessionToOffer(security) })
  let isConnected = false
  secured.once('connect', () => {
    isConnected = true
    events.connected()
  })
  const label = labelOf(target)
  const facts = followHandshake(secured, label, security, events)
  // Before the connection stands an error is TCP's, then the handshake's, then the transfer's.
  const isHandshakes = (error: Error): boolean =>
    isConnected && (facts.tls === undefined || isAboutOurCertificate(error))
  reportEnd(secured, events, (error) => (isHandshakes(error) ? handshakeError(error, label) : error))
  return {
    get tls() {
      return facts.tls
    },
    pause: () => secured.pause(),
    resume: () => secured.resume(),
    write: (bytes, done) => secured.write(bytes, done),
    end: () => secured.end(),
    reset: () => {
      security.tickets.doubt(facts.origin)
      resetUnderTls(secured)
    },
  }
}

function sessionToOffer({ tickets }: DataSecurity): { session?: Buffer } {
  const session = tickets.take()
  return session === undefined ? {} : { session: Buffer.from(session) }
}

interface HandshakeFacts {
  readonly origin: number
  tls: DataSocket['tls']
}

/** Notes what the handshake gave, and keeps the tickets that come by this connection. */
function followHandshake(
  secured: TLSSocket,
  label: string,
  { tickets, certificate }: DataSecurity,
  events: DataSocketEvents,
): HandshakeFacts {
  const facts: HandshakeFacts = { origin: tickets.nextOrigin(), tls: undefined }
  // Of whoever is not known to be the server nothing is resumed later.
  const early: Uint8Array[] = []
  secured.on('session', (session) => {
    if (facts.tls === undefined) early.push(session)
    else tickets.add(session, facts.origin)
  })
  secured.once('secureConnect', () => {
    const resumed = secured.isSessionReused()
    if (!resumed && !showsCertificate(secured, certificate)) {
      events.failed(otherCertificateError(label))
      return
    }
    for (const session of early) tickets.add(session, facts.origin)
    facts.tls = { protocol: secured.getProtocol() ?? 'unknown', resumed }
    events.secured()
  })
  return facts
}

function showsCertificate(secured: TLSSocket, wanted: Uint8Array | undefined): boolean {
  const shown = secured.getPeerX509Certificate()?.raw
  return shown === undefined || wanted === undefined ? shown === wanted : shown.equals(wanted)
}

function adopt(
  socket: Duplex,
  label: string,
  security: DataSecurity | undefined,
  receiver: DataReceiver,
  events: DataSocketEvents,
): DataSocket {
  if (security === undefined) {
    return copying(socket, receiver, events, { tls: undefined }, asItIs, () => resetNow(socket))
  }
  const tap = new RecordTap()
  const carrier = security.watchesEnd ? new TappedSocket(socket, (chunk) => tap.push(chunk)) : socket
  const secured = lateModule('node:tls').connect({
    ...identityOptions(security.identity),
    socket: carrier,
    ...sessionToOffer(security),
  })
  const facts = followHandshake(secured, label, security, events)
  socket.on('error', (error) => events.failed(error))
  const ended = (): void => {
    socket.end() // vsftpd holds its 226 back until we have closed, too.
    if (!security.watchesEnd || tap.isClosedInOrder) events.ended()
    else events.failed(new Error('it ended without the TLS close_notify, so that it may have been cut'))
  }
  const describe = (error: Error): Error =>
    facts.tls === undefined || isAboutOurCertificate(error) ? handshakeError(error, label) : error
  return copying(secured, receiver, { ...events, ended }, facts, describe, () => {
    security.tickets.doubt(facts.origin)
    secured.on('error', () => {})
    // With a write under way Node crashes when the TCP connection goes before the TLS over it (Node 20.20).
    if (carrier === socket && canResetUnderTls()) return resetUnderTls(secured)
    resetNow(socket)
    secured.destroy()
  })
}

/** Reads a socket that hands out its own chunks, and copies each into the receiver's room. */
function copying(
  socket: Duplex,
  receiver: DataReceiver,
  events: DataSocketEvents,
  facts: { readonly tls: DataSocket['tls'] },
  describe: (error: Error) => Error,
  reset: () => void,
): DataSocket {
  let rest: Uint8Array = new Uint8Array(0)
  let isPaused = false
  const wantsPause = (): boolean => isPaused
  let hasEnded = false
  const deliver = (chunk: Uint8Array): void => {
    rest = chunk
    while (rest.length > 0) {
      const count = fill(receiver.space(), rest)
      rest = rest.subarray(count)
      if (!events.received(count)) return
    }
    if (hasEnded) events.ended()
  }
  // Node tells the end of a paused socket, and closes it, once it has nothing left itself; what is left here
  // comes first.
  const ended = (): void => {
    hasEnded = true
    if (rest.length === 0) events.ended()
  }
  const failed = (error: Error): void => {
    if (!hasEnded) events.failed(error)
  }
  const closed = (): void => {
    if (!hasEnded) events.closed()
  }
  reportEnd(socket, { ...events, ended, failed, closed }, describe)
  socket.on('data', deliver)
  socket.resume() // It may have been given paused.
  return {
    get tls() {
      return facts.tls
    },
    pause: () => {
      isPaused = true
      socket.pause()
    },
    resume: () => {
      isPaused = false
      deliver(rest) // It may have enough again, with the rest or with its last byte.
      if (!wantsPause()) socket.resume()
    },
    write: (bytes, done) => socket.write(bytes, done),
    end: () => socket.end(),
    reset,
  }
}

/** Copies what fits; returns how many bytes did. */
function fill(space: Uint8Array, bytes: Uint8Array): number {
  const count = Math.min(space.length, bytes.length)
  space.set(bytes.subarray(0, count))
  return count
}
