/**
 * The server connects to us: PORT (RFC 959 §4.1.2) and EPRT (RFC 2428 §2).
 *
 * The listener takes one connection, from the control connection's peer; anybody else who knocks is turned away.
 */
import { createServer, isIP, type Server, type Socket } from 'node:net'
import { FtpConnectionError } from '../errors.ts'
import { deferred } from '../util/deferred.ts'
import type { DataSocket, OpenDataSocket } from './data.ts'
import { adoptedSocket, labelOf, laterSocket, type DataSecurity } from './data-socket.ts'

export interface ActiveOptions {
  /** The address to listen at. */
  readonly listenAddress: string
  /** The first and the last port that may be used; `undefined` leaves the choice to the system. */
  readonly ports: readonly [number, number] | undefined
  /** The only peer that is let in. */
  readonly peerAddress: string
}

export interface ActiveListener {
  readonly port: number
  readonly open: OpenDataSocket
  close(): void
}

/** Listens for the server's data connection. Rejects with `ERR_FTP_DATA` where no port can be had. */
export async function listenForData(
  options: ActiveOptions,
  security: DataSecurity | undefined,
): Promise<ActiveListener> {
  const guest = deferred<Socket>()
  const server = await listenOnFreePort(options, (socket) => {
    const isPeer = plainAddress(socket.remoteAddress) === plainAddress(options.peerAddress)
    if (!isPeer || guest.settled) return socket.destroy()
    server.close()
    return guest.resolve(socket)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('A data listener has no port')
  const close = (): void => {
    server.close()
    if (guest.settled) void guest.promise.then((socket) => socket.destroy())
  }
  const open: OpenDataSocket = (receiver, events) => {
    const begin = (socket: Socket): DataSocket => {
      const label = labelOf({ address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 })
      return adoptedSocket(socket, label, security, receiver, events)
    }
    return laterSocket(guest.promise, begin, events, close)
  }
  return { port: address.port, close, open }
}

/** An IPv4 peer of an IPv6 socket is written `::ffff:192.0.2.1`. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '')
}

async function listenOnFreePort(
  { listenAddress, ports }: ActiveOptions,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const [first, last] = ports ?? [0, 0]
  let failure: unknown
  for (let port = first; port <= last; port++) {
    try {
      return await listen(listenAddress, port, onConnection)
    } catch (error) {
      failure = error
    }
  }
  const where = ports === undefined ? listenAddress : `${listenAddress}, ports ${first} to ${last}`
  const message = `Cannot listen for a data connection at ${where}: ${(failure as Error).message}`
  throw new FtpConnectionError('ERR_FTP_DATA', message, { cause: failure, address: listenAddress })
}

function listen(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {})
      onConnection(socket)
    })
    server.once('error', reject)
    server.listen({ host: isIP(host) === 0 ? undefined : host, port, backlog: 1 }, () => {
      server.off('error', reject)
      server.on('error', () => {}) // What goes wrong with one connection shows there.
      resolve(server)
    })
  })
}
