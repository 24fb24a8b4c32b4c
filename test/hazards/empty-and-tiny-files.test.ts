/** Files without a byte, of one byte, and smaller than the number of connections. */
import { expect, test } from 'vitest'
import { randomBytes } from '../support/random-bytes.ts'
import { fail, succeed } from './support/attempt.ts'

test.each([0, 1, 2, 5, 15, 4_096, 4_097, 8_193])('%i bytes over 1, 4 and 16 connections', async (size) => {
  for (const connections of [1, 4, 16]) {
    const { result, server } = await succeed({
      content: randomBytes(size, size),
      client: { maxConnections: 16 },
      download: { connections, minSegmentSize: 1 },
    })
    expect(result.verified.size).toBe('matched')
    expect(server.retrievals.length).toBe(Math.max(1, Math.min(connections, size)))
    expect(server.maxControlConnections).toBeLessThanOrEqual(Math.max(1, connections))
  }
})

test('extra connections only for files of at least twice minSegmentSize', async () => {
  for (const [size, connections] of [
    [199_999, 1],
    [200_000, 2],
    [400_000, 4],
  ] as const) {
    const { server } = await succeed({
      content: randomBytes(size, size),
      download: { connections: 4, minSegmentSize: 100_000 },
    })
    expect(server.retrievals).toHaveLength(connections)
    expect(server.maxControlConnections).toBe(connections)
  }
})

test('an empty file that the server refuses to send is not an empty file', async () => {
  const { error } = await fail({
    content: Buffer.alloc(0),
    server: {
      on: {
        RETR: (session) => {
          session.dropData()
          session.reply('550 Permission denied')
        },
      },
    },
  })
  expect(error).toMatchObject({ name: 'FtpReplyError', code: 'ERR_FTP_NOT_PERMITTED', reply: { code: 550 } })
})

test('an empty file refused only once the data connection stands, and ended in order', async () => {
  const { error } = await fail({
    content: Buffer.alloc(0),
    server: {
      on: {
        RETR: async (session) => {
          const data = await session.openData()
          if ('end' in data) await data.end()
          session.reply('550 Permission denied')
        },
      },
    },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_NOT_PERMITTED' })
})

test('an empty file without a 226 is not known to be one', async () => {
  const { error } = await fail({
    content: Buffer.alloc(0),
    server: { completion: 'never' },
    client: { timeouts: { completion: 100 } },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'completion' })
})

test.each(['before data', 'early', 'without 150'] as const)('an empty file, 226 %s', async (completion) => {
  await succeed({ content: Buffer.alloc(0), server: { completion } })
})
