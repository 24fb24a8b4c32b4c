/** 421 says that the control connection closes (RFC 959 §5.4.2): nothing more is asked on it, though it may still stand. */
import { expect, test } from 'vitest'
import { eventsOf, succeed } from './support/attempt.ts'

test.each(['SIZE', 'MDTM', 'TYPE', 'EPSV', 'REST', 'RETR'])(
  'to %s, and the connection stays open: another one does it',
  async (verb) => {
    const outcome = await succeed({
      server: {
        on: {
          [verb]: async (session, _argument, proceed) =>
            session.index === 0 ? session.reply('421 Timeout, closing the connection') : proceed(),
        },
        // For REST, which only what goes on needs.
        fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 100_000, by: 'fin' } : undefined),
      },
      client: { maxConnections: 1 },
      download: { connections: 1 },
    })
    const [first = [], ...more] = outcome.server.commands
    expect(more).not.toEqual([])
    const at = first.findIndex((line) => line.startsWith(verb))
    expect(first.slice(at + 1).filter((line) => line !== 'QUIT')).toEqual([])
    const retries = eventsOf(outcome, 'retry').map(({ error }) => error)
    expect(retries).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('421') as unknown }),
    )
  },
)
