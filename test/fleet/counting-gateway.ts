/** A way to a server's control port that counts the connections as they are open, each to the moment its client ends it. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'

export interface CountingGateway extends AsyncDisposable {
  readonly url: string
  /** At a time, up to now. */
  readonly most: () => number
  /** How many there were in all. */
  readonly all: () => number
}

export async function countingGateway(host: string, port: number): Promise<CountingGateway> {
  let open = 0
  let most = 0
  let all = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    open += 1
    all += 1
    most = Math.max(most, open)
    let isOpen = true
    const end = (): void => {
      if (isOpen) open -= 1
      isOpen = false
    }
    const upstream = connect({ port, host, noDelay: true })
    client.once('end', end).once('close', end)
    // Who is cut on one side is cut on the other.
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.end())
    client.pipe(upstream).pipe(client)
    sockets.add(client)
    client.once('close', () => sockets.delete(client))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ftp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    most: () => most,
    all: () => all,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
