/** The file changes on the server while it is fetched: never half of one and half of the other. */
import { expect, test } from 'vitest'
import { patternFile } from '../support/pattern-file.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { attempt, CONTENT, fail, REMOTE, SIZE, succeed } from './support/attempt.ts'

const EARLIER = new Date('2024-01-01T00:00:00Z')
const LATER = new Date('2024-01-01T00:00:01Z')

test.each([1, 4])('its MDTM is one second later afterwards, %i connections', async (connections) => {
  const { error } = await fail({
    server: { modified: (_path, timesAsked) => (timesAsked === 0 ? EARLIER : LATER) },
    download: { connections },
  })
  expect(error).toMatchObject({
    name: 'FtpTransferError',
    code: 'ERR_FTP_SOURCE_CHANGED',
    path: REMOTE,
    expected: EARLIER.toISOString(),
    actual: LATER.toISOString(),
    retryable: true,
  })
  expect((error as Error).message).toMatch(/changed while it was fetched/)
})

test('verify.modified: false lets that pass', async () => {
  const { result } = await succeed({
    server: { modified: (_path, timesAsked) => (timesAsked === 0 ? EARLIER : LATER) },
    download: { verify: { modified: false } },
  })
  expect(result.verified).toMatchObject({ modified: 'not asked', size: 'matched' })
})

test.each([1, 4])('only its SIZE differs afterwards, %i connections', async (connections) => {
  let timesAsked = 0
  const { error } = await fail({
    server: { sizeTold: (_path, size) => (timesAsked++ === 0 ? size : size + 1) },
    download: { connections },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED', expected: SIZE, actual: SIZE + 1 })
})

test.each([
  ['grows', Buffer.concat([CONTENT, randomBytes(50_000)])],
  ['shrinks', CONTENT.subarray(0, SIZE - 50_000)],
  ['is emptied', Buffer.alloc(0)],
  ['becomes another one of another size', randomBytes(SIZE + 1, 'another')],
])('it %s between SIZE and RETR', async (_what, other) => {
  for (const connections of [1, 4]) {
    const { error } = await fail({
      server: {
        on: {
          EPSV: async (session, _argument, proceed) => {
            session.server.files.set(REMOTE, other)
            await proceed()
          },
        },
      },
      download: { connections },
    })
    expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED', expected: SIZE, actual: other.length })
  }
})

test.each([
  ['grows', Buffer.concat([CONTENT, randomBytes(50_000, 'grown')])],
  ['shrinks', CONTENT.subarray(0, SIZE - 50_000)],
  ['is emptied', Buffer.alloc(0)],
  ['is written anew, with another size', randomBytes(SIZE - 1, 'anew')],
  ['is written anew, with the same size and a later time', randomBytes(SIZE, 'anew')],
])('it %s while its data are under way', async (_what, other) => {
  for (const connections of [1, 4]) {
    let isOther = false
    const { error } = await fail({
      server: {
        modified: () => (isOther ? LATER : EARLIER),
        on: {
          RETR: async (session, _path, proceed) => {
            if (isOther) return proceed()
            session.reply('150 Here it comes')
            const from = session.restartOffset
            session.restartOffset = 0
            const data = await session.openData()
            if ('refusal' in data) return session.reply(data.refusal)
            await data.write(CONTENT.subarray(from, from + 50_000))
            isOther = true
            session.server.files.set(REMOTE, other)
            // What is read from here on is what stands there now.
            await data.write(other.subarray(from + 50_000))
            await data.end()
            session.reply('226 Done')
          },
        },
      },
      download: { connections },
    })
    expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED', path: REMOTE, retryable: true })
  }
})

test('it becomes another one of the same size between two segments: MDTM tells', async () => {
  const { error } = await fail({
    content: patternFile(SIZE, 'one'),
    server: {
      modified: (_path, timesAsked) => (timesAsked === 0 ? EARLIER : LATER),
      on: {
        REST: async (session, _argument, proceed) => {
          session.server.files.set(REMOTE, patternFile(SIZE, 'two'))
          await proceed()
        },
      },
    },
    download: { connections: 4 },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
})

test('it becomes another one of the same size, and MDTM is not there to tell: the seams do', async () => {
  // From here on all that comes is of the new file: the seams do not fit, and one connection fetches that file.
  const two = patternFile(SIZE, 'two')
  const { result } = await succeed({
    content: two,
    server: {
      unsupported: ['MDTM'],
      files: { [REMOTE]: patternFile(SIZE, 'one') },
      on: {
        REST: async (session, _argument, proceed) => {
          await session.control.delay(50)
          session.server.files.set(REMOTE, two)
          await proceed()
        },
      },
    },
    download: { connections: 4 },
  })
  expect(result.verified.modified).toBe('unavailable')
})

test('MDTM is told before and not afterwards: nothing is claimed of it', async () => {
  let asked = 0
  const { result } = await succeed({
    server: {
      on: {
        MDTM: async (session, _argument, proceed) => {
          asked += 1
          if (asked === 1) await proceed()
          else session.reply('550 Not now')
        },
      },
    },
  })
  expect(asked).toBe(2)
  expect(result.verified.modified).toBe('unavailable')
})

test('it is deleted behind the last byte: neither fact is there to compare, and none is claimed', async () => {
  const { result } = await attempt({
    server: {
      on: {
        SIZE: async (session, _argument, proceed) => {
          if (session.server.retrievals.length > 0) session.server.files.delete(REMOTE)
          await proceed()
        },
      },
    },
    download: { connections: 1 },
  })
  // Whole as far as the first SIZE tells; an error would be as good, a claim of `matched` MDTM would not.
  if (result !== undefined) expect(result.verified.modified).toBe('unavailable')
})

test('it is deleted while it is fetched', async () => {
  const { result, error } = await fail({
    server: {
      fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 100_000, by: 'rst' } : undefined),
      on: {
        REST: async (session, _argument, proceed) => {
          session.server.files.delete(REMOTE)
          await proceed()
        },
      },
    },
    download: { connections: 1 },
  })
  expect(result).toBeUndefined()
  expect(error).toMatchObject({ name: 'FtpReplyError', reply: { code: 550 } })
})
