/** Servers that want each data connection to resume the control connection's TLS session, and each ticket once. */
import { expect, test } from 'vitest'
import type { SecureVersion } from 'node:tls'
import { fail, REMOTE, succeed } from './support/attempt.ts'

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']

test.each(VERSIONS)('%s, reuse required: six downloads of four segments', async (version) => {
  const { server, result } = await succeed({
    server: { security: 'explicit', requireReuse: true, tls: { minVersion: version, maxVersion: version } },
    download: { connections: 4 },
    after: async ({ client, folder }) => {
      for (let round = 0; round < 5; round++) {
        const again = await client.download(REMOTE, folder.at(`${round}`), {
          connections: 4,
          minSegmentSize: 1_024,
        })
        expect(again.tls).toMatchObject({ protocol: version, dataSessionsReused: again.tls?.dataSessions })
      }
    },
  })
  expect(result.tls).toMatchObject({ protocol: version, dataSessionsReused: result.tls?.dataSessions })
  expect(server.dataConnections.every(({ reused }) => reused)).toBe(true)
})

test.each(['explicit', 'implicit'] as const)(
  'TLS 1.3, each ticket once, two at login and no more (%s)',
  async (security) => {
    // Once they are used up the session is of no use for data: another one goes on, and nobody notices.
    const { server } = await succeed({
      server: { security, requireReuse: true, singleUseTickets: true, tls: { minVersion: 'TLSv1.3' } },
      download: { connections: 1 },
      after: async ({ client, folder }) => {
        for (let round = 0; round < 9; round++) {
          const again = await client.download(REMOTE, folder.at(`${round}`), { connections: 1 })
          // The one with a used ticket counts too: it did resume, and was refused.
          expect(again.tls?.dataSessionsReused).toBe(again.tls?.dataSessions)
        }
      },
    })
    expect(server.retrievals.filter(({ outcome }) => outcome === 'complete')).toHaveLength(10)
    expect(new Set(server.dataConnections.map(({ ticket }) => ticket)).size).toBe(10)
    // Five sessions with two tickets each; of the first four a used one was tried before the next session.
    expect(server.dataConnections).toHaveLength(14)
  },
)

test('TLS 1.3, each ticket once: segments that are cut, downloads at four connections', async () => {
  await succeed({
    server: { security: 'explicit', requireReuse: true, singleUseTickets: true, bytesPerSecond: 4_000_000 },
    download: { connections: 4 },
    after: async ({ client, folder }) => {
      for (let round = 0; round < 5; round++) {
        const again = await client.download(REMOTE, folder.at(`${round}`), {
          connections: 4,
          minSegmentSize: 1_024,
        })
        expect(again.tls?.dataSessionsReused).toBe(again.tls?.dataSessions)
      }
    },
  })
})

test('reuse required of sessions that never resume: ERR_FTP_TLS_NOT_RESUMED', async () => {
  const { error } = await fail({
    server: { security: 'explicit', requireReuse: true, tls: { resumption: false, maxVersion: 'TLSv1.2' } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_NOT_RESUMED', command: 'RETR' })
  expect((error as Error).message).toMatch(
    /522 .*session of the control connection.*did not resume the one that was offered \(TLSv1\.2\)/,
  )
})

test('a server that forgets its tickets, and does not insist: a full handshake', async () => {
  const { result } = await succeed({
    server: { security: 'explicit', ticketsForgottenAfter: 1 },
    download: { connections: 1 },
    after: async ({ client, folder }) => {
      const again = await client.download(REMOTE, folder.at('again'), { connections: 1 })
      expect(again.tls).toMatchObject({ dataSessions: 1, dataSessionsReused: 0 })
    },
  })
  expect(result.tls).toMatchObject({ dataSessionsReused: 1 })
})

test('one that forgets them and insists: another session brings the file', async () => {
  await succeed({
    server: { security: 'explicit', requireReuse: true, ticketsForgottenAfter: 1 },
    download: { connections: 1 },
    after: async ({ client, folder }) => {
      const again = await client.download(REMOTE, folder.at('again'), { connections: 1 })
      expect(again.tls).toMatchObject({ dataSessionsReused: 1 })
    },
  })
})

test.each(VERSIONS)('a data connection that breaks under %s: it goes on', async (version) => {
  for (const by of ['fin', 'rst'] as const) {
    await succeed({
      server: {
        security: 'explicit',
        requireReuse: true,
        tls: { minVersion: version, maxVersion: version },
        fault: ({ number }) => (number === 0 ? { kind: 'cut', by, afterBytes: 100_000 } : undefined),
      },
      download: { connections: 4 },
    })
  }
})
