import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { secure, type HandshakeOptions } from '../../src/tls/handshake.ts'
import { secureIdentity, type TlsOptions } from '../../src/tls/secure-options.ts'
import {
  certificate,
  expiredCertificate,
  selfSignedCertificate,
  wrongHostCertificate,
  type Certificate,
} from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { tlsPeer } from './tls-peer.ts'

function options(tls: TlsOptions, more: Partial<HandshakeOptions> = {}): HandshakeOptions {
  const identity = secureIdentity(tls, 'localhost')
  return { identity, timeoutMs: 5_000, label: 'localhost:21', onSession: () => undefined, ...more }
}

async function socketTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

let plain: Server | undefined

/** A server without TLS that does this to each connection. */
async function plainServer(treat: (socket: Socket) => void): Promise<number> {
  plain = createServer((socket) => treat(socket.on('error', () => undefined).resume()))
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  return (plain.address() as AddressInfo).port
}

afterEach(async () => {
  const server = plain
  plain = undefined
  if (server) await new Promise((resolve) => server.close(resolve))
})

describe('secure', () => {
  test('gives each session to whoever collects them, the later ones too', async () => {
    await using peer = await tlsPeer()
    const sessions: Uint8Array[] = []
    const socket = await socketTo(peer.port)
    const secured = await secure(
      socket,
      options({ ca: peer.ca }, { onSession: (session) => sessions.push(session) }),
    )
    while (sessions.length < 2) await once(secured, 'session')
    expect(secured.isSessionReused()).toBe(false)
    secured.destroy()
  })

  const refused: [string, () => Promise<Certificate>, RegExp][] = [
    ['self-signed', selfSignedCertificate, /self-signed.*tls\.ca/],
    ['expired', expiredCertificate, /expired/],
    ['for another host', wrongHostCertificate, /for another host.*tls\.servername/],
    ['of an unknown authority', certificate, /authority is not known.*tls\.ca/],
  ]

  test.each(refused)(
    'a certificate that is %s: what a person can do, and no other attempt',
    async (kind, make, advice) => {
      const { key, cert, ca } = await make()
      await using peer = await tlsPeer({ key, cert })
      await expectNoLeaks(async () => {
        const socket = await socketTo(peer.port)
        const trusting = kind === 'expired' || kind === 'for another host' ? { ca } : {}
        const error: unknown = await secure(socket, options(trusting)).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false, host: 'localhost:21' })
        expect((error as Error).message).toMatch(advice)
      })
    },
  )

  test('a server that closes instead: may be tried again', async () => {
    const port = await plainServer((socket) => socket.end())
    await expectNoLeaks(async () => {
      const socket = await socketTo(port)
      await expect(secure(socket, options({}))).rejects.toMatchObject({
        code: 'ERR_FTP_TLS_HANDSHAKE',
        retryable: true,
      })
    })
  })

  test('a server that speaks no TLS: may not', async () => {
    const port = await plainServer((socket) => socket.end('500 What?\r\n'))
    const socket = await socketTo(port)
    await expect(secure(socket, options({}))).rejects.toMatchObject({
      code: 'ERR_FTP_TLS_HANDSHAKE',
      retryable: false,
    })
  })

  test('a server that says nothing: the deadline holds, and nothing stays open', async () => {
    const port = await plainServer(() => undefined)
    await expectNoLeaks(async () => {
      const socket = await socketTo(port)
      await expect(secure(socket, options({}, { timeoutMs: 50 }))).rejects.toMatchObject({
        code: 'ERR_FTP_TIMEOUT',
        phase: 'tls',
        afterMs: 50,
      })
    })
  })
})
