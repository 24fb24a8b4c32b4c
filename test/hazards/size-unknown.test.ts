/** A server that does not tell SIZE or MDTM: one connection, the end where the server says it is, and honest facts. */
import { stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { FtpError } from '../../src/index.ts'
import type { FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { eventsOf, fail, SIZE, succeed } from './support/attempt.ts'

test.each([
  ['502 to SIZE', { unsupported: ['SIZE'] }],
  ['550 to SIZE', answering('550 Not allowed')],
  ['no number in the 213', answering('213 about half a megabyte')],
])('%s: one connection, size unavailable', async (_name, server) => {
  const outcome = await succeed({ server, download: { connections: 4 } })
  expect(outcome.result).toMatchObject({ connections: 1, refetchedBytes: 0 })
  expect(outcome.result.verified).toEqual({ size: 'unavailable', modified: 'matched', checksum: 'not asked' })
  expect(outcome.server.retrievals).toHaveLength(1)
  expect(eventsOf(outcome, 'progress').at(-1)).toMatchObject({
    bytes: SIZE,
    total: undefined,
    fraction: undefined,
  })
})

test('no MDTM: modified unavailable, and the file keeps the time of its writing', async () => {
  const begun = Date.now()
  const { result } = await succeed({
    server: { unsupported: ['MDTM'] },
    after: async ({ target }) => {
      expect((await stat(target)).mtimeMs).toBeGreaterThan(begun - 2_000)
    },
  })
  expect(result.verified).toEqual({ size: 'matched', modified: 'unavailable', checksum: 'not asked' })
})

test('neither: the 226 has to do', async () => {
  const { result } = await succeed({ server: { unsupported: ['SIZE', 'MDTM'] } })
  expect(result.verified).toEqual({ size: 'unavailable', modified: 'unavailable', checksum: 'not asked' })
})

test.each([
  ['SIZE', { size: 'unavailable', modified: 'matched', checksum: 'not asked' }],
  ['MDTM', { size: 'matched', modified: 'unavailable', checksum: 'not asked' }],
])(
  '%s is told before and refused afterwards: nothing was compared, so nothing matched',
  async (verb, verified) => {
    let timesAsked = 0
    const outcome = await succeed({
      server: {
        on: {
          [verb]: async (session, _argument, proceed) =>
            timesAsked++ === 0 ? proceed() : session.reply('550 Not any more'),
        },
      },
      download: { connections: 2 },
    })
    expect(timesAsked).toBe(2)
    expect(outcome.result.verified).toEqual(verified)
    expect(eventsOf(outcome, 'verify')).toMatchObject([
      { check: 'size', outcome: verified.size },
      { check: 'modified', outcome: verified.modified },
      { check: 'checksum', outcome: 'not asked' },
    ])
  },
)

test('an empty file whose size is not told', async () => {
  const { result } = await succeed({ content: Buffer.alloc(0), server: { unsupported: ['SIZE'] } })
  expect(result.bytes).toBe(0)
})

test('without SIZE a transfer that breaks begins anew: where it broke proves nothing', async () => {
  const outcome = await succeed({
    server: {
      unsupported: ['SIZE'],
      fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 300_000, by: 'rst' } : undefined),
    },
  })
  expect(outcome.server.retrievals.map(({ offset }) => offset)).toEqual([0, 0])
  expect(outcome.result.refetchedBytes).toBe(300_000)
})

test('without SIZE a missing 226 is a failure: nobody can say that it was all', async () => {
  const { error } = await fail({
    server: { unsupported: ['SIZE'], completion: 'never' },
    client: { timeouts: { completion: 150 } },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'completion', afterMs: 150 })
  expect((error as FtpError).message).toContain('RETR')
})

test('without SIZE a reset behind the last byte is a failure', async () => {
  const { error } = await fail({
    server: { unsupported: ['SIZE'], fault: { kind: 'cut', afterBytes: SIZE, by: 'rst', reply: '426 Cut' } },
  })
  expect(error).toMatchObject({ name: expect.stringMatching(/^Ftp/) as unknown, retryable: true })
})

function answering(reply: string): FakeFtpOptions {
  return { on: { SIZE: (session) => session.reply(reply) } }
}
