/**
 * Servers that want a certificate of the client, on the control connection, on data connections, or on both. Under TLS
 * 1.3 a client without one hears of it when its own handshake is done.
 */
import { describe, expect, test } from 'vitest'
import type { SecureVersion } from 'node:tls'
import { certificate, clientCertificate } from '../support/certificates.ts'
import type { FakeFtpOptions } from '../support/fake-ftp-server.ts'
import type { ServerTlsOptions } from '../support/scripted-server.ts'
import { fail, sent, succeed } from './support/attempt.ts'

type Channels = NonNullable<ServerTlsOptions['wantsClientCertificate']>
const CHANNELS: readonly Channels[] = [['control'], ['data'], ['control', 'data']]

function wanting(version: SecureVersion, wantsClientCertificate: Channels): FakeFtpOptions {
  // A resumed connection shows no certificate.
  const resumption = false
  return {
    security: 'explicit',
    tls: { wantsClientCertificate, resumption, minVersion: version, maxVersion: version },
  }
}

describe.each(['TLSv1.2', 'TLSv1.3'] satisfies SecureVersion[])('%s', (version) => {
  test.for(CHANNELS)('given: the file (%o)', async (channels) => {
    const { ca } = await certificate()
    const { key, cert } = await clientCertificate()
    for (const mode of ['passive', 'active'] as const) {
      await succeed({
        server: wanting(version, channels),
        client: { mode, tls: { ca, key, cert } },
      })
    }
  })

  test.each(['passive', 'active'] as const)('wanted on data connections, and none: %s', async (mode) => {
    const { error, server } = await fail({
      server: wanting(version, ['data']),
      client: { mode },
      download: { connections: 1 },
    })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false })
    expect((error as Error).message).toMatch(/tls\.cert and tls\.key/)
    expect(sent(server, 'RETR')).toBe(1)
  })

  test('wanted on the control connection, and none: no USER is taken', async () => {
    const { error, server } = await fail({ server: wanting(version, ['control']) })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false })
    expect((error as Error).message).toMatch(/tls\.cert and tls\.key/)
    expect((error as Error).message).not.toMatch(/openssl|\n/)
    expect(server.commands).toEqual([['AUTH TLS']])
  })
})
