import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { canResetUnderTls, resetUnderTls } from '../../src/tls/reset.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { departure, tlsPeer, type TlsPeer } from './tls-peer.ts'

function client({ port, ca }: Pick<TlsPeer, 'port' | 'ca'>): TLSSocket {
  return connect({
    host: '127.0.0.1',
    port,
    ca,
    onread: { buffer: Buffer.alloc(65_536), callback: () => true },
  } as ConnectionOptions)
}

/** A connection on which nothing is on its way: the server's write of a ticket would swallow the RST. */
async function quietClient(peer: TlsPeer): Promise<TLSSocket> {
  const socket = client(peer)
  await once(socket, 'session')
  return socket
}

/** Whether 'close' comes, and no error before it. */
async function closes(socket: TLSSocket): Promise<boolean> {
  await once(socket, 'close')
  return true
}

describe('resetUnderTls', () => {
  test('this Node has what it takes', () => {
    expect(canResetUnderTls()).toBe(true)
  })

  test('the peer gets an RST, our side gets its close, and nothing is left', async () => {
    await expectNoLeaks(async () => {
      await using peer = await tlsPeer()
      for (let round = 0; round < 20; round++) {
        const socket = await quietClient(peer)
        const left = departure(await peer.next())
        const closed = closes(socket)
        resetUnderTls(socket)
        expect([await left, await closed]).toEqual(['reset', true])
      }
    })
  })

  test('a plain destroy() is told from it: the peer gets an end', async () => {
    await using peer = await tlsPeer()
    const socket = await quietClient(peer)
    const left = departure(await peer.next())
    socket.destroy()
    expect(await left).toBe('end')
  })

  test('in the middle of a stream nothing more is delivered', async () => {
    await using peer = await tlsPeer()
    let [bytes, bytesAtReset] = [0, -1]
    const socket = connect({
      host: '127.0.0.1',
      port: peer.port,
      ca: peer.ca,
      onread: {
        buffer: Buffer.alloc(65_536),
        callback: (count: number) => {
          bytes += count
          if (bytesAtReset < 0 && bytes > 100_000) {
            bytesAtReset = bytes
            resetUnderTls(socket)
          }
          return true
        },
      },
    } as ConnectionOptions)
    const closed = closes(socket)
    const theirs = await peer.next()
    const left = departure(theirs)
    theirs.write(Buffer.alloc(8_000_000))
    expect([await left, await closed]).toEqual(['reset', true])
    expect(bytes).toBe(bytesAtReset)
  })

  test('before the handshake, before the connection, and twice: it closes all the same', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume())
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    await expectNoLeaks(async () => {
      const early = client({ port, ca: '' })
      const earlyClosed = closes(early)
      resetUnderTls(early)
      const late = client({ port, ca: '' })
      const lateClosed = closes(late)
      await once(late, 'connect')
      resetUnderTls(late)
      resetUnderTls(late)
      expect(await Promise.all([earlyClosed, lateClosed])).toEqual([true, true])
      resetUnderTls(late)
    })
    await new Promise((resolve) => silent.close(resolve))
  })

  test('while its end of file is on its way: it closes all the same', async () => {
    await expectNoLeaks(async () => {
      await using peer = await tlsPeer()
      const socket = await quietClient(peer)
      const left = departure(await peer.next())
      const closed = closes(socket)
      socket.end()
      await new Promise((resolve) => process.nextTick(resolve))
      resetUnderTls(socket)
      expect([await closed, await left]).toEqual([true, 'end'])
    })
  })
})
