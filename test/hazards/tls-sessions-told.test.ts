/** `result.tls` against what the server has counted: also where data connections broke, stood still or were refused. */
import { describe, expect, test } from 'vitest'
import { FtpClient, type UploadResult } from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { clientOptions, CONTENT, REMOTE, serving, succeed, type AttemptOptions } from './support/attempt.ts'

function counted({ dataConnections }: FakeFtpServer): { dataSessions: number; dataSessionsReused: number } {
  const reused = dataConnections.filter((data) => data.reused === true)
  return { dataSessions: dataConnections.length, dataSessionsReused: reused.length }
}

/** Under TLS 1.2 there is nothing to be resumed then; under 1.3 nothing of it is taken. */
const FORGETFUL = { resumption: false } as const

describe('downloads', () => {
  test.each<[string, FakeFtpOptions]>([
    ['nothing went wrong', {}],
    ['the first is cut by FIN', { fault: first({ kind: 'cut', afterBytes: 100_000, by: 'fin' }) }],
    ['the first is cut by RST', { fault: first({ kind: 'cut', afterBytes: 100_000, by: 'rst' }) }],
    ['the first stands still', { fault: first({ kind: 'stall', afterBytes: 50_000 }) }],
    ['no session resumes', { tls: FORGETFUL }],
    ['no session resumes, TLS 1.2', { tls: { ...FORGETFUL, maxVersion: 'TLSv1.2' } }],
    ['the tickets of a session run out', { ticketsForgottenAfter: 1, requireReuse: true }],
  ])('%s', async (_name, server) => {
    for (const connections of [1, 4]) {
      const attempt: AttemptOptions = { download: { connections }, client: { timeouts: { data: 300 } } }
      const { result, server: fake } = await succeed({
        ...attempt,
        server: { security: 'explicit', ...server },
      })
      expect(result.tls).toMatchObject(counted(fake))
      if ('fault' in server) expect(result.tls?.dataSessions).toBeGreaterThan(1)
      if ('tls' in server) expect(result.tls?.dataSessionsReused).toBe(0)
    }
  })
})

describe('uploads', () => {
  test.each<[string, FakeFtpOptions]>([
    ['nothing went wrong', {}],
    ['the first is cut', { on: { STOR: cutFirst } }],
    ['no session resumes', { tls: FORGETFUL }],
  ])('%s', async (_name, server) => {
    const { result, told } = await upload({ ...server, on: { STOR: take, ...server.on } })
    expect(result.tls).toMatchObject(told)
    expect(told.dataSessions).toBe(server.on === undefined ? 1 : 2)
    expect(told.dataSessionsReused).toBe(server.tls === undefined ? told.dataSessions : 0)
  })
})

test('an upload that goes on: what was fetched to be compared counts, too', async () => {
  const { result, told } = await upload({ on: { STOR: take } }, CONTENT.subarray(0, 300_000))
  expect(result.resumedBytes).toBe(300_000)
  // What is there before it goes on, the rest itself, and whether the server has kept what was there.
  expect(told.dataSessions).toBe(3)
  expect(result.tls).toMatchObject(told)
})

function first(fault: Exclude<FakeFtpOptions['fault'], undefined | ((...all: never[]) => unknown)>) {
  return ({ number }: { readonly number: number }) => (number === 0 ? fault : undefined)
}

type Override = NonNullable<FakeFtpOptions['on']>[string]

const take: Override = async (session, path) => {
  session.reply('150 Send it')
  const data = await session.openData()
  if ('refusal' in data) throw new Error(data.refusal)
  const file = await data.readToEnd()
  await data.end()
  const before = session.server.files.get(session.resolve(path))
  const kept = Buffer.isBuffer(before) ? before.subarray(0, session.restartOffset) : Buffer.alloc(0)
  session.restartOffset = 0
  session.server.files.set(session.resolve(path), Buffer.concat([kept, file]))
  session.reply('226 Thanks')
}

async function cutFirst(...[session, path, proceed]: Parameters<Override>): Promise<void> {
  if (session.server.dataConnections.length > 0) return take(session, path, proceed)
  session.reply('150 Send it')
  const data = await session.openData()
  if ('refusal' in data) throw new Error(data.refusal)
  await data.reset()
  session.reply('426 Broken')
}

function upload(
  options: FakeFtpOptions,
  there: Buffer = Buffer.alloc(0),
): Promise<{ result: UploadResult; told: ReturnType<typeof counted> }> {
  return expectNoLeaks(async () => {
    await using server = await fakeFtpServer(serving(there, { security: 'explicit', ...options }))
    const client = new FtpClient(await clientOptions(server))
    try {
      const result = await client.upload(CONTENT, REMOTE, { resume: there.length > 0 })
      expect(server.file(REMOTE)?.size).toBe(CONTENT.length)
      return { result, told: counted(server) }
    } finally {
      await client.close()
    }
  })
}
