/** A download that was broken off goes on where it was; or begins at 0 where what is there cannot be trusted. */
import { copyFile, link, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  FtpClient,
  type DownloadOptions,
  type DownloadResult,
  type FtpClientOptions,
  type TransferEvents,
} from '../../src/index.ts'
import { BRISK } from '../hazards/support/attempt.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const MIB = 1_048_576
const SIZE = 8 * MIB + 4_321
const CONTENT = randomBytes(SIZE, 'resume')
const REMOTE = '/pub/file.bin'
const STOP = new Error('enough')
/** The server outlives each client, and takes leave of its sockets in its own time. */
const PATIENT = { settleMs: 10_000 }

let server: FakeFtpServer
let folder: TemporaryDirectory
let target: string

beforeEach(async () => {
  folder = await temporaryDirectory()
  target = folder.at('file.bin')
  server = await fakeFtpServer({ security: 'none', files: { [REMOTE]: CONTENT } })
})

afterEach(async () => {
  await server.close()
  await folder[Symbol.asyncDispose]()
})

interface Fetched {
  readonly result: DownloadResult
  readonly restarts: readonly TransferEvents['restart'][]
}

async function fetch(options: DownloadOptions = {}, remote: string | Uint8Array = REMOTE): Promise<Fetched> {
  return expectNoLeaks(async () => {
    await using client = new FtpClient({ ...address(), retry: BRISK, maxConnections: 16 })
    const restarts: TransferEvents['restart'][] = []
    const on = { restart: (event: TransferEvents['restart']) => void restarts.push(event) }
    const result = await client.download(remote, target, { connections: 4, on, ...options })
    return { result, restarts }
  }, PATIENT)
}

function address(): FtpClientOptions {
  const { host, port } = server
  return { host, port, security: 'none', user: 'octo', password: 'secret' }
}

/** Fetches until more than `bytes` are there, and breaks off. */
async function breakOff(
  bytes: number,
  options: DownloadOptions = {},
  remote: string | Uint8Array = REMOTE,
): Promise<void> {
  await expectNoLeaks(async () => {
    // A progress event comes every tenth of a second: slow enough for several on the way.
    Object.assign(server.options, { bytesPerSecond: bytes > MIB ? 10 * MIB : 500_000 })
    await using client = new FtpClient({ ...address(), retry: BRISK, maxConnections: 16 })
    const transfer = client.download(remote, target, { connections: 4, ...options })
    transfer.on('progress', (progress) => {
      if (progress.bytes > bytes) transfer.cancel(STOP)
    })
    expect(await transfer.catch((error: unknown) => error)).toBe(STOP)
    Object.assign(server.options, { bytesPerSecond: undefined })
  }, PATIENT)
  server.retrievals.length = 0
}

function bytesSent(): number {
  return server.retrievals.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
}

async function expectWhole(content: Buffer = CONTENT): Promise<void> {
  expect(Buffer.compare(await readFile(target), content)).toBe(0)
  expect(await readdir(folder.path), 'nothing is left beside it').toEqual(['file.bin'])
}

const LEFT = ['file.bin.octoftp-journal', 'file.bin.octoftp-part']

describe('goes on where it was', () => {
  test.each([1, 4, 16])('with %i connections', async (connections) => {
    await breakOff(4 * MIB)
    expect(await readdir(folder.path)).toEqual(LEFT)
    const { result, restarts } = await fetch({ connections })
    expect(restarts).toEqual([])
    expect(result.bytes).toBe(SIZE)
    expect(result.resumedBytes).toBeGreaterThan(3 * MIB)
    expect(result.resumedBytes).toBeLessThan(SIZE)
    expect(result.refetchedBytes).toBe(0)
    await expectWhole()
  })

  test('several times, each with what the one before has left', async () => {
    for (const bytes of [2 * MIB, 4 * MIB, 6 * MIB]) await breakOff(bytes)
    const { result } = await fetch()
    expect(result.resumedBytes).toBeGreaterThan(5 * MIB)
    await expectWhole()
  })

  test('without MDTM too: 64 KiB before each gap are fetched again and compared', async () => {
    server.options.unsupported = ['MDTM']
    await breakOff(4 * MIB)
    const { result } = await fetch({ connections: 1 })
    expect(result.resumedBytes).toBeGreaterThan(3 * MIB)
    expect(result.verified).toMatchObject({ size: 'matched', modified: 'unavailable' })
    const starts = server.retrievals.map(({ offset }) => offset)
    expect(starts.length).toBeGreaterThan(0)
    // Each gap is one of the four segments of before, less what it had.
    expect(starts.every((start) => start > 0)).toBe(true)
    expect(bytesSent()).toBeGreaterThanOrEqual(SIZE - result.resumedBytes + starts.length * 65_536)
    await expectWhole()
  })

  test('and its progress begins with what is there', async () => {
    await breakOff(4 * MIB)
    const first: number[] = []
    const { result } = await fetch({ on: { progress: ({ bytes }) => void first.push(bytes) } })
    expect(Math.min(...first.filter((bytes) => bytes > 0))).toBeGreaterThanOrEqual(result.resumedBytes)
    expect(first.at(-1)).toBe(SIZE)
  })
})

