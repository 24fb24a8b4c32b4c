/** No REST, no segments: one connection from 0, and the same again when it breaks. */
import { expect, test } from 'vitest'
import type { FakeFtpOptions, FakeSession } from '../support/fake-ftp-server.ts'
import { eventsOf, fail, REMOTE, sent, SIZE, succeed } from './support/attempt.ts'

const REFUSALS: readonly (readonly [string, FakeFtpOptions])[] = [
  ['502 (not implemented)', { unsupported: ['REST'] }],
  ['501', { on: { REST: (session) => session.reply('501 Restart is not for you') } }],
  ['550', { on: { REST: (session) => session.reply('550 Permission denied') } }],
]

test.each(REFUSALS)('REST refused by %s: one connection brings the file', async (_name, server) => {
  const { server: after } = await succeed({ server, download: { connections: 4 } })
  expect(after.retrievals.at(-1)).toMatchObject({ offset: 0, outcome: 'complete', bytesSent: SIZE })
  expect(after.retrievals.every(({ offset }) => offset === 0)).toBe(true)
})

test.each([
  ['200, and begins at 0', (session: FakeSession) => session.reply('200 As you like')],
  ['226, and begins at 0', (session: FakeSession) => session.reply('226 Restarted')],
  [
    '200, and begins where it was told to',
    (session: FakeSession, argument: string) => {
      session.restartOffset = Number(argument)
      session.reply('200 As you like')
    },
  ],
])('REST answered by %s: one connection brings the file', async (_name, rest) => {
  for (const connections of [1, 4]) {
    const { server, result } = await succeed({
      server: {
        on: { REST: rest },
        fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 250_000, by: 'rst' } : undefined),
      },
      download: { connections },
    })
    expect(result.verified).toMatchObject({ size: 'matched', modified: 'matched' })
    expect(server.retrievals.at(-1)).toMatchObject({ outcome: 'complete', bytesSent: SIZE })
  }
})

test('it is asked no second time of a server that does not know it', async () => {
  const { server } = await succeed({
    server: { unsupported: ['REST'] },
    after: async ({ client, folder, server }) => {
      const asked = sent(server, 'REST')
      const result = await client.download(REMOTE, folder.at('second'), { minSegmentSize: 1_024 })
      expect(result).toMatchObject({ bytes: SIZE, connections: 1, refetchedBytes: 0 })
      expect(sent(server, 'REST')).toBe(asked)
    },
  })
  expect(server.retrievals.at(-1)).toMatchObject({ offset: 0, bytesSent: SIZE })
})

test('a RETR refused for its offset (554, RFC 1123 §4.1.2.12) is no end: one connection has none', async () => {
  const refuse: NonNullable<FakeFtpOptions['on']>[string] = async (session, _argument, proceed) => {
    if (session.restartOffset === 0) return proceed()
    session.restartOffset = 0
    session.dropData()
    session.reply('554 Requested action not taken: invalid REST parameter')
  }
  const { server } = await succeed({ server: { on: { RETR: refuse } }, download: { connections: 4 } })
  expect(server.retrievals.at(-1)).toMatchObject({ offset: 0, outcome: 'complete', bytesSent: SIZE })
})

test('a transfer that breaks without REST begins anew, and says so', async () => {
  const outcome = await succeed({
    server: {
      unsupported: ['REST'],
      fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 250_000, by: 'rst' } : undefined),
    },
    download: { connections: 1 },
  })
  expect(eventsOf(outcome, 'restart')).toMatchObject([{ start: 0 }])
  expect(outcome.result.refetchedBytes).toBe(250_000)
  expect(outcome.server.retrievals.map(({ offset }) => offset)).toEqual([0, 0])
})

test('one that breaks again and again, at varying places, is given up: it cannot fetch the file for ever', async () => {
  const places = [400_000, 100_000, 200_000, 300_000]
  const { error, server } = await fail({
    server: {
      unsupported: ['REST'],
      // Mended in the end, so that a client without end has one here.
      fault: ({ number }) =>
        number < 20 ? { kind: 'cut', afterBytes: places[number % 4] ?? 0, by: 'rst' } : undefined,
    },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({ retryable: true })
  expect(server.retrievals.length).toBeLessThan(20)
})
