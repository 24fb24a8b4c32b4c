/**
 * A server that keeps what REST said when it refuses the RETR behind it: the next RETR on that session, which is
 * of another file and from its beginning, would start there. Without a size nothing shows that it is a tail.
 */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { attempt, CONTENT, REMOTE, SIZE, succeed } from './support/attempt.ts'

const OTHER = '/pub/other.bin'
const OTHER_CONTENT = randomBytes(SIZE, 'other')

test.each([
  ['550 (for good)', '550 Not enough privileges'],
  ['450 (for now)', '450 File busy'],
])('RETR behind REST is refused by %s: the next file is whole', async (_name, reply) => {
  await attempt({
    server: {
      files: { [REMOTE]: CONTENT, [OTHER]: OTHER_CONTENT },
      fault: ({ path, number }) =>
        path === REMOTE && number === 0
          ? { kind: 'cut', afterBytes: 200_000, by: 'fin', reply: '451 Disk error' }
          : undefined,
      on: { RETR: refusingBehindRest(reply), SIZE: knownOnlyOf(REMOTE) },
    },
    client: { maxConnections: 1 },
    download: { connections: 1 },
    after: async ({ client, folder, server }) => {
      expect(server.commands.flat()).toContainEqual(expect.stringMatching(/^REST [1-9]/))
      for (const name of ['second', 'third']) {
        const { bytes, verified } = await client.download(OTHER, folder.at(name))
        expect(verified.size).toBe('unavailable')
        expect(bytes).toBe(SIZE)
        expect((await readFile(folder.at(name))).equals(OTHER_CONTENT)).toBe(true)
      }
    },
  })
})

test('by 554 (RFC 1123 §4.1.2.12): it begins anew, and at 0', async () => {
  const { server } = await succeed({
    server: {
      fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 200_000, by: 'fin' } : undefined),
      on: { RETR: refusingBehindRest('554 Invalid REST parameter') },
    },
    client: { maxConnections: 1 },
    download: { connections: 1 },
  })
  const begun = server.retrievals.map(({ start, bytesSent }) => [start, bytesSent])
  expect(begun).toEqual([
    [0, 200_000],
    [0, SIZE],
  ])
})

/** Keeps what REST said, as long as no RETR runs. */
function refusingBehindRest(reply: string): NonNullable<FakeFtpOptions['on']>[string] {
  let refusals = 0
  return async (session, argument, proceed) => {
    if (session.restartOffset === 0 || argument !== REMOTE || refusals++ >= 3) return proceed()
    session.dropData()
    session.reply(reply)
  }
}

function knownOnlyOf(path: string): NonNullable<FakeFtpOptions['on']>[string] {
  return async (session, argument, proceed) =>
    argument === path ? proceed() : session.reply('550 No size of that')
}
