/**
 * Connections over Multipath TCP (RFC 8684): Node connects, reads and closes as over TCP, but on a socket that the system
 * has opened for it, for which Node has no option.
 */
import { connect } from 'node:net'
import { callListener } from '../../util/listener.ts'
import { optionsObject } from '../../util/validate.ts'
import type { BeginConnecting } from '../dial.ts'
import { loadSystemCalls, type SystemCalls } from './system-calls.ts'

/** A connection that stands, for {@link MptcpOptions.onConnection}. */
export interface MptcpConnection {
  /** What it is for. */
  readonly purpose: 'control' | 'data'
  /** The server's. */
  readonly address: string
  /** The server's. */
  readonly port: number
  /** What it got. With `'mptcp'` it may use several paths; whether there are any is the affair of both systems. */
  readonly protocol: 'mptcp' | 'tcp'
  /** Why it is plain TCP, for people; `undefined` where it is not. */
  readonly reason: string | undefined
}

/** Options of {@link mptcp}. */
export interface MptcpOptions {
  /** Called for each connection that we make, before anything is sent on it. */
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
export function mptcp(options?: MptcpOptions): Multipath {
  return new Multipath(options)
}

/** What {@link mptcp} makes, for option `connect`. */
export class Multipath {
  readonly #onConnection: (connection: MptcpConnection) => void
  #loading: Promise<void> | undefined
  /** `undefined` before they are loaded, and on other systems for ever. */
  #calls: SystemCalls | undefined

  /** @internal */
  constructor(options: MptcpOptions | undefined) {
    const { onConnection = () => {} } = optionsObject(options, 'options', { onConnection: true })
    if (typeof onConnection !== 'function') throw new TypeError('Option "onConnection" must be a function')
    this.#onConnection = onConnection
  }

  /**
   * To be waited for once before {@link begin}. Rejects with `ERR_FTP_CONNECT` where `koffi` is missing.
   * @internal
   */
  ready(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  async #load(): Promise<void> {
    if (process.platform === 'linux') this.#calls = await loadSystemCalls()
  }

  /** @internal */
  begin(purpose: MptcpConnection['purpose']): BeginConnecting {
    return (options) => {
      const { host = '', port } = options
      const opened = this.#calls?.openSocket(host) ?? 'only Linux has it'
      const socket = connect({ ...options, ...(typeof opened === 'number' && { fd: opened }) })
      socket.once('connect', () => {
        const reason = this.#whyTcp(opened)
        const protocol = reason === undefined ? 'mptcp' : 'tcp'
        callListener(() => this.#onConnection({ purpose, address: host, port, protocol, reason }))
      })
      return socket
    }
  }

  /** @param opened the descriptor of a socket that is connected, or why there is none that could have Multipath TCP */
  #whyTcp(opened: number | string): string | undefined {
    if (typeof opened === 'string') return `this system has no Multipath TCP for us (${opened})`
    if (this.#calls?.hasMultipath(opened) === true) return undefined
    return 'the other side, or what is on the way, has no Multipath TCP'
  }
}
