/** `transfer.setConnections()`: more and fewer while it runs, and no connection lost by it. */
import { mkdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { download, FtpClient, type FtpClientOptions, type Transfer } from '../../src/index.ts'
import { clientOptions, REMOTE, serving } from '../hazards/support/attempt.ts'
import { whyUnavailable } from '../servers/index.ts'
import { useServer } from '../servers/vitest.ts'
import { untilTrue } from '../support/eventually.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const MIB = 1_048_576
const CONTENT = randomBytes(24 * MIB + 77, 'set connections')
const SLOW = 300_000
const FAST = 100_000_000

interface Scene {
  readonly server: FakeFtpServer
  readonly client: FtpClient
  readonly folder: TemporaryDirectory
  /** Lets it come to its end, and looks at the file. */
  readonly finish: (transfer: Transfer<unknown>) => Promise<void>
}

function scene(
  act: (scene: Scene) => Promise<void>,
  options: FtpClientOptions = {},
  served: FakeFtpOptions = {},
): Promise<void> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const slow = { security: 'none', bytesPerSecond: SLOW } as const
    await using server = await fakeFtpServer(serving(CONTENT, { ...slow, ...served }))
    await using client = new FtpClient(await clientOptions(server, { maxConnections: 8, ...options }))
    const finish = async (transfer: Transfer<unknown>): Promise<void> => {
      server.options.bytesPerSecond = FAST
      await transfer
      expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
      const { open, idle } = client.stats()
      expect(idle).toBe(open)
    }
    try {
      await act({ server, client, folder, finish })
    } finally {
      client.destroy()
    }
  })
}

const untilActive = (transfer: Transfer<unknown>, count: number): Promise<void> =>
  untilTrue(() => transfer.progress.activeConnections === count)

const flowing = ({ progress }: Transfer<unknown>): number =>
  progress.segments.filter(({ start, position, end }) => position > start && position < end).length

describe('a download', () => {
  test('gets more, and then fewer, which keep their control connections', async () => {
    await scene(async ({ server, client, folder, finish }) => {
      const lost: unknown[] = []
      const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 2 })
      transfer.on('connection', ({ type, error }) => (type === 'lost' ? lost.push(error) : undefined))
      await untilActive(transfer, 2)
      transfer.setConnections(6)
      await untilActive(transfer, 6)
      // One that is cut before its first byte may take its control connection with it.
      await untilTrue(() => flowing(transfer) === 6)
      transfer.setConnections(1)
      await untilActive(transfer, 1)
      expect(client.stats()).toMatchObject({ open: 6, leased: 1 })
      transfer.setConnections(3)
      await untilActive(transfer, 3)
      await finish(transfer)
      expect(server.logins).toHaveLength(6)
      expect(lost).toEqual([])
    })
  })

  test("goes over to 'auto' from where it is, and back to a number", async () => {
    await scene(async ({ client, folder, finish }) => {
      const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 2 })
      await untilActive(transfer, 2)
      transfer.setConnections('auto')
      await untilActive(transfer, 8)
      transfer.setConnections(3)
      await untilActive(transfer, 3)
      await finish(transfer)
    })
  })

  test('is told before it begins, and while it is paused', async () => {
    await scene(async ({ client, folder, finish }) => {
      const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 5 })
      transfer.setConnections(2)
      await untilActive(transfer, 2)
      await transfer.pause()
      transfer.setConnections(4)
      transfer.resume()
      await untilActive(transfer, 4)
      await finish(transfer)
    })
  })

  test('goes on with one where the server sends the file from its start alone', async () => {
    const served = { unsupported: ['REST'] }
    await scene(
      async ({ client, folder, finish }) => {
        const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 1 })
        await untilActive(transfer, 1)
        transfer.setConnections(8)
        await finish(transfer)
      },
      {},
      served,
    )
  })

  test('has no more than the client may have, and a whole number', async () => {
    await scene(async ({ client, folder, finish }) => {
      const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 2 })
      for (const count of [0, 9, 1.5, NaN, -1])
        expect(() => transfer.setConnections(count)).toThrow(RangeError)
      expect(() => transfer.setConnections('8' as never)).toThrow(TypeError)
      expect(() => transfer.setConnections(9)).toThrow("it must be 'auto', or a whole number from 1 to 8")
      await untilActive(transfer, 2)
      await finish(transfer)
    })
  })

  test('of several sources gets more, too', async () => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      const options = { security: 'none', bytesPerSecond: SLOW, files: { [REMOTE]: CONTENT } } as const
      await using one = await fakeFtpServer({ ...options })
      await using other = await fakeFtpServer({ ...options })
      const urls = [one.url(REMOTE), other.url(REMOTE)]
      const transfer = download(urls, folder.at('file.bin'), { connections: 2 })
      await untilActive(transfer, 2)
      transfer.setConnections(6)
      await untilActive(transfer, 6)
      for (const { options: served } of [one, other]) served.bytesPerSecond = FAST
      await transfer
      expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    })
  })
})

test('an upload has one connection', async () => {
  await scene(async ({ client }) => {
    const transfer = client.upload(CONTENT, '/pub/up')
    expect(() => transfer.setConnections(2)).toThrow(RangeError)
    expect(() => transfer.setConnections(1)).not.toThrow()
    transfer.cancel()
    await transfer.catch(() => {})
  })
})

const kinds = (['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'] as const).filter(
  (kind) => whyUnavailable(kind) === undefined,
)

test.each(kinds)('%s: a download and a mirror get more and fewer', async (kind) => {
  const server = await useServer(kind, { bytesPerSecondPerConnection: 2_000_000 })
  server.write('changing/large', CONTENT)
  await expectNoLeaks(async () => {
    const { url, user, password } = server
    await using folder = await temporaryDirectory()
    await using client = new FtpClient(url, { user, password, maxConnections: 6 })
    const transfer = client.download('changing/large', folder.at('file.bin'), { connections: 1 })
    await untilActive(transfer, 1)
    transfer.setConnections(3)
    await untilActive(transfer, 3)
    transfer.setConnections(2)
    await untilActive(transfer, 2)
    transfer.setConnections(6)
    await transfer
    expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)

    await mkdir(folder.at('tree'))
    const mirror = client.mirrorDown('changing', folder.at('tree'), { connections: 1 })
    await untilActive(mirror, 1)
    mirror.setConnections(4)
    await untilActive(mirror, 4)
    expect(await mirror).toMatchObject({ failures: [], connections: 4 })
    expect((await readFile(folder.at('tree', 'large'))).equals(CONTENT)).toBe(true)
  })
})
