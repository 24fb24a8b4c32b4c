/** A TLS server for one kind of client, that tells how each client left. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { certificate } from '../support/certificates.ts'

export interface TlsPeer extends AsyncDisposable {
  readonly port: number
  readonly ca: string
  /** The server's end of each connection whose handshake is done, in order. */
  next(): Promise<TLSSocket>
}

export async function tlsPeer(options: TlsOptions = {}): Promise<TlsPeer> {
  const { key, cert, ca } = await certificate()
  const server = createServer({ key, cert, ...options })
  const sockets: TLSSocket[] = []
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
    server.emit('ready')
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let taken = 0
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    next: async () => {
      for (;;) {
        const socket = sockets[taken]
        if (socket !== undefined) {
          taken += 1
          return socket
        }
        await once(server, 'ready')
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** How the other end of `socket` has gone: by FIN, or by RST. */
export async function departure(socket: TLSSocket): Promise<'end' | 'reset'> {
  return new Promise((resolve, reject) => {
    socket.once('end', () => resolve('end'))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve('reset') : reject(error),
    )
    socket.resume()
  })
}