describe('begins at 0', () => {
  test.each([
    ['grown', Buffer.concat([CONTENT, Buffer.from('more')])],
    ['shrunk', CONTENT.subarray(0, SIZE - MIB)],
  ])('after the source has %s', async (_what, content) => {
    await breakOff(4 * MIB)
    server.files.set(REMOTE, content)
    const { result } = await fetch()
    expect(result.resumedBytes).toBe(0)
    await expectWhole(content)
  })

  test('after another file was asked for, whose name differs only where it is no text', async () => {
    // The server reads both as this.
    server.files.set('/pub/caf\ufffd', CONTENT)
    await breakOff(4 * MIB, {}, Buffer.from('/pub/caf\xe9', 'latin1'))
    const again = await fetch({}, '/pub/caf\udce8')
    expect(again.result.resumedBytes).toBe(0)
    await breakOff(4 * MIB, {}, '/pub/caf\udce9')
    const same = await fetch({}, Buffer.from('/pub/caf\xe9', 'latin1'))
    expect(same.result.resumedBytes).toBeGreaterThan(0)
    await expectWhole()
  })

  test('after the source has another MDTM', async () => {
    await breakOff(4 * MIB)
    const other = randomBytes(SIZE, 'other')
    server.files.set(REMOTE, other)
    server.options.modified = () => new Date('2025-05-05T05:05:05Z')
    const { result } = await fetch()
    expect(result.resumedBytes).toBe(0)
    await expectWhole(other)
  })

  test.each([1, 4])('where there is no MDTM and the bytes differ, %i connections', async (connections) => {
    server.options.unsupported = ['MDTM']
    await breakOff(4 * MIB)
    const other = randomBytes(SIZE, 'other')
    server.files.set(REMOTE, other)
    const { result, restarts } = await fetch({ connections })
    expect(restarts).toHaveLength(1)
    expect(result.resumedBytes).toBe(0)
    await expectWhole(other)
  })

  test('with the journal of another remote path', async () => {
    await breakOff(4 * MIB)
    const other = randomBytes(SIZE, 'other')
    server.files.set('/pub/other.bin', other)
    const { result } = await fetch({}, '/pub/other.bin')
    expect(result.resumedBytes).toBe(0)
    await expectWhole(other)
  })

  test('with a part file and no journal', async () => {
    await writeFile(`${target}.octoftp-part`, randomBytes(SIZE, 'planted'))
    const { result } = await fetch()
    expect(result.resumedBytes).toBe(0)
    await expectWhole()
  })

  test('with a journal and no part file, or one that is too short', async () => {
    await breakOff(4 * MIB)
    await copyFile(`${target}.octoftp-journal`, folder.at('kept'))
    await fetch()
    await rename(folder.at('kept'), `${target}.octoftp-journal`)
    expect((await fetch()).result.resumedBytes).toBe(0)

    await breakOff(4 * MIB)
    await writeFile(`${target}.octoftp-part`, CONTENT.subarray(0, 1_000))
    expect((await fetch()).result.resumedBytes).toBe(0)
    await expectWhole()
  })

  test('with a damaged journal', async () => {
    await breakOff(4 * MIB)
    const { size } = await stat(`${target}.octoftp-journal`)
    await writeFile(`${target}.octoftp-journal`, Buffer.alloc(size, 0x20))
    const { result } = await fetch()
    expect(result.resumedBytes).toBe(0)
    await expectWhole()
  })

  test('with resume: false, which leaves nothing either', async () => {
    await breakOff(4 * MIB)
    await breakOff(4 * MIB, { resume: false })
    expect(await readdir(folder.path)).toEqual([])
    const { result } = await fetch()
    expect(result.resumedBytes).toBe(0)
    await expectWhole()
  })

  test('through a link, or with a second name, in the place of the part file: what is behind it is not touched', async () => {
    for (const plant of [symlink, link]) {
      await breakOff(4 * MIB)
      await rename(`${target}.octoftp-part`, folder.at('victim'))
      await plant(folder.at('victim'), `${target}.octoftp-part`)
      const before = await readFile(folder.at('victim'))
      const error: unknown = await fetch().catch((failure: unknown) => failure)
      expect(Buffer.compare(await readFile(folder.at('victim')), before)).toBe(0)
      if (plant === symlink) expect(error).toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
      await folder[Symbol.asyncDispose]()
      folder = await temporaryDirectory()
      target = folder.at('file.bin')
    }
  })
})

describe('what is left', () => {
  test("'auto': nothing of less than 1 MiB", async () => {
    await breakOff(100_000)
    expect(await readdir(folder.path)).toEqual([])
  })

  test('true: little, too', async () => {
    await breakOff(100_000, { keepPartial: true })
    expect(await readdir(folder.path)).toEqual(LEFT)
    expect((await fetch()).result.resumedBytes).toBeGreaterThan(0)
    await expectWhole()
  })

  test('false: nothing', async () => {
    await breakOff(4 * MIB, { keepPartial: false })
    expect(await readdir(folder.path)).toEqual([])
  })

  test('and the older target is as it was', async () => {
    await writeFile(target, 'older')
    await breakOff(4 * MIB)
    expect(await readFile(target, 'utf8')).toBe('older')
    expect(await readdir(folder.path)).toEqual(['file.bin', ...LEFT])
    await fetch()
    await expectWhole()
  })

  test('no password, and no user', async () => {
    await breakOff(4 * MIB)
    const journal = await readFile(`${target}.octoftp-journal`, 'latin1')
    expect(journal).toContain(REMOTE)
    expect(journal).not.toMatch(/octo"|secret/)
  })
})
