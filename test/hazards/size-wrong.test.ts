/** A server whose SIZE is not the file's: an error that names both numbers, never a file that is cut or padded. */
import { expect, test } from 'vitest'
import { eventsOf, fail, SIZE, succeed } from './support/attempt.ts'

test.each([1, 4])('SIZE too small, %i connections: ERR_FTP_SIZE_MISMATCH', async (connections) => {
  for (const missing of [1, 4_096, 123_456]) {
    const { error } = await fail({
      server: { sizeTold: (_path, size) => size - missing },
      download: { connections },
    })
    expect(error).toMatchObject({
      name: 'FtpTransferError',
      code: 'ERR_FTP_SIZE_MISMATCH',
      path: '/pub/file.bin',
      expected: SIZE - missing,
    })
    expect((error as Error).message).toMatch(/\/pub\/file\.bin .*size/)
  }
})

test.each([1, 4])('SIZE too large, %i connections: ERR_FTP_TRUNCATED', async (connections) => {
  for (const more of [1, 4_096, 123_456]) {
    const { error } = await fail({
      server: { sizeTold: (_path, size) => size + more },
      download: { connections },
    })
    expect(error).toMatchObject({
      code: 'ERR_FTP_TRUNCATED',
      path: '/pub/file.bin',
      expected: SIZE + more,
      actual: SIZE,
    })
  }
})

test('SIZE so large that segments begin behind the end of the file', async () => {
  const { error } = await fail({
    server: { sizeTold: (_path, size) => size * 10 },
    download: { connections: 4 },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TRUNCATED', expected: SIZE * 10, actual: SIZE })
})

test('SIZE 0 for a file that is not empty', async () => {
  const { error } = await fail({ server: { sizeTold: () => 0 } })
  expect(error).toMatchObject({ code: 'ERR_FTP_SIZE_MISMATCH', expected: 0 })
})

test('SIZE of an empty file that is not 0', async () => {
  const { error } = await fail({ content: Buffer.alloc(0), server: { sizeTold: () => 5_000 } })
  expect(error).toMatchObject({ code: 'ERR_FTP_TRUNCATED', expected: 5_000, actual: 0 })
})

test('verify.size: false takes what the server sends until it says that it is done', async () => {
  const outcome = await succeed({
    server: { sizeTold: (_path, size) => size - 4_096 },
    download: { verify: { size: false } },
  })
  expect(outcome.result.verified).toMatchObject({ size: 'not asked', modified: 'matched' })
  expect(outcome.server.retrievals).toHaveLength(1)
  expect(eventsOf(outcome, 'verify')).toContainEqual({ check: 'size', outcome: 'not asked' })
})
