/** Connections of different speeds finish together: one that runs dry takes over a part of another's segment. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FtpClient, type DownloadOptions, type DownloadResult, type TransferEvents } from '../../src/index.ts'
import { clientOptions, eventsOf, REMOTE, serving, succeed } from '../hazards/support/attempt.ts'
import {
  fakeFtpServer,
  type FakeFtpOptions,
  type FakeFtpServer,
  type Fault,
  type Override,
} from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MIB = 1_048_576
const SIZE = 16 * MIB + 77
const CONTENT = randomBytes(SIZE, 'stealing')

interface Fetched {
  readonly result: DownloadResult
  readonly server: FakeFtpServer
  readonly segments: readonly TransferEvents['segment'][]
  readonly lost: readonly unknown[]
}

function fetch(server: FakeFtpOptions, options: DownloadOptions): Promise<Fetched> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using running = await fakeFtpServer(serving(CONTENT, server))
    await using client = new FtpClient(await clientOptions(running, { maxConnections: 16 }))
    const segments: TransferEvents['segment'][] = []
    const lost: unknown[] = []
    const on: DownloadOptions['on'] = {
      segment: (event) => void segments.push(event),
      connection: ({ type, error }) => {
        if (type === 'lost') lost.push(error)
      },
    }
    const result = await client.download(REMOTE, folder.at('file.bin'), { on, ...options })
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
    return { result, server: running, segments, lost }
  })
}

function bytesBy(segments: readonly TransferEvents['segment'][], connection: number): number {
  const finished = segments.filter((event) => event.type === 'finish' && event.connection === connection)
  return finished.reduce((sum, { bytes }) => sum + bytes, 0)
}

describe.each(['none', 'explicit'] as const)('security %s', (security) => {
  test('eight to one: the slow connection keeps little', async () => {
    const { server, segments, lost } = await fetch(
      { security, bytesPerSecond: [8_000_000, 1_000_000] },
      { connections: 2 },
    )
    expect(segments.some(({ type }) => type === 'split')).toBe(true)
    expect(lost).toEqual([])
    expect(server.logins).toHaveLength(2)
    const [fast = 0, slow = 0] = [bytesBy(segments, 0), bytesBy(segments, 1)].sort((a, b) => b - a)
    expect(fast + slow).toBe(SIZE)
    // Its share by speed is a ninth; by a static split it would be a half.
    expect(slow).toBeLessThan(SIZE / 4)
  })

  test('eight connections, 8:4:2:1:1:1:1:1, each byte from one of them', async () => {
    const rates = [8, 4, 2, 1, 1, 1, 1, 1].map((rate) => rate * 500_000)
    const { server, segments, lost } = await fetch({ security, bytesPerSecond: rates }, { connections: 8 })
    expect(lost).toEqual([])
    expect(server.logins).toHaveLength(8)
    const ranges = segments.filter(({ type }) => type === 'finish').sort((a, b) => a.start - b.start)
    expect(ranges[0]?.start).toBe(0)
    expect(ranges.at(-1)?.end).toBe(SIZE)
    expect(ranges.slice(1).map(({ start }) => start)).toEqual(ranges.slice(0, -1).map(({ end }) => end))
  })

  test('at the end of its segment a fast connection goes on through what a slow one has barely begun', async () => {
    const { result, server, segments, lost } = await fetch(
      { security, bytesPerSecond: [16_000_000, 200_000], latencyMs: 60 },
      { connections: 2 },
    )
    expect(lost).toEqual([])
    const retrievals = server.commands.map((sent) => sent.filter((line) => line.startsWith('RETR')).length)
    // One data connection for more than one segment, and the other one at its second at the most.
    expect(retrievals[0]).toBe(1)
    expect(segments.filter(({ type, connection }) => type === 'finish' && connection === 0).length).toBe(2)
    expect(bytesBy(segments, 0) + bytesBy(segments, 1)).toBe(SIZE)
    expect(bytesBy(segments, 1)).toBeLessThan(SIZE / 8)
    expect(result.connections).toBe(2)
  })

  test('and takes what another has only asked for', async () => {
    const { server, segments, lost } = await fetch(
      { security, bytesPerSecond: 8_000_000, latencyMs: 150 },
      { connections: 2 },
    )
    expect(lost).toEqual([])
    expect(server.logins).toHaveLength(2)
    const ranges = segments.filter(({ type }) => type === 'finish').sort((a, b) => a.start - b.start)
    expect(ranges.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(SIZE)
  })
})

test('one that stands still loses its segment long before any time-out, and no byte', async () => {
  const began = performance.now()
  const { segments } = await fetch(
    {
      bytesPerSecond: 4_000_000,
      fault: ({ number }) => (number === 1 ? { kind: 'stall', afterBytes: MIB } : undefined),
    },
    { connections: 4 },
  )
  // The first of the time-outs is that of the data, after 60 s.
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(segments.filter(({ type }) => type === 'finish').length).toBeGreaterThan(4)
})

test('equal connections leave one another alone', async () => {
  const { segments } = await fetch({ bytesPerSecond: 4_000_000 }, { connections: 4 })
  expect(segments.filter(({ type }) => type === 'split').length).toBeLessThanOrEqual(6)
})

test('what is read past the ends is told', async () => {
  const { result } = await fetch({}, { connections: 4 })
  expect(result.overfetchedBytes).toBeGreaterThanOrEqual(3 * 4_096)
  expect(result.overfetchedBytes).toBeLessThan(SIZE / 2)
})

test('one that stands still in the few bytes behind its end does not hold the others up', async () => {
  const began = performance.now()
  const { server, lost } = await fetch(
    {
      bytesPerSecond: 8_000_000,
      fault: ({ number }) =>
        number === 0 ? { kind: 'stall', afterBytes: Math.ceil(SIZE / 4) + 100 } : undefined,
    },
    { connections: 4 },
  )
  // The time-out of the data is 60 s.
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(lost).toEqual([])
  expect(server.retrievals.length).toBeGreaterThan(4)
})

test('a connection that has read the end of the file goes on through segments shorter than what is read past each', async () => {
  // Ports are late, so that a start is dear; only the first segment's connection brings anything, at once in the end.
  const on = { EPSV: (...[, , proceed]: Parameters<Override>) => sleep(150).then(proceed) }
  const fault = ({ offset }: { offset: number }): Fault =>
    offset > 0
      ? { kind: 'stall', afterBytes: 0, forMs: 5_000 }
      : { kind: 'stall', afterBytes: 100, forMs: 400 }
  const outcome = await succeed({
    content: CONTENT.subarray(0, 8_000),
    server: { on, fault },
    client: { maxConnections: 8 },
    download: { connections: 8 },
  })
  expect(eventsOf(outcome, 'restart')).toEqual([])
  expect(outcome.result.refetchedBytes).toBe(0)
})
