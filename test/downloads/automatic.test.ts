/** `connections: 'auto'`: as many as bring more, never more than the client or the server allows. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { download, FtpClient, type DownloadResult, type FtpClientOptions } from '../../src/index.ts'
import { clientOptions, REMOTE, serving } from '../hazards/support/attempt.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MIB = 1_048_576
const SIZE = 24 * MIB + 77
const CONTENT = randomBytes(SIZE, 'automatic')

interface Fetched {
  readonly result: DownloadResult
  readonly server: FakeFtpServer
}

function fetch(server: FakeFtpOptions, options: FtpClientOptions = {}): Promise<Fetched> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using running = await fakeFtpServer(serving(CONTENT, { security: 'none', ...server }))
    await using client = new FtpClient(await clientOptions(running, options))
    const result = await client.download(REMOTE, folder.at('file.bin'), { connections: 'auto' })
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
    return { result, server: running }
  })
}

test('each connection capped: it comes to as many as the client may have', async () => {
  const { result, server } = await fetch({ bytesPerSecond: 1_000_000 }, { maxConnections: 11 })
  expect(result.connections).toBe(11)
  expect(server.logins).toHaveLength(11)
})

test('begins with four', async () => {
  const { server } = await fetch({ bytesPerSecond: 1_000_000 }, { maxConnections: 4 })
  expect(server.logins).toHaveLength(4)
})

test('the client has one connection: one it is', async () => {
  const { result } = await fetch({}, { maxConnections: 1 })
  expect(result.connections).toBe(1)
})

test('all limited together by our own side: more are tried once, and given back', async () => {
  const { result, server } = await fetch({}, { maxConnections: 16, bytesPerSecond: 4_000_000 })
  expect(result.connections).toBeLessThanOrEqual(8)
  expect(server.logins.length).toBeLessThanOrEqual(8)
})

test('a server that lets six in gets six, and no endless knocking', async () => {
  const { result, server } = await fetch(
    { bytesPerSecond: 1_000_000, limit: { perUser: 6 } },
    { maxConnections: 16 },
  )
  expect(result.connections).toBe(6)
  expect(server.logins.filter(({ accepted }) => accepted)).toHaveLength(6)
  expect(server.logins.filter(({ accepted }) => !accepted).length).toBeLessThanOrEqual(2)
})

test('a one-shot may come to sixteen, or to what it is told', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer({
      ...{ security: 'none', bytesPerSecond: 1_000_000, files: { [REMOTE]: CONTENT } },
    })
    const url = server.url(REMOTE)
    const few = await download(url, folder.at('few'), { connections: 'auto', maxConnections: 6 })
    expect(few.connections).toBe(6)
    const many = await download(url, folder.at('many'), { connections: 'auto' })
    expect(many.connections).toBe(16)
  })
})

test('goes on after a pause', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using running = await fakeFtpServer(
      serving(CONTENT, { security: 'none', bytesPerSecond: 1_500_000 }),
    )
    await using client = new FtpClient(await clientOptions(running, { maxConnections: 8 }))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 'auto' })
    let isPaused = false
    transfer.on('progress', ({ bytes }) => {
      if (bytes < SIZE / 4 || isPaused) return
      isPaused = true
      void transfer.pause().then(() => transfer.resume())
    })
    await transfer
    expect(isPaused).toBe(true)
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
  })
})
