/** `rotateAfter`: sessions are given up for new ones while a file is fetched, without a byte lost or a pause. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  FtpClient,
  type DownloadResult,
  type FtpClientOptions,
  type TransferEvents,
} from '../../src/index.ts'
import { clientOptions, REMOTE, serving } from '../hazards/support/attempt.ts'
import { untilTrue } from '../support/eventually.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MIB = 1_048_576
const SIZE = 24 * MIB + 77
const CONTENT = randomBytes(SIZE, 'rotation')

interface Fetched {
  readonly result: DownloadResult
  readonly server: FakeFtpServer
  readonly events: readonly TransferEvents['connection'][]
  /** Sessions that the client had at once. */
  readonly mostOpen: number
}

/** @param rotations - until so many have been seen the server is slow, and then no more: no machine is too busy for them */
function fetch(
  server: FakeFtpOptions,
  client: FtpClientOptions,
  connections: number | 'auto' = 2,
  rotations = 0,
): Promise<Fetched> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using running = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 4_000_000, ...server }))
    await using ftp = new FtpClient(await clientOptions(running, client))
    const events: TransferEvents['connection'][] = []
    if (rotations > 0) running.options.bytesPerSecond = 1_000_000
    let mostOpen = 0
    const on = {
      connection: (event: TransferEvents['connection']) => {
        events.push(event)
        mostOpen = Math.max(mostOpen, ftp.stats().open)
        if (events.filter(({ type }) => type === 'rotate').length < rotations) return
        if (rotations > 0) running.options.bytesPerSecond = 50_000_000
      },
    }
    const result = await ftp.download(REMOTE, folder.at('file.bin'), { connections, on })
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    expect(result.bytes).toBe(SIZE)
    // Of one that cannot go on elsewhere in the file, what came before that was known is fetched again.
    if (server.on?.['REST'] === undefined) expect(result.refetchedBytes).toBe(0)
    const { open, idle, leased } = ftp.stats()
    expect({ leased, open }).toEqual({ leased: 0, open: idle })
    return { result, server: running, events, mostOpen }
  })
}

const ofType = ({ events }: Fetched, type: TransferEvents['connection']['type']): number =>
  events.filter((event) => event.type === type).length

describe.each(['none', 'explicit'] as const)('security %s', (security) => {
  test('each connection goes on with new sessions, and none is lost', async () => {
    const fetched = await fetch({ security }, { maxConnections: 2, rotateAfter: 500 }, 2, 4)
    expect(ofType(fetched, 'rotate')).toBeGreaterThanOrEqual(4)
    expect(ofType(fetched, 'lost')).toBe(0)
    expect(fetched.server.logins.length).toBeGreaterThanOrEqual(2 + ofType(fetched, 'rotate'))
    // One more than asked, for each that is handed over.
    expect(fetched.mostOpen).toBeLessThanOrEqual(4)
    expect(fetched.mostOpen).toBeGreaterThan(2)
  })
})

test('a single connection rotates, too', async () => {
  const fetched = await fetch({ security: 'none' }, { rotateAfter: 500 }, 1, 2)
  expect(ofType(fetched, 'rotate')).toBeGreaterThanOrEqual(2)
})

test('a server that lets no more in than there are: the old sessions go on', async () => {
  const fetched = await fetch(
    { security: 'none', limit: { perUser: 2 } },
    { maxConnections: 2, rotateAfter: 500 },
  )
  expect(ofType(fetched, 'rotate')).toBe(0)
  expect(ofType(fetched, 'lost')).toBe(0)
  expect(ofType(fetched, 'refused')).toBeGreaterThan(0)
  expect(fetched.server.logins.filter(({ accepted }) => accepted)).toHaveLength(2)
})

test('without it nothing rotates', async () => {
  const fetched = await fetch({ security: 'none' }, { maxConnections: 2 })
  expect(ofType(fetched, 'rotate')).toBe(0)
  expect(fetched.server.logins).toHaveLength(2)
})

test('a server that refuses REST keeps its session', async () => {
  const fetched = await fetch(
    { security: 'none', bytesPerSecond: 20_000_000, on: { REST: (session) => session.reply('502 No') } },
    { maxConnections: 2, rotateAfter: 300 },
  )
  expect(ofType(fetched, 'rotate')).toBe(0)
})

test('paused and resumed while sessions are replaced', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using running = await fakeFtpServer(
      serving(CONTENT, { security: 'none', bytesPerSecond: 3_000_000, latencyMs: 20 }),
    )
    await using ftp = new FtpClient(await clientOptions(running, { maxConnections: 3, rotateAfter: 300 }))
    const transfer = ftp.download(REMOTE, folder.at('file.bin'), { connections: 3 })
    let pauses = 0
    const pausing = (async () => {
      while (pauses < 12 && transfer.state !== 'complete') {
        await new Promise((resolve) => setTimeout(resolve, 137))
        await transfer.pause()
        pauses += 1
        expect(transfer.progress.activeConnections).toBe(0)
        transfer.resume()
      }
    })()
    await transfer
    await pausing
    expect(pauses).toBeGreaterThan(3)
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
  })
})

test('cancelled while sessions are replaced: nothing is left', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using running = await fakeFtpServer(
      serving(CONTENT, { security: 'none', bytesPerSecond: 3_000_000, latencyMs: 50 }),
    )
    await using ftp = new FtpClient(await clientOptions(running, { maxConnections: 3, rotateAfter: 200 }))
    for (const afterMs of [450, 500, 550, 600, 650]) {
      const transfer = ftp.download(REMOTE, folder.at('file.bin'), { connections: 3 })
      setTimeout(() => transfer.cancel(new Error('enough')), afterMs)
      await expect(transfer).rejects.toThrow('enough')
    }
  })
})

test('setRotateAfter begins and ends it while a file is fetched', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(
      serving(CONTENT, { security: 'none', bytesPerSecond: 1_000_000 }),
    )
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 1 })
    const rotated = new Promise<void>((resolve) => {
      transfer.on('connection', ({ type }) => (type === 'rotate' ? resolve() : undefined))
    })
    await untilTrue(() => transfer.progress.bytes > 0)
    expect(server.logins).toHaveLength(1)
    client.setRotateAfter(300)
    await rotated
    client.setRotateAfter(undefined)
    const logins = server.logins.length
    server.options.bytesPerSecond = 50_000_000
    await transfer
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    expect(server.logins).toHaveLength(logins)
    for (const wrong of [0, -1, NaN]) expect(() => client.setRotateAfter(wrong)).toThrow(RangeError)
    expect(() => client.setRotateAfter('1' as never)).toThrow('Option "rotateAfter"')
  })
})
