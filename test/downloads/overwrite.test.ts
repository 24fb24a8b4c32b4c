/** What becomes of a file that stands at the target, of its time, and of what a failure leaves beside it. */
import { once } from 'node:events'
import {
  access,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FtpClient, type DownloadOptions, type DownloadResult, type Transfer } from '../../src/index.ts'
import { clientOptions, REMOTE, serving } from '../hazards/support/attempt.ts'
import { connectionsMade } from '../support/connections-made.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

/** More than what `keepPartial: 'auto'` gives up. */
const SIZE = 3_000_017
const CONTENT = randomBytes(SIZE, 'overwrite')
/** What the fake server tells by MDTM. */
const SERVER_TIME = new Date('2024-02-29T12:34:56Z')
const OLDER_TIME = new Date('2020-02-20T20:20:20Z')

let server: FakeFtpServer
let folder: TemporaryDirectory
let target: string

beforeEach(async () => {
  folder = await temporaryDirectory()
  target = folder.at('file.bin')
  server = await fakeFtpServer(serving(CONTENT))
})

afterEach(async () => {
  await server.close()
  await folder[Symbol.asyncDispose]()
})

type During = (transfer: Transfer<DownloadResult>) => unknown

function fetch(options: DownloadOptions = {}, during: During = () => {}): Promise<DownloadResult> {
  return expectNoLeaks(async () => {
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, target, { minSegmentSize: 65_536, ...options })
    during(transfer)
    const result = await transfer
    expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
    return result
  })
}

const failure = (options: DownloadOptions, during?: During): Promise<unknown> =>
  fetch(options, during).then(
    () => expect.unreachable('it was expected to fail'),
    (error: unknown) => error,
  )

async function placeOlder(): Promise<void> {
  await writeFile(target, 'older')
  await utimes(target, OLDER_TIME, OLDER_TIME)
}

async function expectOlder(): Promise<void> {
  expect(await readFile(target, 'utf8')).toBe('older')
  expect((await stat(target)).mtime).toEqual(OLDER_TIME)
  expect(await readdir(folder.path), 'nothing is beside it').toEqual(['file.bin'])
}

async function expectWhole(): Promise<void> {
  expect(Buffer.compare(await readFile(target), CONTENT)).toBe(0)
  expect(await readdir(folder.path), 'nothing is beside it').toEqual(['file.bin'])
}

const EXISTS = {
  code: 'ERR_FTP_LOCAL_FILE',
  message: expect.stringMatching(/exists.*"overwrite"/) as unknown,
}

describe('a file stands there', () => {
  beforeEach(placeOlder)

  test("'replace', the default: replaced", async () => {
    expect(await fetch()).toMatchObject({ skipped: false, bytes: SIZE })
    await expectWhole()
  })

  test("'skip': nothing is done, and nobody asked", async () => {
    const states: string[] = []
    const { result, made } = await connectionsMade(() =>
      fetch({ overwrite: 'skip', on: { state: ({ state }) => void states.push(state) } }),
    )
    expect(made).toEqual([])
    expect(result).toMatchObject({ path: target, skipped: true, bytes: 0, resumedBytes: 0, connections: 0 })
    expect(result.verified).toEqual({ size: 'not asked', modified: 'not asked', checksum: 'not asked' })
    expect(states).toEqual(['complete'])
    await expectOlder()
  })

  test("'error': an error that names the option, and nobody asked", async () => {
    const { result, made } = await connectionsMade(() => failure({ overwrite: 'error' }))
    expect(result).toMatchObject({ ...EXISTS, path: target, retryable: false })
    expect(made).toEqual([])
    await expectOlder()
  })

  test('through a link: it is the file behind it that counts', async () => {
    await symlink('file.bin', folder.at('link'))
    target = folder.at('link')
    expect(await fetch({ overwrite: 'skip' })).toMatchObject({ skipped: true, path: folder.at('file.bin') })
    expect(await failure({ overwrite: 'error' })).toMatchObject(EXISTS)
    expect(await readFile(folder.at('file.bin'), 'utf8')).toBe('older')
  })

  test.each(['skip', 'error'] as const)('%s: a folder is no file to be skipped', async (overwrite) => {
    target = folder.at('folder')
    await mkdir(target)
    expect(await failure({ overwrite })).toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      message: expect.stringMatching(/folder/) as unknown,
    })
  })
})

