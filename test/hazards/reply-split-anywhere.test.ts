/** TCP cuts replies wherever it likes, and puts several into one packet: what they say stays the same. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, REMOTE, sent, serving, succeed } from './support/attempt.ts'
import { listing, sending, stored, storing } from './support/confirmed.ts'

const CONTENT = randomBytes(20_001, 'split')
/** A reply that is lost is waited for, and not for long. */
const CLIENT = { maxConnections: 1, timeouts: { reply: 5_000, completion: 5_000 } }
const LISTED = ['type=file;size=1; one', 'type=dir; two']
/** 220 in lines of which some look like its last. */
const GREETING = '220-Welcome\r\n 220 not yet\r\n220-nor now\r\n\r\n220 Ready'

/** A login, a listing, a download, a part of a file, and an upload: each reply that they are answered with. */
async function wholeDialogue(options: FakeFtpOptions): Promise<FakeFtpServer> {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, { greeting: GREETING, ...options }))
  await using client = new FtpClient(await clientOptions(server, CLIENT))
  expect((await client.listAll('/pub')).map(({ name }) => name)).toEqual(['one', 'two'])
  const result = await client.download(REMOTE, folder.at('file'), { connections: 1 })
  expect(result).toMatchObject({ refetchedBytes: 0, verified: { size: 'matched', modified: 'matched' } })
  expect(CONTENT.equals(await readFile(folder.at('file')))).toBe(true)
  // Cut by us at its end, so that the last reply is one to a cut.
  const part = await client.readFile(REMOTE, { start: 5_000, end: 9_999 })
  expect(CONTENT.subarray(5_000, 10_000).equals(part)).toBe(true)
  await client.upload(CONTENT, '/pub/again')
  expect(CONTENT.equals(stored(server, '/pub/again'))).toBe(true)
  expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
  expect(server.commands).toHaveLength(1)
  expect(sent(server, 'RETR')).toBe(2)
  return server
}

const VERBS: FakeFtpOptions = { on: { MLSD: listing(LISTED), STOR: storing() } }

test('every reply of a whole dialogue in two packets, cut at every place', async () => {
  await expectNoLeaks(async () => {
    const { longestReply } = await wholeDialogue(VERBS)
    expect(longestReply).toBeGreaterThan(100)
    for (let cut = 1; cut < longestReply; cut++) await wholeDialogue({ ...VERBS, cutReplies: cut })
  })
}, 120_000)

test.each(['none', 'explicit', 'implicit'] as const)(
  'every byte of every reply in a packet of its own, security %s',
  async (security) => {
    await expectNoLeaks(() => wholeDialogue({ ...VERBS, security, cutReplies: 'at every byte' }))
  },
)

const TOGETHER: FakeFtpOptions = {
  on: {
    MLSD: listing(LISTED, 'together'),
    STOR: storing('together'),
    RETR: sending(CONTENT, 'together'),
  },
}

test('150 and 226 in one packet, before the data; and that packet cut at every place', async () => {
  await expectNoLeaks(async () => {
    await wholeDialogue(TOGETHER)
    for (let cut = 1; cut < 60; cut++) await wholeDialogue({ ...TOGETHER, cutReplies: cut })
  })
}, 120_000)

test('120 and 220 in one packet', async () => {
  await succeed({ server: { greeting: '120 Ready in 1 minute\r\n220 Ready' } })
})
