/** Who writes takes longer than every deadline: that is not the server's silence, and nothing is given up for it. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { FakeFtpServer, Override } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { REMOTE, sent } from './support/attempt.ts'
import { stored, storing } from './support/confirmed.ts'
import { IMPATIENT, LONG_MS } from './support/impatient.ts'
import { failureOf, withClient } from './support/with-client.ts'

const PIECES = [randomBytes(100_000, 'one'), randomBytes(3_000_000, 'two'), randomBytes(1, 'three')]
const ALL = Buffer.concat(PIECES)

/** Long before each, and before the end. */
async function* slowly(): AsyncGenerator<Buffer> {
  for (const piece of PIECES) {
    await sleep(LONG_MS)
    yield piece
  }
  await sleep(LONG_MS)
}

async function* oneAndNoMore(): AsyncGenerator<Buffer> {
  yield PIECES[0] ?? Buffer.alloc(0)
  await new Promise(() => {})
}

const lostSoon: Override = async (session) => {
  session.reply('150 Go on')
  await session.openData()
  await session.die('rst')
}

function expectStoredOnce(server: FakeFtpServer): void {
  expect(ALL.equals(stored(server, REMOTE))).toBe(true)
  expect(sent(server, 'STOR')).toBe(1)
  expect(server.commands).toHaveLength(1)
}

describe.each(['none', 'explicit'] as const)('security %s', (security) => {
  const server = { security, on: { STOR: storing() } }

  test('an upload of what comes with long pauses', async () => {
    await withClient(server, IMPATIENT, async (client, fake) => {
      const result = await client.upload(slowly(), REMOTE)
      expect(result).toMatchObject({ bytes: ALL.length, verified: { size: 'matched' } })
      expectStoredOnce(fake)
    })
  })

  test('a stream that is written to with long pauses', async () => {
    await withClient(server, IMPATIENT, async (client, fake) => {
      const stream = client.createWriteStream(REMOTE)
      for await (const piece of slowly()) stream.write(piece)
      stream.end()
      await once(stream, 'finish')
      expectStoredOnce(fake)
    })
  })

  test('the connection is lost while nothing comes: that is told, and not waited out', async () => {
    await withClient({ security, on: { STOR: lostSoon } }, IMPATIENT, async (client) => {
      expect(await failureOf(client.upload(oneAndNoMore(), REMOTE))).toMatchObject({
        name: 'FtpConnectionError',
        code: 'ERR_FTP_CONTROL_CLOSED',
      })
    })
  })
})
