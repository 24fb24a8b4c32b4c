/** Fewer bytes than the file has: fetched on from where it broke, or an error; never a shorter file. */
import { expect, test } from 'vitest'
import type { Fault } from '../support/fake-ftp-server.ts'
import { eventsOf, fail, SIZE, succeed } from './support/attempt.ts'

const CUTS: readonly (readonly [string, Omit<Fault & { kind: 'cut' }, 'afterBytes'>])[] = [
  ['FIN and 226', { kind: 'cut', by: 'fin', reply: '226 Transfer complete' }],
  ['FIN and 426', { kind: 'cut', by: 'fin' }],
  ['FIN and 451', { kind: 'cut', by: 'fin', reply: '451 Disk error' }],
  ['RST and 426', { kind: 'cut', by: 'rst' }],
  ['RST and 226', { kind: 'cut', by: 'rst', reply: '226 Transfer complete' }],
]

test.each(CUTS)('%s in the middle, once: it goes on from there', async (_name, cut) => {
  for (const connections of [1, 4]) {
    const outcome = await succeed({
      server: { fault: ({ number }) => (number === 0 ? { ...cut, afterBytes: 100_000 } : undefined) },
      download: { connections },
    })
    expect(eventsOf(outcome, 'retry')).toHaveLength(1)
    expect(eventsOf(outcome, 'connection').filter(({ type }) => type === 'lost')).toHaveLength(1)
    expect(eventsOf(outcome, 'restart')).toEqual([])
    expect(outcome.result.refetchedBytes).toBe(0)
    const again = outcome.server.retrievals.at(-1)
    if (connections === 1) expect(again?.offset).toBeGreaterThan(90_000)
  }
})

test.each(CUTS)(
  '%s after the first byte and again and again, as long as there is progress',
  async (_name, cut) => {
    // Far more cuts than attempts are allowed: each brings its 60,000 bytes.
    const outcome = await succeed({
      server: { fault: { ...cut, afterBytes: 60_000 } },
      download: { connections: 1 },
    })
    expect(outcome.server.retrievals.length).toBeGreaterThan(9)
  },
)

test('226 with too few bytes, always: ERR_FTP_TRUNCATED once the attempts are spent', async () => {
  for (const connections of [1, 4]) {
    const { error, server } = await fail({
      server: {
        fault: ({ start }) => ({
          kind: 'cut',
          by: 'fin',
          reply: '226 Done',
          afterBytes: Math.max(0, SIZE - 5_000 - start),
        }),
      },
      download: { connections },
    })
    expect(error).toMatchObject({
      name: 'FtpTransferError',
      code: 'ERR_FTP_TRUNCATED',
      path: '/pub/file.bin',
      offset: SIZE - 5_000,
      expected: SIZE,
      actual: SIZE - 5_000,
      retryable: true,
    })
    expect((error as Error).message).toContain('/pub/file.bin')
    expect(server.retrievals.length).toBeGreaterThanOrEqual(3)
  }
})

test('426 with too few bytes, always: the reply is the error', async () => {
  const { error } = await fail({
    server: { fault: { kind: 'cut', by: 'fin', afterBytes: 0 } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({
    name: expect.stringMatching(/^Ftp(Reply|Transfer|Connection)Error$/) as unknown,
    retryable: true,
  })
})
