/** The data stop, and go on: within the deadline nobody minds; behind it another connection has gone on already. */
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { FtpClientOptions } from '../../src/index.ts'
import type { FakeFtpOptions, Override } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { CONTENT, eventsOf, REMOTE, sent, succeed } from './support/attempt.ts'
import { stored } from './support/confirmed.ts'
import { withClient } from './support/with-client.ts'

const DATA_MS = 1_000
/** Each stall is far shorter than the deadline, and all of them are longer. */
const SHORT_MS = 150
const STALLS = 10
const CLIENT: FtpClientOptions = { timeouts: { data: DATA_MS }, maxConnections: 4 }
/** More than the systems between have room for. */
const UPLOADED = randomBytes(16_000_000, 'stalled')

const sendingInStretches: Override = async (session) => {
  const bytes = CONTENT.subarray(session.restartOffset)
  session.restartOffset = 0
  session.reply('150 Here it comes')
  const data = await session.openData()
  if ('refusal' in data) return session.reply(data.refusal)
  const stretch = Math.ceil(bytes.length / STALLS)
  for (let at = 0; at < bytes.length && data.open; at += stretch) {
    await data.write(bytes.subarray(at, at + stretch))
    await session.control.delay(SHORT_MS)
  }
  await data.end()
  session.reply('226 Done')
}

const takingInStretches: Override = async (session, path) => {
  session.reply('150 Go on')
  const data = await session.openData()
  if ('refusal' in data) return session.reply(data.refusal)
  for (let stall = 0; stall < STALLS; stall++) {
    await data.stopReading()
    await session.control.delay(SHORT_MS)
    data.readOn()
    await session.control.delay(10)
  }
  session.server.files.set(path, await data.readToEnd())
  await data.end()
  session.reply('226 Done')
}

/** The first RETR stands still for longer than the deadline; what is held back comes then, to nobody. */
const stallingLong: FakeFtpOptions['fault'] = ({ number }) =>
  number === 0 ? { kind: 'stall', afterBytes: 100_000, forMs: 1.5 * DATA_MS } : undefined

describe.each(['none', 'explicit'] as const)('security %s', (security) => {
  test.each([1, 4])(
    'again and again for less than the deadline: a download is not disturbed, %i connections',
    async (connections) => {
      const outcome = await succeed({
        server: { security, on: { RETR: sendingInStretches } },
        client: CLIENT,
        download: { connections },
      })
      expect(eventsOf(outcome, 'retry')).toEqual([])
      expect(eventsOf(outcome, 'connection').filter(({ type }) => type === 'lost')).toEqual([])
    },
  )

  test('again and again for less than the deadline: an upload is not disturbed', async () => {
    await withClient({ security, on: { STOR: takingInStretches } }, CLIENT, async (client, server) => {
      await client.upload(UPLOADED, REMOTE)
      expect(UPLOADED.equals(stored(server, REMOTE))).toBe(true)
      expect(sent(server, 'STOR')).toBe(1)
    })
  })

  test.each([1, 4])(
    'for longer: another connection goes on where a download was, %i connections',
    async (connections) => {
      const outcome = await succeed({
        server: { security, fault: stallingLong },
        client: CLIENT,
        download: { connections },
      })
      expect(outcome.result.refetchedBytes).toBe(0)
      const [lost] = eventsOf(outcome, 'connection').filter(({ type }) => type === 'lost')
      expect(lost?.error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'data', afterMs: DATA_MS })
    },
  )

  test('for longer: a stream goes on, and no byte comes twice', async () => {
    await withClient({ security, fault: stallingLong }, CLIENT, async (client, server) => {
      expect(CONTENT.equals(await buffer(client.createReadStream(REMOTE)))).toBe(true)
      expect(server.retrievals).toHaveLength(2)
    })
  })
})
