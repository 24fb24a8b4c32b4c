/** A server that lets in fewer connections than are asked for: it goes on with those, and nothing fails. */
import { expect, test } from 'vitest'
import { fakeFtpServer, type ConnectionLimit } from '../support/fake-ftp-server.ts'
import { FtpClient } from '../../src/index.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import {
  clientOptions,
  CONTENT,
  eventsOf,
  fail,
  PASSWORD,
  REMOTE,
  sent,
  serving,
  succeed,
  type AttemptOptions,
} from './support/attempt.ts'

const SHAPES: readonly NonNullable<ConnectionLimit['refusal']>[] = [
  '421 greeting',
  '421 login',
  '530 login',
  'end of file',
]

test.each(SHAPES)('%s, with a sibling logged in: the download ends well with fewer', async (refusal) => {
  for (const connections of [1, 2, 3]) {
    const outcome = await succeed({
      server: { limit: { connections, refusal } },
      download: { connections: 8 },
    })
    expect(outcome.stats.ceiling).toBe(connections)
    expect(outcome.result.connections).toBeLessThanOrEqual(connections)
    expect(outcome.result.refetchedBytes).toBe(0)
    const refused = eventsOf(outcome, 'connection').filter(({ type }) => type === 'refused')
    expect(refused.length).toBeGreaterThan(0)
    for (const { error } of refused)
      expect(error).toMatchObject({
        name: expect.stringMatching(/^Ftp/) as unknown,
        code: expect.any(String) as unknown,
      })
    // Each of the eight may have been tried once, and then no more.
    expect(sent(outcome.server, 'USER')).toBeLessThanOrEqual(8)
  }
})

test('by user name, as ProFTPD has it', async () => {
  const { stats } = await succeed({ server: { limit: { perUser: 2 } }, download: { connections: 6 } })
  expect(stats.ceiling).toBe(2)
})

test('many downloads at once share what there is', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { limit: { connections: 2 } }))
    await using client = new FtpClient(await clientOptions(server))
    const downloads = Array.from({ length: 6 }, (_, index) =>
      client.download(REMOTE, folder.at(`${index}`), { connections: 4 }),
    )
    for (const result of await Promise.all(downloads)) expect(result.bytes).toBe(CONTENT.length)
    expect(server.maxControlConnections).toBe(2)
  })
})

test.each([
  ['421 greeting', 'ERR_FTP_TOO_MANY_CONNECTIONS', 3],
  ['421 login', 'ERR_FTP_TOO_MANY_CONNECTIONS', 3],
  ['530 login', 'ERR_FTP_LOGIN', 1],
  ['end of file', 'ERR_FTP_CONNECT', 3],
] as const)('%s, and nobody is logged in: %s after %i tries', async (refusal, code, tries) => {
  const { error, server } = await fail({
    server: { limit: { connections: 0, refusal } },
    download: { connections: 4 },
  })
  expect(error).toMatchObject({ code, host: `127.0.0.1:${server.port}` })
  expect(server.commands).toHaveLength(tries)
})

test('an end of file in place of a greeting says what it may mean', async () => {
  const { error } = await fail({ server: { limit: { connections: 0, refusal: 'end of file' } } })
  expect((error as Error).message).toMatch(/without a greeting.*full.*implicit TLS/)
})

test('full at first, free at the third try', async () => {
  const limit: ConnectionLimit = { connections: 0 }
  const outcome = await succeed({
    server: { limit },
    client: { retry: { attempts: 5, minDelay: 20, maxDelay: 20, factor: 1, jitter: 0 } },
    during: (transfer) =>
      void transfer.on('retry', ({ attempt }) => {
        if (attempt === 2) limit.connections = 9
      }),
  })
  expect(eventsOf(outcome, 'retry').map(({ attempt }) => attempt)).toEqual([1, 2])
})

test.each([
  [
    'the password works once',
    (): AttemptOptions => {
      const passwords = [PASSWORD]
      const password = (): string => {
        const next = passwords.pop()
        if (next === undefined) throw new Error('each password is good for one login')
        return next
      }
      return { client: { password } }
    },
  ],
  [
    'PROT is refused there',
    (): AttemptOptions => ({
      server: {
        security: 'explicit',
        on: {
          PROT: async (session, _argument, proceed) =>
            session.index === 0 ? proceed() : session.reply('534 Not on this machine'),
        },
      },
    }),
  ],
])('%s: a second session that cannot be had does not end the download of the first', async (_name, make) => {
  const { server, client } = make()
  const outcome = await succeed({
    // So slow that the first is at work while the others try.
    server: { ...server, bytesPerSecond: 1_000_000 },
    ...(client && { client }),
    download: { connections: 3 },
  })
  expect(outcome.result).toMatchObject({ connections: 1, refetchedBytes: 0 })
  expect(outcome.server.retrievals.every(({ connection }) => connection === 0)).toBe(true)
  expect(eventsOf(outcome, 'connection').filter(({ type }) => type === 'refused')).not.toEqual([])
})
