/** The control connection dies in the middle of a transfer, with the data or without it. */
import { expect, test } from 'vitest'
import { eventsOf, fail, SIZE, succeed } from './support/attempt.ts'

test.each(['fin', 'rst'] as const)(
  'by %s, and the data goes on to its end: nothing is fetched twice',
  async (by) => {
    const { server, result } = await succeed({
      server: {
        fault: ({ number }) =>
          number === 0 ? { kind: 'control dies', by, afterBytes: 100_000, dataGoesOn: true } : undefined,
      },
      download: { connections: 1 },
    })
    expect(result.refetchedBytes).toBe(0)
    expect(server.retrievals).toHaveLength(1)
  },
)

test.each(['fin', 'rst'] as const)('by %s, and the data with it: another session goes on', async (by) => {
  for (const connections of [1, 4]) {
    const outcome = await succeed({
      server: {
        fault: ({ number }) =>
          number === 0 ? { kind: 'control dies', by, afterBytes: 100_000, dataGoesOn: false } : undefined,
      },
      download: { connections },
    })
    expect(outcome.result.refetchedBytes).toBe(0)
    expect(eventsOf(outcome, 'connection').filter(({ type }) => type === 'lost')).toHaveLength(1)
    expect(outcome.server.retrievals).toHaveLength(connections + 1)
  }
})

test('in one segment of four: the others are not disturbed', async () => {
  const { server } = await succeed({
    server: {
      fault: ({ number }) =>
        number === 2 ? { kind: 'control dies', by: 'rst', afterBytes: 50_000, dataGoesOn: true } : undefined,
    },
    download: { connections: 4 },
  })
  expect(server.retrievals.length).toBeLessThanOrEqual(5)
})

test('every time, without progress: a typed error once the attempts are spent', async () => {
  const { error, server } = await fail({
    server: { fault: { kind: 'control dies', by: 'rst', afterBytes: 0, dataGoesOn: false } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({
    name: 'FtpConnectionError',
    code: expect.stringMatching(/^ERR_FTP_(CONTROL_CLOSED|DATA)$/) as unknown,
  })
  expect(server.retrievals).toHaveLength(3)
})

test('without SIZE the end of the data proves nothing: it begins anew', async () => {
  const { server } = await succeed({
    server: {
      unsupported: ['SIZE'],
      fault: ({ number }) =>
        number === 0 ? { kind: 'control dies', by: 'fin', afterBytes: 100_000, dataGoesOn: true } : undefined,
    },
  })
  expect(server.retrievals.map(({ offset, bytesSent }) => [offset, bytesSent]).at(-1)).toEqual([0, SIZE])
  expect(server.retrievals).toHaveLength(2)
})

test.each(['fin', 'rst'] as const)(
  'by %s before the 150, and the data connection stands without a byte: the loss is told, and not waited out',
  async (by) => {
    let hasDied = false
    const outcome = await succeed({
      server: {
        on: {
          RETR: async (session, _argument, proceed) => {
            if (hasDied) return proceed()
            hasDied = true
            await session.openData()
            await session.die(by)
          },
        },
      },
      client: { timeouts: { data: Infinity } },
      download: { connections: 1 },
    })
    const [retry, ...more] = eventsOf(outcome, 'retry')
    expect(more).toEqual([])
    expect(retry?.error).toMatchObject({ name: 'FtpConnectionError', code: 'ERR_FTP_CONTROL_CLOSED' })
    expect(outcome.server.retrievals).toHaveLength(1)
  },
)

test('421 in the middle, with a word of why', async () => {
  const { error } = await fail({
    server: {
      on: {
        RETR: async (session) => {
          session.reply('421 Timeout, bye')
          await session.end()
        },
      },
    },
    download: { connections: 1 },
  })
  expect((error as Error).message).toContain('Timeout, bye')
})
