/** Who answers on a data connection has to be the server that was logged in to: by a good certificate, and by the same. */
import { describe, expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import {
  expiredCertificate,
  notYetValidCertificate,
  secondCertificate,
  selfSignedCertificate,
  wrongHostCertificate,
  type Certificate,
} from '../support/certificates.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import type { ServerTlsOptions } from '../support/scripted-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { clientOptions, CONTENT, eventsOf, fail, REMOTE, sent, serving, succeed } from './support/attempt.ts'

const ANOTHER = /shows another certificate than the control connection/

describe.each(['passive', 'active'] as const)('%s', (mode) => {
  test.each<[string, () => Promise<Certificate>, RegExp]>([
    ['for another host', wrongHostCertificate, /another host/],
    ['expired', expiredCertificate, /expired/],
    ['not valid yet', notYetValidCertificate, /not valid yet/],
    ['self-signed', selfSignedCertificate, /self-signed/],
  ])('%s: ERR_FTP_TLS_HANDSHAKE, once', async (_name, make, advice) => {
    const { error, server, ...outcome } = await fail({
      server: { security: 'explicit', tls: { dataCertificate: await make() } },
      client: { mode },
      download: { connections: 1 },
    })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_HANDSHAKE', retryable: false })
    expect((error as Error).message).toMatch(advice)
    expect((error as { host: string }).host).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(sent(server, 'RETR')).toBe(1)
    expect(eventsOf({ error, server, ...outcome }, 'progress').every(({ bytes }) => bytes === 0)).toBe(true)
  })

  test.each([undefined, { size: false }])('good, and another one (verify: %o)', async (verify) => {
    const outcome = await fail({
      server: { security: 'explicit', tls: { dataCertificate: await secondCertificate() } },
      client: { mode },
      download: { connections: 1, ...(verify && { verify }) },
    })
    expect(outcome.error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_HANDSHAKE' })
    expect((outcome.error as Error).message).toMatch(ANOTHER)
    expect(eventsOf(outcome, 'progress').every(({ bytes }) => bytes === 0)).toBe(true)
    // The server may have a new one: each try is on a control connection that shows it, too.
    expect(sent(outcome.server, 'USER')).toBe(3)
  })

  test('another one, though verification is off', async () => {
    const { error } = await fail({
      server: { security: 'implicit', tls: { dataCertificate: await secondCertificate() } },
      client: { mode, tls: { rejectUnauthorized: false } },
      download: { connections: 1 },
    })
    expect((error as Error).message).toMatch(ANOTHER)
  })

  test('the same one, and no session to be resumed', async () => {
    const { result } = await succeed({
      server: { security: 'explicit', tls: { resumption: false } },
      client: { mode },
    })
    expect(result.tls?.dataSessionsReused).toBe(0)
  })
})

test('uploads: not a byte is sent to whoever shows another one', async () => {
  await expectNoLeaks(async () => {
    const received: number[] = []
    await using server = await fakeFtpServer(
      serving(CONTENT, {
        security: 'explicit',
        tls: { dataCertificate: await secondCertificate() },
        on: {
          STOR: async (session) => {
            session.reply('150 Send it')
            const data = await session.openData()
            received.push('refusal' in data ? 0 : (await data.readToEnd()).length)
            session.reply('226 Thanks')
          },
        },
      }),
    )
    const client = new FtpClient(await clientOptions(server))
    const error: unknown = await client.upload(CONTENT, REMOTE).catch((reason: unknown) => reason)
    await client.close()
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
    expect((error as Error).message).toMatch(ANOTHER)
    await server.close()
    expect(received.length).toBeGreaterThan(0)
    expect(received.filter((bytes) => bytes > 0)).toEqual([])
  })
})

test('a server that changes its certificate meanwhile: the next session brings the file', async () => {
  const next = await secondCertificate()
  const tls: ServerTlsOptions = { dataCertificate: next }
  await succeed({
    server: {
      security: 'explicit',
      tls,
      on: {
        RETR: async (_session, _path, proceed) => {
          await proceed()
          tls.certificate = next
        },
      },
    },
    download: { connections: 1 },
  })
})
