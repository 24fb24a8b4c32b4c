/** The 150 and the 226 come early, late, twice, never, or in other words: the bytes decide where they can. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Completion, FakeFtpOptions, FakeSession } from '../support/fake-ftp-server.ts'
import { CONTENT, fail, REMOTE, SIZE, succeed } from './support/attempt.ts'

const IN_TIME: readonly Completion[] = ['proper', 'before data', 'early', 'without 150']

test.each(IN_TIME)('226 %s', async (completion) => {
  for (const connections of [1, 4]) {
    const { result } = await succeed({ server: { completion }, download: { connections } })
    expect(result.refetchedBytes).toBe(0)
  }
})

test.each(IN_TIME)('226 %s, without SIZE', async (completion) => {
  await succeed({ server: { completion, unsupported: ['SIZE'] } })
})

test('no 226 behind all the bytes: success, and the connection is not used again', async () => {
  const { server } = await succeed({
    server: { completion: 'never' },
    client: { timeouts: { completion: 100 } },
    download: { connections: 1 },
  })
  expect(server.retrievals).toHaveLength(1)
  // The second SIZE went out on another connection: a late 226 would have been taken for its answer.
  expect(server.commands).toHaveLength(2)
})

test.each([
  ['RST and 426', '426 Connection closed'],
  ['RST and 226', '226 Done'],
])('%s behind the last byte: success, nothing is fetched again', async (_name, reply) => {
  for (const connections of [1, 4]) {
    const { server, result } = await succeed({
      server: { fault: ({ start }) => ({ kind: 'cut', by: 'rst', reply, afterBytes: SIZE - start }) },
      download: { connections },
    })
    expect(result.refetchedBytes).toBe(0)
    expect(server.retrievals).toHaveLength(connections)
  }
})

test('FIN and 426 behind the last byte: success', async () => {
  await succeed({
    server: { fault: ({ start }) => ({ kind: 'cut', by: 'fin', afterBytes: SIZE - start }) },
    download: { connections: 1 },
  })
})

test.each(['426', '226', 'second 150', 'nothing'] as const)(
  '%s behind our own cuts: no reply is taken for the answer to something else',
  async (afterCut) => {
    const { server } = await succeed({
      // So slow that the server still has something to send when the cut comes.
      server: { afterCut, bytesPerSecond: 2_000_000 },
      download: { connections: 4 },
      after: async ({ client, folder }) => {
        for (const name of ['second', 'third']) {
          const again = await client.download(REMOTE, folder.at(name), {
            connections: 4,
            minSegmentSize: 1_024,
          })
          expect(again).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
          expect(again.verified).toMatchObject({ size: 'matched', modified: 'matched' })
        }
      },
    })
    expect(server.retrievals.filter(({ outcome }) => outcome === 'cut by the client')).toHaveLength(9)
    // Every session that told how it ended is kept.
    if (afterCut !== 'nothing') expect(server.commands.length).toBeLessThanOrEqual(4)
  },
)

test.each([0, 40, 300])(
  'a 226 that follows the 426 behind our own cut by %i ms is dropped, not taken for an answer',
  async (afterMs) => {
    const on: FakeFtpOptions['on'] = {
      RETR: async (session, _argument, proceed) => {
        await proceed()
        if (
          session.server.retrievals.findLast(({ connection }) => connection === session.index)?.outcome ===
          'complete'
        )
          return
        if (afterMs > 0) await session.control.delay(afterMs)
        session.reply('226 Abort successful')
      },
    }
    await succeed({
      server: { on, bytesPerSecond: 2_000_000 },
      download: { connections: 4 },
      after: async ({ client, folder }) => {
        for (const name of ['second', 'third', 'fourth']) {
          const again = await client.download(REMOTE, folder.at(name), {
            connections: 4,
            minSegmentSize: 1_024,
          })
          expect(again).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
          expect(again.verified).toMatchObject({ size: 'matched', modified: 'matched' })
          expect((await readFile(folder.at(name))).equals(CONTENT)).toBe(true)
        }
      },
    })
  },
)

test('a late 226 behind our own cut, and the next command on that session is SIZE, not EPSV', async () => {
  const on: FakeFtpOptions['on'] = {
    RETR: async (session, _argument, proceed) => {
      await proceed()
      if (session.index > 0) return
      await session.control.delay(300)
      session.reply('226 Abort successful')
    },
  }
  // The slow first segment is cut last, and its session is the first to hand when the facts are asked again.
  const outcome = await succeed({
    server: { on, bytesPerSecond: [1_000_000, 8_000_000] },
    download: { connections: 2 },
  })
  expect(outcome.server.retrievals.find(({ offset }) => offset === 0)?.outcome).toBe('cut by the client')
  expect(outcome.result.verified).toMatchObject({ size: 'matched', modified: 'matched' })
})

test('125 in place of 150 (pyftpdlib)', async () => {
  await succeed({ server: rewording(/^150/, '125'), download: { connections: 4 } })
})

test('250 in place of 226', async () => {
  await succeed({ server: rewording(/^226/, '250'), download: { connections: 4 } })
})

test('every byte of every reply in a segment of its own', async () => {
  await succeed({ server: { splitReplies: true }, download: { connections: 2 } })
})

test('replies of several lines', async () => {
  await succeed({
    server: rewording(/^(150|226) .*/, '$1-Well\r\n 226 no end yet\r\n$1 There'),
    download: { connections: 4 },
  })
})

test('226 with too few bytes, before or behind their end: not a whole file', async () => {
  const { error } = await fail({
    server: {
      completion: 'before data',
      fault: ({ start }) => ({ kind: 'cut', by: 'fin', reply: null, afterBytes: SIZE - 1 - start }),
    },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TRUNCATED', expected: SIZE, actual: SIZE - 1 })
})

/** Replies to RETR in other words. */
function rewording(pattern: RegExp, words: string): FakeFtpOptions {
  const reworded = new WeakSet<FakeSession>()
  return {
    on: {
      RETR: async (session, _argument, proceed) => {
        if (!reworded.has(session)) {
          reworded.add(session)
          const reply = session.reply.bind(session)
          session.reply = (...lines) => reply(...lines.map((line) => line.replace(pattern, words)))
        }
        await proceed()
      },
    },
  }
}
