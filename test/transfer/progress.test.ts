/** Progress as it is told: at most ten a second and a last one, numbers that fit one another, and all of a client. */
import { expect, test } from 'vitest'
import { FtpClient, type TransferProgress } from '../../src/index.ts'
import { ProgressMeter } from '../../src/transfer/progress.ts'
import {
  clientOptions,
  CONTENT,
  eventsOf,
  fail,
  REMOTE,
  serving,
  SIZE,
  succeed,
} from '../hazards/support/attempt.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

test('at most ten a second by their own clock, however many reads there are, and a last one', async () => {
  const outcome = await succeed({ server: { bytesPerSecond: 250_000 }, download: { connections: 4 } })
  const progress = eventsOf(outcome, 'progress')
  const last = progress.at(-1)
  expect(progress.length).toBeGreaterThan(2)
  expect(progress.length).toBeLessThanOrEqual(Math.floor((last?.elapsedSeconds ?? 0) * 10) + 1)
  expect(last).toMatchObject({ bytes: SIZE, total: SIZE, fraction: 1, etaSeconds: 0, activeConnections: 0 })
  for (const snapshot of progress) expectConsistent(snapshot)
  const busy = progress.filter(({ activeConnections }) => activeConnections > 0)
  expect(busy.some(({ bytesPerSecond, etaSeconds }) => bytesPerSecond > 0 && (etaSeconds ?? 0) > 0)).toBe(
    true,
  )
})

test('a last one for what is over before the first tenth of a second, and for what fails', async () => {
  const quick = eventsOf(await succeed({ content: Buffer.alloc(10, 1) }), 'progress')
  expect(quick.at(-1)).toMatchObject({ bytes: 10, total: 10, fraction: 1 })
  const failed = eventsOf(await fail({ remote: '/pub/missing' }), 'progress')
  expect(failed.at(-1)).toMatchObject({ bytes: 0, activeConnections: 0 })
})

test('the snapshot is there before and after, and stands still at the end', async () => {
  const early: TransferProgress[] = []
  const late: TransferProgress[] = []
  await succeed({
    during: (transfer) => {
      early.push(transfer.progress)
      void transfer.then(() => {
        late.push(transfer.progress)
        setTimeout(() => late.push(transfer.progress), 30)
      })
    },
    after: () => new Promise((resolve) => setTimeout(resolve, 60)),
  })
  expect(early[0]).toMatchObject({
    bytes: 0,
    total: undefined,
    fraction: undefined,
    activeConnections: 0,
    segments: [],
  })
  expect(late[0]).toMatchObject({ bytes: SIZE, fraction: 1, etaSeconds: 0 })
  expect(late[1]?.elapsedSeconds).toBe(late[0]?.elapsedSeconds)
  expect(late[1]?.averageBytesPerSecond).toBe(late[0]?.averageBytesPerSecond)
})

test('the result and the last progress tell the same', async () => {
  const outcome = await succeed({})
  const last = eventsOf(outcome, 'progress').at(-1)
  expect(outcome.result.averageBytesPerSecond).toBeCloseTo(
    outcome.result.bytes / outcome.result.elapsedSeconds,
    0,
  )
  expect(last?.elapsedSeconds).toBeGreaterThanOrEqual(outcome.result.elapsedSeconds)
})

test('an empty file is whole: fraction 1', async () => {
  const outcome = await succeed({ content: Buffer.alloc(0) })
  expect(eventsOf(outcome, 'progress').at(-1)).toMatchObject({
    bytes: 0,
    total: 0,
    fraction: 1,
    etaSeconds: 0,
  })
})

test('client.progress(): all running transfers together, and nothing when they are over', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 1_000_000 }))
  await using client = new FtpClient(await clientOptions(server))
  expect(client.progress()).toMatchObject({ bytes: 0, bytesPerSecond: 0, activeConnections: 0, transfers: 0 })
  const transfers = ['a', 'b', 'c'].map((name) =>
    client.download(REMOTE, folder.at(name), { connections: 2 }),
  )
  const seen = await new Promise<{ all: ReturnType<FtpClient['progress']>; each: TransferProgress[] }>(
    (resolve) => {
      transfers[0]?.on('progress', () => {
        const all = client.progress()
        if (all.bytes > 0) resolve({ all, each: transfers.map(({ progress }) => progress) })
      })
    },
  )
  expect(seen.all.transfers).toBe(3)
  expect(seen.all.bytes).toBe(seen.each.reduce((sum, { bytes }) => sum + bytes, 0))
  expect(seen.all.activeConnections).toBe(
    seen.each.reduce((sum, { activeConnections }) => sum + activeConnections, 0),
  )
  expect(seen.all.bytesPerSecond).toBeGreaterThan(0)
  await Promise.all(transfers)
  expect(client.progress()).toMatchObject({ bytes: 0, bytesPerSecond: 0, activeConnections: 0, transfers: 0 })
})

test('the meter: bytes given up are taken off and counted as fetched twice', () => {
  let now = 1_000
  const meter = new ProgressMeter(() => now)
  meter.total = 1_000
  const segment = { start: 0, end: 1_000, arrived: 600 }
  meter.segments = () => [segment]
  now += 1_000
  expect(meter.snapshot()).toMatchObject({
    bytes: 600,
    fraction: 0.6,
    elapsedSeconds: 1,
    averageBytesPerSecond: 600,
  })
  expect(meter.snapshot().etaSeconds).toBeCloseTo(400 / meter.snapshot().bytesPerSecond)
  meter.givenUp(600)
  segment.arrived = 0
  expect(meter.snapshot()).toMatchObject({ bytes: 0, fraction: 0 })
  expect(meter.refetchedBytes).toBe(600)
  segment.arrived = 1_000
  meter.finish()
  now += 60_000
  expect(meter.snapshot()).toMatchObject({ bytes: 1_000, fraction: 1, etaSeconds: 0, elapsedSeconds: 1 })
})

test('the meter: where nothing comes there is no time of arrival', () => {
  let now = 0
  const meter = new ProgressMeter(() => now)
  expect(meter.snapshot()).toMatchObject({
    bytesPerSecond: 0,
    averageBytesPerSecond: 0,
    etaSeconds: undefined,
    fraction: undefined,
  })
  meter.total = 500
  now = 10_000
  expect(meter.snapshot()).toMatchObject({ bytesPerSecond: 0, etaSeconds: undefined, fraction: 0 })
})

function expectConsistent({
  bytes,
  total,
  fraction,
  segments,
  activeConnections,
  elapsedSeconds,
}: TransferProgress): void {
  expect(elapsedSeconds).toBeGreaterThanOrEqual(0)
  expect(activeConnections).toBeGreaterThanOrEqual(0)
  expect(activeConnections).toBeLessThanOrEqual(4)
  if (total === undefined) return
  expect(fraction).toBeCloseTo(bytes / total)
  for (const { start, end, position } of segments) {
    expect(position).toBeGreaterThanOrEqual(start)
    expect(position).toBeLessThanOrEqual(end)
  }
  expect(segments.reduce((sum, { start, position }) => sum + position - start, 0)).toBe(bytes)
}
