/** 421 says that the control connection closes (RFC 959 §5.4.2): nothing more is asked on it, though it may still stand. */
import { describe, expect, test } from 'vitest'
import type { FakeFtpOptions, FakeSession, Override } from '../support/fake-ftp-server.ts'
import { CONTENT, eventsOf, REMOTE, sent, SIZE, succeed } from './support/attempt.ts'
import { sending } from './support/confirmed.ts'
import { withClient } from './support/with-client.ts'

const FAREWELL = '421 Timeout, closing the connection'
const LEAVINGS = ['stays open', 'is closed'] as const
type Leaving = (typeof LEAVINGS)[number]

async function leave(session: FakeSession, leaving: Leaving): Promise<void> {
  session.reply(FAREWELL)
  // Nothing is heard of it any more in either case.
  if (leaving === 'is closed') await session.end()
  else await session.control.silence()
}

/** Of the first connection, in place of what it does else. */
const once =
  (act: (session: FakeSession) => Promise<void>): Override =>
  (session, _argument, proceed) =>
    session.index === 0 ? act(session) : proceed()

describe.each(LEAVINGS)('and the connection %s', (leaving) => {
  test.each([
    ...['USER', 'PASS', 'FEAT', 'OPTS', 'SIZE', 'MDTM', 'TYPE', 'EPSV', 'REST', 'RETR'],
    ...['AUTH', 'PBSZ', 'PROT'],
  ])('to %s: another one does it', async (verb) => {
    const security = ['AUTH', 'PBSZ', 'PROT'].includes(verb) ? 'explicit' : 'none'
    const outcome = await succeed({
      server: {
        security,
        on: { [verb]: once((session) => leave(session, leaving)) },
        // For REST, which only what goes on needs.
        fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 100_000, by: 'fin' } : undefined),
      },
      client: { maxConnections: 1 },
      download: { connections: 1 },
    })
    const { server } = outcome
    expect(server.commands).toHaveLength(2)
    expect(server.commands[0]?.at(-1)).toMatch(new RegExp(`^${verb}\\b`))
    // What it did not answer is no answer: the next one is asked again.
    expect(sent(server, 'FEAT')).toBeGreaterThan(0)
    const retries = eventsOf(outcome, 'retry').map(({ error }) => error)
    expect(retries).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('421') as unknown }),
    )
  })

  test('for a greeting: the next one may be let in', async () => {
    const outcome = await succeed({ server: { greet: once((session) => leave(session, leaving)) } })
    expect(eventsOf(outcome, 'retry')).toMatchObject([{ error: { code: 'ERR_FTP_TOO_MANY_CONNECTIONS' } }])
  })

  test('in the middle of the data, which end with it: another one goes on', async () => {
    const outcome = await succeed({
      server: { on: { RETR: once((session) => inTheMiddle(session, leaving, 'ends')) } },
      download: { connections: 1 },
    })
    expect(outcome.result.refetchedBytes).toBe(0)
    expect(sent(outcome.server, 'REST')).toBe(1)
    expect(outcome.server.commands).toHaveLength(2)
  })

  test('in the middle of the data, which go on to their end: nothing is fetched again', async () => {
    const { server } = await succeed({
      server: { on: { RETR: once((session) => inTheMiddle(session, leaving, 'goes on')) } },
      download: { connections: 1 },
    })
    expect(sent(server, 'RETR')).toBe(1)
    expect(server.commands).toHaveLength(2)
  })

  test.each([
    [[], 1],
    [['SIZE'], 2],
  ] as const)('in place of the 226, %j unknown: %i RETR', async (unsupported, retrievals) => {
    const data = sending(CONTENT, 'never')
    const { server } = await succeed({
      server: {
        unsupported: [...unsupported],
        on: {
          RETR: async (session, argument, proceed) => {
            if (session.index > 0) return proceed()
            await data(session, argument, proceed)
            await leave(session, leaving)
          },
        },
      },
      download: { connections: 1 },
    })
    expect(sent(server, 'RETR')).toBe(retrievals)
    expect(server.commands).toHaveLength(2)
  })

  test('while nothing is asked: another one is made, and nobody notices', async () => {
    const sessions: FakeSession[] = []
    const on: FakeFtpOptions['on'] = {
      PASS: async (session, _argument, proceed) => {
        sessions.push(session)
        await proceed()
      },
    }
    // A server that is asked all the same, and does not answer, would be waited for until the test is over.
    await withClient({ on }, { maxConnections: 1, retry: { attempts: 1 } }, async (client, server) => {
      expect(await client.size(REMOTE)).toBe(SIZE)
      const [first] = sessions
      if (first === undefined) throw new Error('nobody has logged in')
      const heard = leave(first, leaving)
      await first.control.flushed()
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(await client.size(REMOTE)).toBe(SIZE)
      expect(server.commands[0]?.at(-1)).toBe(`SIZE ${REMOTE}`)
      expect(server.commands).toHaveLength(2)
      await heard
    })
  })
})

/** A part of the data, the farewell, and the rest of them or not. */
async function inTheMiddle(session: FakeSession, leaving: Leaving, data: 'ends' | 'goes on'): Promise<void> {
  session.reply('150 Here it comes')
  const opened = await session.openData()
  if ('refusal' in opened) return session.reply(opened.refusal)
  await opened.write(CONTENT.subarray(0, 200_000))
  const left = leave(session, leaving)
  await session.control.flushed()
  if (data === 'goes on') await opened.write(CONTENT.subarray(200_000))
  await opened.end()
  await left
}
