/** `checkServerIdentity`, by which a caller insists on one certificate: it is asked on both channels, and it decides. */
import { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { certificate, secondCertificate, wrongHostCertificate } from '../support/certificates.ts'
import { fail, sent, succeed } from './support/attempt.ts'

type Check = (host: string, shown: PeerCertificate) => Error | undefined

async function pinned(): Promise<Check> {
  const { fingerprint256 } = new X509Certificate((await certificate()).cert)
  return (host, shown) =>
    shown.fingerprint256 === fingerprint256
      ? checkServerIdentity(host, shown)
      : new Error(`another one: ${host}`)
}

/** No session resumes, so that data connections show their certificate as well. */
const tls = { resumption: false } as const

describe.each(['passive', 'active'] as const)('%s', (mode) => {
  test('the right one: the file, and both channels were asked about the same host', async () => {
    const check = await pinned()
    const hosts: string[] = []
    const { result } = await succeed({
      server: { security: 'explicit', tls },
      client: {
        mode,
        tls: {
          ca: (await certificate()).ca,
          checkServerIdentity: (host, shown) => {
            hosts.push(host)
            return check(host, shown)
          },
        },
      },
      download: { connections: 1 },
    })
    expect(result.tls?.dataSessionsReused).toBe(0)
    expect(hosts).toEqual(['127.0.0.1', '127.0.0.1'])
  })

  test('refused on the data connection: not one byte of it', async () => {
    let asked = 0
    const { error, server } = await fail({
      server: { security: 'explicit', tls },
      client: {
        mode,
        tls: {
          ca: (await certificate()).ca,
          checkServerIdentity: () => (asked++ === 0 ? undefined : new Error('not here')),
        },
      },
      download: { connections: 1 },
    })
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false })
    expect((error as Error).message).toMatch(/not here/)
    expect(sent(server, 'RETR')).toBe(1)
  })
})

test.each(['explicit', 'implicit'] as const)(
  'another one, as good as it is: nothing is said (%s)',
  async (security) => {
    const { error, server } = await fail({
      server: { security, tls: { certificate: await secondCertificate() } },
      client: { tls: { ca: (await certificate()).ca, checkServerIdentity: await pinned() } },
    })
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false })
    expect((error as Error).message).toMatch(/another one: 127\.0\.0\.1/)
    expect(server.commands.flat().filter((line) => line !== 'AUTH TLS')).toEqual([])
  },
)

test('it goes before what is checked otherwise: a name that is not in the certificate', async () => {
  const elsewhere = await wrongHostCertificate()
  await succeed({
    server: { security: 'explicit', tls: { ...tls, certificate: elsewhere } },
    client: { tls: { ca: elsewhere.ca, checkServerIdentity: () => undefined } },
  })
})
