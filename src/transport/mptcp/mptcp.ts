/**
 * Connections over Multipath TCP (RFC 8684): Node makes and runs them as those over TCP, on a socket that the system has
 * opened for it.
 */
import { connect, type Socket } from 'node:net'
import { callListener } from '../../util/listener.ts'
import { optionsObject } from '../../util/validate.ts'
import type { Connect } from '../connect.ts'
import { dial, type BeginConnecting } from '../dial.ts'
import { loadSystemCalls, type SystemCalls } from './system-calls.ts'

/** A connection that stands, for {@link MptcpOptions.onConnection}. */
export interface MptcpConnection {
  readonly purpose: 'control' | 'data'
  readonly host: string
  /** The address that it was made to. */
  readonly address: string
  readonly port: number
  /** What it got. With `'mptcp'` it may use several paths; whether there are any is the affair of both systems. */
  readonly protocol: 'mptcp' | 'tcp'
  /** Why it is plain TCP, for people; `undefined` where it is not. */
  readonly reason: string | undefined
}

export interface MptcpOptions {
  /** Called for each connection, before anything is sent on it. */
  readonly onConnection?: ((connection: MptcpConnection) => void) | undefined
}

/**
 * For option `connect`: control and data connections over Multipath TCP, on Linux. Where the system or the other side has
 * none, and on other systems, they are plain TCP. In active mode data connections are plain TCP, too: the server makes
 * them. Needs the package `koffi`, on Linux only.
 *
 * Connections reject as they do without it, and with `ERR_FTP_CONNECT` where `koffi` is missing.
 * @throws TypeError for an option that is not what it should be
 */
export function mptcp(options?: MptcpOptions): Connect {
  const onConnection = listener(options)
  let calls: Promise<SystemCalls | undefined> | undefined
  const openConnection: Connect = async (target) => {
    const { purpose, host, port } = target
    const sockets = new Sockets(await (calls ??= systemCalls()))
    const socket = await dial({ ...target, timeoutMs: Infinity }, sockets.begin)
    const reason = sockets.whyTcp(socket)
    const protocol = reason === undefined ? 'mptcp' : 'tcp'
    const address = socket.remoteAddress ?? host
    callListener(() => onConnection({ purpose, host, address, port, protocol, reason }))
    return socket
  }
  return Object.assign(openConnection, { isDirect: true })
}

function listener(options: MptcpOptions | undefined): (connection: MptcpConnection) => void {
  const { onConnection = () => {} } = optionsObject(options, 'options')
  if (typeof onConnection !== 'function') throw new TypeError('Option "onConnection" must be a function')
  return onConnection
}

async function systemCalls(): Promise<SystemCalls | undefined> {
  return process.platform === 'linux' ? loadSystemCalls() : undefined
}

/** The sockets of the attempts to reach one host. */
class Sockets {
  readonly #calls: SystemCalls | undefined
  readonly #opened = new Map<Socket, number | string>()

  /** @param calls `undefined` where the system has no such calls */
  constructor(calls: SystemCalls | undefined) {
    this.#calls = calls
  }

  readonly begin: BeginConnecting = (options) => {
    const opened = this.#calls?.openSocket(options.host ?? '') ?? 'only Linux has it'
    const socket = connect({ ...options, ...(typeof opened === 'number' && { fd: opened }) })
    this.#opened.set(socket, opened)
    return socket
  }

  /** Why one of them, which is connected, is plain TCP; `undefined` where it is not. */
  whyTcp(socket: Socket): string | undefined {
    const opened = this.#opened.get(socket)
    if (typeof opened !== 'number') return `this system has no Multipath TCP for us (${opened})`
    if (this.#calls?.hasMultipath(opened) === true) return undefined
    return 'the other side, or what is on the way, has no Multipath TCP'
  }
}
