/** The 150 and the 226 come early, late, twice, never, or in other words: the bytes decide where they can. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import {
  fakeFtpServer,
  type Completion,
  type FakeFtpOptions,
  type FakeSession,
} from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, CONTENT, eventsOf, fail, REMOTE, serving, SIZE, succeed } from './support/attempt.ts'

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

test.each(['before data', 'early'] as const)(
  '226 %s, and data that take longer than any patience behind a last reply: one RETR brings them',
  async (completion) => {
    for (const unsupported of [[], ['SIZE']]) {
      const { server } = await succeed({
        server: { completion, unsupported, bytesPerSecond: 200_000 },
        download: { connections: 1 },
      })
      expect(server.retrievals).toHaveLength(1)
    }
  },
)

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

test.each([1, 4])(
  'no 226, and hours to wait for it: neither the file nor close() waits, with %i connections',
  async (connections) => {
    const { server, result } = await succeed({
      server: { completion: 'never' },
      client: { timeouts: { completion: Infinity } },
      download: { connections },
      // The client is closed behind this, which the limit of the test bounds.
    })
    expect(result.verified).toMatchObject({ size: 'matched', modified: 'matched' })
    expect(server.retrievals).toHaveLength(connections)
  },
)

test('no 226, and cancelled while it is verified: close() does not wait for it either', async () => {
  const { error } = await fail({
    server: { completion: 'never' },
    client: { timeouts: { completion: Infinity } },
    download: { connections: 1 },
    during: (transfer) =>
      void transfer.on('state', ({ state }) => {
        if (state === 'verifying') transfer.cancel()
      }),
  })
  expect(error).toMatchObject({ name: 'AbortError' })
})

test('no 150, and data that take longer than an answer may: one session, nothing is fetched twice', async () => {
  for (const unsupported of [[], ['REST'], ['SIZE']]) {
    const outcome = await succeed({
      server: { completion: 'without 150', unsupported, bytesPerSecond: 400_000 },
      client: { timeouts: { reply: 500 } },
      download: { connections: 1 },
    })
    expect(eventsOf(outcome, 'retry')).toEqual([])
    expect(outcome.server.retrievals).toHaveLength(1)
    expect(outcome.server.commands).toHaveLength(1)
  }
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
        // Each waits its two seconds for sessions that never tell how it ended.
        for (const name of afterCut === 'nothing' ? ['second'] : ['second', 'third']) {
          const again = await client.download(REMOTE, folder.at(name), {
            connections: 4,
            minSegmentSize: 1_024,
          })
          expect(again).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
          expect(again.verified).toMatchObject({ size: 'matched', modified: 'matched' })
        }
      },
    })
    expect(server.retrievals.filter(({ outcome }) => outcome === 'cut by the client')).toHaveLength(
      afterCut === 'nothing' ? 6 : 9,
    )
    // Every session that told how it ended is kept.
    if (afterCut !== 'nothing') expect(server.commands.length).toBeLessThanOrEqual(4)
  },
)

test.each([0, 40, 400])(
  'a 226 that follows the 426 behind our own cut by %i ms is dropped, not taken for the answer to EPSV',
  async (afterMs) => {
    await succeed({
      // The last segment is not cut, and slow: its session asks for the facts, the others begin with EPSV.
      server: {
        on: { RETR: withLate226(afterMs) },
        bytesPerSecond: [4_000_000, 4_000_000, 4_000_000, 1_000_000],
      },
      download: { connections: 4 },
      after: async ({ client, folder }) => {
        for (const name of ['second', 'third', 'fourth']) {
          const again = await client.download(REMOTE, folder.at(name), {
            connections: 4,
            minSegmentSize: 1_024,
          })
          expect(again).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
          expect((await readFile(folder.at(name))).equals(CONTENT)).toBe(true)
        }
      },
    })
  },
)

test('such a late 226, and the next command on that session is SIZE: not taken for its answer either', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const rates = [4_000_000, 500_000]
    await using server = await fakeFtpServer(
      serving(CONTENT, { on: { RETR: withLate226(300) }, bytesPerSecond: rates }),
    )
    await using client = new FtpClient(await clientOptions(server, { maxConnections: 2 }))
    const first = client.download(REMOTE, folder.at('first'), { connections: 2, minSegmentSize: 1_024 })
    await once(first, 'segment')
    // Gets the first session that is free, the one that was cut, and asks it for SIZE at once.
    const second = client.download(REMOTE, folder.at('second'), { connections: 1 })
    const [, result] = await Promise.all([first, second])
    expect(result).toMatchObject({ bytes: SIZE, verified: { size: 'matched', modified: 'matched' } })
    expect((await readFile(folder.at('second'))).equals(CONTENT)).toBe(true)
  })
})

test('125 in place of 150 (pyftpdlib)', async () => {
  await succeed({ server: rewording(/^150/, '125'), download: { connections: 4 } })
})

test('250 in place of 226', async () => {
  await succeed({ server: rewording(/^226/, '250'), download: { connections: 4 } })
})

test('every byte of every reply in a segment of its own', async () => {
  await succeed({ server: { cutReplies: 'at every byte' }, download: { connections: 2 } })
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

/** RETR that is answered once more, and late, where the client has cut it. */
function withLate226(afterMs: number): NonNullable<FakeFtpOptions['on']>[string] {
  return async (session, _argument, proceed) => {
    await proceed()
    const mine = session.server.retrievals.filter(({ connection }) => connection === session.index)
    if (mine.at(-1)?.outcome !== 'cut by the client') return
    if (afterMs > 0) await session.control.delay(afterMs)
    session.reply('226 Abort successful')
  }
}

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