describe('nothing stands there', () => {
  test.each(['replace', 'skip', 'error'] as const)('%s: fetched', async (overwrite) => {
    expect(await fetch({ overwrite })).toMatchObject({ skipped: false, bytes: SIZE, resumedBytes: 0 })
    await expectWhole()
    expect((await stat(target)).nlink).toBe(1)
  })

  test.each(['skip', 'error'] as const)(
    '%s: what an earlier run has left is gone on with',
    async (overwrite) => {
      Object.assign(server.options, { bytesPerSecond: 4_000_000 })
      const enough = new Error('enough')
      const cancelAt = (transfer: Transfer<DownloadResult>): unknown =>
        transfer.on('progress', ({ bytes }) => {
          if (bytes > 2_000_000) transfer.cancel(enough)
        })
      expect(await failure({ overwrite, connections: 1 }, cancelAt)).toBe(enough)
      const { resumedBytes, skipped } = await fetch({ overwrite })
      expect(skipped).toBe(false)
      expect(resumedBytes).toBeGreaterThan(1_000_000)
      await expectWhole()
    },
  )
})

describe('a file that comes into being during the download', () => {
  /** When the first bytes have come, or while the last questions are asked. */
  const appears = (when: 'segment' | 'verify'): During => {
    return (transfer) => once(transfer, when).then(placeOlder)
  }

  beforeEach(() => {
    // The answers to the last questions leave the file time to come into being.
    Object.assign(server.options, { bytesPerSecond: 8_000_000, latencyMs: 20 })
  })

  test.each(['segment', 'verify'] as const)("'replace' (%s): replaced", async (when) => {
    await fetch({}, appears(when))
    await expectWhole()
  })

  test("'error': an error; it stands as it is, and once it is moved away nothing is fetched again", async () => {
    expect(await failure({ overwrite: 'error' }, appears('segment'))).toMatchObject(EXISTS)
    expect(await readFile(target, 'utf8')).toBe('older')
    await rename(target, folder.at('moved'))
    expect(await fetch({ overwrite: 'error' })).toMatchObject({ bytes: SIZE, resumedBytes: SIZE })
    await unlink(folder.at('moved'))
    await expectWhole()
  })

  test("'error', keepPartial: false: nothing is left beside it", async () => {
    const options: DownloadOptions = { overwrite: 'error', keepPartial: false }
    expect(await failure(options, appears('segment'))).toMatchObject(EXISTS)
    await expectOlder()
  })

  test("'skip': skipped; it stands as it is, and what was fetched is of no more use", async () => {
    expect(await fetch({ overwrite: 'skip' }, appears('segment'))).toMatchObject({ skipped: true })
    await expectOlder()
  })
})

describe('preserveModified', () => {
  test('true, the default: the time of the server', async () => {
    await placeOlder()
    await fetch()
    expect((await stat(target)).mtime).toEqual(SERVER_TIME)
  })

  test('false: the time of its making', async () => {
    await placeOlder()
    const before = Date.now()
    await fetch({ preserveModified: false })
    // File systems cut their times off; the coarsest in use to two seconds.
    expect((await stat(target)).mtimeMs).toBeGreaterThan(before - 2_001)
  })

  test('true, and the server has no MDTM: the time of its making', async () => {
    server.options.unsupported = ['MDTM']
    const before = Date.now()
    expect((await fetch()).verified.modified).toBe('unavailable')
    expect((await stat(target)).mtimeMs).toBeGreaterThan(before - 2_001)
  })

  test('true, also where MDTM is not verified', async () => {
    await fetch({ verify: { modified: false } })
    expect((await stat(target)).mtime).toEqual(SERVER_TIME)
  })
})

describe('keepPartial: true leaves nothing of what can never be continued', () => {
  beforeEach(placeOlder)

  test('the source has changed', async () => {
    server.options.modified = (_path, timesAsked) => new Date(Date.UTC(2025, 0, 1 + timesAsked))
    expect(await failure({ keepPartial: true })).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
    await expectOlder()
  })

  test.each([1, 4])('SIZE tells less than there is, %i connections', async (connections) => {
    server.options.sizeTold = (_path, size) => size - 10
    expect(await failure({ keepPartial: true, connections })).toMatchObject({ code: 'ERR_FTP_SIZE_MISMATCH' })
    await expectOlder()
  })

  test('another checksum is expected', async () => {
    const verify = { expect: { sha256: '0'.repeat(64) } }
    expect(await failure({ keepPartial: true, verify })).toMatchObject({ code: 'ERR_FTP_CHECKSUM_MISMATCH' })
    await expectOlder()
  })

  test('there is no such file', async () => {
    server.files.delete(REMOTE)
    expect(await failure({ keepPartial: true })).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    await expectOlder()
  })
})

test('a target that cannot be read, nor written, is replaced: its folder decides', async () => {
  await writeFile(target, 'older', { mode: 0o000 })
  await fetch()
  await access(target)
  expect((await stat(target)).mode & 0o777).toBe(0)
})
