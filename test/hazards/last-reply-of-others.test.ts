/** The 150 and the 226 of listings, uploads and streams come early, late, twice, never, or in other words. */
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { CONTENT, REMOTE, sent } from './support/attempt.ts'
import { listing, sending, stored, storing, type Confirmation } from './support/confirmed.ts'
import { failureOf, withClient } from './support/with-client.ts'

const LISTED = Array.from({ length: 3_000 }, (_, index) => `type=file;size=${index}; file-${index}`)
const NAMES = LISTED.map((_line, index) => `file-${index}`)
const CLIENT = { maxConnections: 1, retry: { attempts: 1 } }
/** For a 226 that never comes. */
const IMPATIENT = { ...CLIENT, timeouts: { completion: 200 } }

const SAID: readonly Confirmation[] = [
  'proper',
  'together',
  'early',
  'without 150',
  '125',
  'second 150',
  'twice',
]

describe.each(['none', 'explicit'] as const)('security %s', (security) => {
  test.each(SAID)('a listing, %s: whole, and the session goes on', async (confirmation) => {
    const on = { MLSD: listing(LISTED, confirmation) }
    await withClient({ security, on }, CLIENT, async (client, server) => {
      // What is left of the first would be taken for an answer to the second.
      for (let time = 0; time < 2; time++) {
        expect((await client.listAll('/pub')).map(({ name }) => name)).toEqual(NAMES)
        expect(await client.size(REMOTE)).toBe(CONTENT.length)
      }
      expect(server.commands).toHaveLength(1)
    })
  })

  test.each(SAID)('an upload, %s: whole, and the session goes on', async (confirmation) => {
    const on = { STOR: storing(confirmation) }
    await withClient({ security, on }, CLIENT, async (client, server) => {
      for (const path of ['/pub/one', '/pub/two']) {
        const result = await client.upload(CONTENT, path)
        expect(result.verified.size).toBe('matched')
        expect(CONTENT.equals(stored(server, path))).toBe(true)
      }
      expect(sent(server, 'STOR')).toBe(2)
      expect(server.commands).toHaveLength(1)
    })
  })

  test.each(SAID)('streams of a file, %s: whole, and the session goes on', async (confirmation) => {
    const on = { RETR: sending(CONTENT, confirmation), STOR: storing(confirmation) }
    await withClient({ security, on }, CLIENT, async (client, server) => {
      for (const path of ['/pub/one', '/pub/two']) {
        expect(CONTENT.equals(await buffer(client.createReadStream(REMOTE)))).toBe(true)
        const stream = client.createWriteStream(path)
        stream.end(CONTENT)
        await once(stream, 'finish')
        expect(CONTENT.equals(stored(server, path))).toBe(true)
      }
      expect(server.commands).toHaveLength(1)
    })
  })

  test.each([
    ['without a 226', 'never'],
    ['with a second 150 in its place', 'two 150 alone'],
  ] as const)('a listing %s is not known to be whole', async (_what, confirmation) => {
    await withClient({ security, on: { MLSD: listing(LISTED, confirmation) } }, IMPATIENT, async (client) => {
      expect(await failureOf(client.listAll('/pub'))).toMatchObject({
        code: 'ERR_FTP_TIMEOUT',
        phase: 'completion',
        afterMs: 200,
      })
    })
  })

  test('an upload without a 226 is not known to have arrived: it is sent again, and then told', async () => {
    const client = { ...IMPATIENT, retry: { attempts: 2, minDelay: 1 } }
    await withClient({ security, on: { STOR: storing('never') } }, client, async (ftp, server) => {
      expect(await failureOf(ftp.upload(CONTENT, REMOTE))).toMatchObject({
        code: 'ERR_FTP_TIMEOUT',
        phase: 'completion',
        afterMs: 200,
      })
      expect(sent(server, 'STOR')).toBe(2)
    })
  })

  test('a stream to a file without a 226 does not finish', async () => {
    await withClient({ security, on: { STOR: storing('never') } }, IMPATIENT, async (client) => {
      const stream = client.createWriteStream(REMOTE)
      stream.end(CONTENT)
      expect(await failureOf(once(stream, 'finish'))).toMatchObject({
        code: 'ERR_FTP_TIMEOUT',
        phase: 'completion',
        afterMs: 200,
      })
    })
  })
})
