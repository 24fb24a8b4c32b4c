/** A certificate that is not to be trusted: an error with advice, and not one secret on the wire. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, test } from 'vitest'
import {
  certificate,
  expiredCertificate,
  notYetValidCertificate,
  selfSignedCertificate,
  wrongHostCertificate,
  type Certificate,
} from '../support/certificates.ts'
import { CONTENT, fail, sent, succeed } from './support/attempt.ts'

interface Case {
  readonly make: () => Promise<Certificate>
  readonly isTrusted: boolean
  readonly advice: RegExp
}

const CASES: readonly (readonly [string, Case])[] = [
  ['self-signed', { make: selfSignedCertificate, isTrusted: false, advice: /self-signed.*tls\.ca/ }],
  [
    'of an unknown authority',
    { make: certificate, isTrusted: false, advice: /authority is not known.*tls\.ca/ },
  ],
  [
    'for another host',
    { make: wrongHostCertificate, isTrusted: true, advice: /another host.*tls\.servername/ },
  ],
  ['expired', { make: expiredCertificate, isTrusted: true, advice: /expired/ }],
  ['not valid yet', { make: notYetValidCertificate, isTrusted: true, advice: /not valid yet.*clocks/ }],
]

test.each(
  CASES.flatMap(([name, one]) => [
    [`${name}, explicit`, one, 'explicit'] as const,
    [`${name}, implicit`, one, 'implicit'] as const,
  ]),
)('%s: ERR_FTP_TLS_HANDSHAKE', async (_name, { make, isTrusted, advice }, security) => {
  const { ca, ...own } = await make()
  const { error, server } = await fail({
    server: { security, tls: { certificate: { ca, ...own } } },
    client: { tls: isTrusted ? { ca } : {} },
    download: { connections: 4 },
  })
  expect(error).toMatchObject({
    name: 'FtpTlsError',
    code: 'ERR_FTP_TLS_HANDSHAKE',
    retryable: false,
    host: `127.0.0.1:${server.port}`,
  })
  expect((error as Error).message).toMatch(advice)
  expect(server.commands.flat().filter((line) => line !== 'AUTH TLS')).toEqual([])
  expect(server.commands).toHaveLength(1)
})

test('the advice works: tls.ca, and tls.servername', async () => {
  const selfSigned = await selfSignedCertificate()
  await succeed({
    server: { security: 'explicit', tls: { certificate: selfSigned } },
    client: { tls: { ca: selfSigned.ca } },
  })
  const elsewhere = await wrongHostCertificate()
  await succeed({
    server: { security: 'implicit', tls: { certificate: elsewhere } },
    client: { tls: { ca: elsewhere.ca, servername: 'elsewhere.example' } },
  })
})

test("rejectUnauthorized: false is the caller's to say", async () => {
  await succeed({
    server: { security: 'explicit', tls: { certificate: await selfSignedCertificate() } },
    client: { tls: { rejectUnauthorized: false } },
    download: { connections: 4 },
  })
})

test('one tls object serves several clients, and is not changed', async () => {
  const { ca } = await certificate()
  const tls = Object.freeze({ ca })
  for (let round = 0; round < 2; round++) await succeed({ server: { security: 'explicit' }, client: { tls } })
  expect(tls).toEqual({ ca })
})

test('versions that do not meet', async () => {
  const { error, server } = await fail({
    server: { security: 'explicit', tls: { maxVersion: 'TLSv1.2' } },
    client: { tls: { ca: (await certificate()).ca, minVersion: 'TLSv1.3' } },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
  expect(sent(server, 'USER')).toBe(0)
})

test('of a data connection only: whoever stands there is not the server, and not a byte of his is taken', async () => {
  const { key, cert } = await selfSignedCertificate()
  const impostor = createTlsServer({ key, cert }, (socket) => {
    socket.on('error', () => {})
    socket.end(Buffer.from(CONTENT).reverse())
  }).listen(0, '127.0.0.1')
  await once(impostor, 'listening')
  impostor.on('tlsClientError', () => {})
  const { port } = impostor.address() as AddressInfo
  try {
    const { error, events } = await fail({
      server: {
        security: 'explicit',
        on: {
          EPSV: (session) => session.reply(`229 Here (|||${port}|)`),
          RETR: (session) => session.reply('150 Here it comes'),
        },
      },
      download: { connections: 1 },
    })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false })
    expect((error as Error).message).toMatch(/self-signed/)
    expect(events.filter(({ name, event }) => name === 'progress' && event.bytes > 0)).toEqual([])
  } finally {
    impostor.close()
  }
})
