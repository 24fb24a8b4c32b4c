/** A relay that keeps what clients send, byte for byte, and tells what of it anybody on the way could read. */
import { connect, createServer, type Socket } from 'node:net'
import { OpenSockets } from './scripted/open-sockets.ts'

export interface Wiretap extends AsyncDisposable {
  readonly port: number
  /** What each connection has sent outside of TLS, in order. */
  readonly inClear: readonly string[]
}

/** Stands before `port` of this machine until it is disposed of. */
export async function wiretap(port: number): Promise<Wiretap> {
  const sockets = new OpenSockets()
  const sent: Buffer[][] = []
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const chunks: Buffer[] = []
    sent.push(chunks)
    client.on('data', (chunk: Buffer) => chunks.push(chunk))
    const there = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    relay(sockets.hold(client), sockets.hold(there))
  })
  const own = await sockets.listen(server, '127.0.0.1')
  return {
    port: own,
    get inClear() {
      return sent.map((chunks) => withoutRecords(Buffer.concat(chunks)))
    },
    [Symbol.asyncDispose]: () => sockets.closeAll(),
  }
}

function relay(one: Socket, other: Socket): void {
  one.pipe(other)
  other.pipe(one)
  one.once('close', () => other.destroy())
  other.once('close', () => one.destroy())
}

/** Leaves out TLS records (RFC 8446 §5.1), the last one also where it is cut off. */
function withoutRecords(bytes: Buffer): string {
  let clear = ''
  let at = 0
  while (at < bytes.length) {
    const [type = 0, major = 0] = bytes.subarray(at, at + 2)
    if (type >= 20 && type <= 23 && major === 3) {
      at += 5 + (at + 5 <= bytes.length ? bytes.readUInt16BE(at + 3) : 0)
    } else {
      clear += String.fromCharCode(type)
      at += 1
    }
  }
  return clear
}
