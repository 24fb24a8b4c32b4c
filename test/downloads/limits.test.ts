/** Speed limits: never faster than asked, and the right bytes. That they are not much slower is for bench/. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { clientOptions, CONTENT, REMOTE, serving, SIZE, succeed } from '../hazards/support/attempt.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMIT = 800_000
/** At 1.05 times the limit, in any second. */
const LEAST_SECONDS = SIZE / (LIMIT * 1.05) - 0.05

test.each([
  ['none', 1],
  ['none', 4],
  ['explicit', 1],
  ['explicit', 4],
] as const)('of a download, security %s, %i connections', async (security, connections) => {
  const { result } = await succeed({ server: { security }, download: { connections, bytesPerSecond: LIMIT } })
  expect(result.elapsedSeconds).toBeGreaterThan(LEAST_SECONDS)
  expect(result.refetchedBytes).toBe(0)
})

test('of a client: all its downloads together', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await using client = new FtpClient(await clientOptions(server, { bytesPerSecond: 2 * LIMIT }))
    const names = ['a', 'b']
    const results = await Promise.all(names.map((name) => client.download(REMOTE, folder.at(name))))
    expect(Math.max(...results.map(({ elapsedSeconds }) => elapsedSeconds))).toBeGreaterThan(LEAST_SECONDS)
    for (const name of names) expect((await readFile(folder.at(name))).equals(CONTENT)).toBe(true)
  })
})

test('set and taken away while it runs; with a pause between', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { bytesPerSecond: 1_000 })
    await once(transfer, 'progress')
    client.setLimit(10_000)
    await transfer.pause()
    transfer.resume()
    client.setLimit(undefined)
    transfer.setLimit(undefined)
    expect((await transfer).bytes).toBe(SIZE)
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    expect(client.bandwidth().sampleMilliseconds).toBe(500)
  })
})

test.each([0, -1, Number.NaN, '5'])('%s is refused before anything is done', async (bytesPerSecond) => {
  await using folder = await temporaryDirectory()
  await using client = new FtpClient({ host: '127.0.0.1' })
  const options = { bytesPerSecond: bytesPerSecond as number }
  expect(() => client.download(REMOTE, folder.at('x'), options)).toThrow(/bytesPerSecond/)
  expect(() => new FtpClient({ host: '127.0.0.1', ...options })).toThrow(/bytesPerSecond/)
})
