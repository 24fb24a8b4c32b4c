/** A server of Node that listens by Multipath TCP, on a free port: Node itself cannot be asked for one. */
import { once } from 'node:events'
import { createServer, isIPv6, type AddressInfo, type Server, type Socket } from 'node:net'
import { load } from 'koffi'
import { loadSystemCalls } from '../../../src/transport/mptcp/system-calls.ts'

/** @param host `127.0.0.1` or `::1` */
export async function listenByMultipath(
  host: string,
  onConnection: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const fd = (await loadSystemCalls()).openSocket(host)
  if (typeof fd === 'string') throw new Error(`no socket for Multipath TCP: ${fd}`)
  const address = loopbackAddress(host)
  const bind = load(null).func('int bind(int fd, uint8_t *address, uint32_t length)') as unknown as Bind
  if (bind(fd, address, address.length) !== 0) throw new Error(`the address ${host} cannot be had`)
  const server = createServer(onConnection).listen({ fd })
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

type Bind = (fd: number, address: Buffer, length: number) => number

/** `struct sockaddr_in` or `sockaddr_in6`, port 0. */
function loopbackAddress(host: string): Buffer {
  const address = Buffer.alloc(isIPv6(host) ? 28 : 16)
  address.writeUInt8(isIPv6(host) ? 10 : 2)
  if (isIPv6(host)) address.writeUInt8(1, 23)
  else address.set([127, 0, 0, 1], 4)
  return address
}
