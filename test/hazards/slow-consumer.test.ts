/** Who reads takes longer than every deadline: that is not the server's silence, and nothing is given up for it. */
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { FakeFtpServer } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { REMOTE, sent, succeed } from './support/attempt.ts'
import { listing } from './support/confirmed.ts'
import { IMPATIENT, LONG_MS } from './support/impatient.ts'
import { withClient } from './support/with-client.ts'

/** Nothing was lost, and nothing asked for twice. */
function expectUndisturbed(server: FakeFtpServer): void {
  expect(sent(server, 'RETR')).toBe(1)
  expect(server.commands).toHaveLength(1)
}

// All in one read; more than the stream reads ahead; more than the systems between have room for.
describe.each([50_000, 2_500_000, 24_000_000])('a file of %i bytes', (size) => {
  const content = randomBytes(size, 'slow')

  test.each(['none', 'explicit'] as const)('that nobody reads for long, security %s', async (security) => {
    await withClient(
      { security },
      IMPATIENT,
      async (client, server) => {
        const stream = client.createReadStream(REMOTE)
        stream.read(0)
        await sleep(LONG_MS)
        expect(content.equals(await buffer(stream))).toBe(true)
        expectUndisturbed(server)
      },
      content,
    )
  })

  test.each(['none', 'explicit'] as const)('read with long pauses, security %s', async (security) => {
    await withClient(
      { security },
      IMPATIENT,
      async (client, server) => {
        const pieces: Buffer[] = []
        let bytes = 0
        for await (const piece of client.createReadStream(REMOTE) as AsyncIterable<Buffer>) {
          const third = Math.floor((3 * bytes) / size)
          pieces.push(piece)
          bytes += piece.length
          if (Math.floor((3 * bytes) / size) > third) await sleep(LONG_MS)
        }
        expect(content.equals(Buffer.concat(pieces))).toBe(true)
        expectUndisturbed(server)
      },
      content,
    )
  })
})

test('a download whose limit lets a little through between two deadlines', async () => {
  const content = randomBytes(6_000, 'limited')
  const { server } = await succeed({
    content,
    client: { ...IMPATIENT, timeouts: { ...IMPATIENT.timeouts, data: 100 } },
    download: { connections: 1, bytesPerSecond: 2_500 },
  })
  expectUndisturbed(server)
})

test('a listing whose entries are taken with long pauses: the session is free meanwhile', async () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => `type=file;size=1; name-${index}`)
  await withClient({ on: { MLSD: listing(lines) } }, IMPATIENT, async (client, server) => {
    const names: string[] = []
    for await (const { name } of client.list('/pub')) {
      if (names.length % 2_500 === 0) {
        await sleep(LONG_MS)
        expect(client.stats().leased).toBe(0)
      }
      names.push(name)
    }
    expect(names).toEqual(lines.map((_line, index) => `name-${index}`))
    expect(server.commands).toHaveLength(1)
  })
})
