/** pause() gives the connections back, resume() goes on in place. */
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FtpClient, type TransferState } from '../../src/index.ts'
import { clientOptions, CONTENT, REMOTE, serving, SIZE } from '../hazards/support/attempt.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { untilTrue } from '../support/eventually.ts'

const SMALL = { minSegmentSize: 1_024 }

test.each([1, 4])('in the middle, %i connections: nothing is fetched twice', async (connections) => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 500_000 }))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections, ...SMALL })
    const states: TransferState[] = []
    transfer.on('state', ({ state }) => void states.push(state))
    for (let round = 0; round < 3; round++) {
      await once(transfer, 'progress')
      await untilTrue(() => transfer.progress.bytes > (round + 1) * 100_000)
      await transfer.pause()
      expect(transfer.state).toBe('paused')
      expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
      const { bytes, activeConnections } = transfer.progress
      expect(activeConnections).toBe(0)
      await sleep(60)
      expect(transfer.progress.bytes).toBe(bytes)
      transfer.resume()
      expect(transfer.state).toBe('transferring')
    }
    const result = await transfer
    expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    expect(await readdir(folder.path)).toEqual(['file.bin'])
    const round = ['paused', 'transferring']
    expect(states).toEqual([
      ...['connecting', 'transferring'],
      ...[...round, ...round, ...round],
      ...['verifying', 'complete'],
    ])
  })
})

test('the connections of a paused transfer serve others', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 1_000_000 }))
    await using client = new FtpClient(await clientOptions(server, { maxConnections: 1 }))
    const first = client.download(REMOTE, folder.at('first'))
    await once(first, 'segment')
    await first.pause()
    expect((await client.download(REMOTE, folder.at('second'))).bytes).toBe(SIZE)
    first.resume()
    expect(await first).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
    expect((await readFile(folder.at('first'))).equals(CONTENT)).toBe(true)
  })
})

test('before it has begun, and while it waits for a session', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'))
    await transfer.pause()
    expect(transfer.state).toBe('paused')
    expect(server.retrievals).toEqual([])
    transfer.resume()
    expect((await transfer).bytes).toBe(SIZE)
  })
})

test('time spent paused is no part of the average', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 1_000_000 }))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 1 })
    await once(transfer, 'segment')
    await transfer.pause()
    await sleep(1_000)
    transfer.resume()
    const { averageBytesPerSecond, bytes, elapsedSeconds } = await transfer
    expect(elapsedSeconds).toBeGreaterThan(1)
    expect(averageBytesPerSecond).toBeGreaterThan(bytes / (elapsedSeconds - 0.9))
  })
})

test('cancelled while paused', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 1_000_000 }))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'))
    await once(transfer, 'segment')
    await transfer.pause()
    const reason = new Error('enough')
    transfer.cancel(reason)
    expect(await transfer.catch((error: unknown) => error)).toBe(reason)
    expect(transfer.state).toBe('cancelled')
    expect(await readdir(folder.path)).toEqual([])
  })
})

test('a source that changes meanwhile is noticed', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 1_000_000 }))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 2, ...SMALL })
    await once(transfer, 'segment')
    await transfer.pause()
    server.options.modified = () => new Date('2025-05-05T05:05:05Z')
    transfer.resume()
    await expect(transfer.result).rejects.toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
  })
})

test('after the end it does nothing', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  await using client = new FtpClient(await clientOptions(server))
  const transfer = client.download(REMOTE, folder.at('file.bin'))
  await transfer
  await transfer.pause()
  transfer.resume()
  expect(transfer.state).toBe('complete')
})
