/**
 * What other programs, and the system, do to our files while a download runs: the right bytes, or
 * ERR_FTP_LOCAL_FILE with the older file as it was. The next download is right in any case.
 */
import { spawnSync } from 'node:child_process'
import {
  access,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { FtpClient, type DownloadResult, type Transfer } from '../../src/index.ts'
import { journalPath, lockPath, partPath } from '../../src/local/names.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'
import { runScript } from './support/child-process.ts'
import { untilTrue } from '../support/eventually.ts'

const SIZE = 6_000_000
const CONTENT = randomBytes(SIZE, 'touched')
/** Of each connection: some seconds, in which the journal is written several times. */
const RATE = 1_500_000
const OLDER = 'older, and whole'

type Outcome = DownloadResult | { readonly code: string }

interface Scene {
  readonly folder: TemporaryDirectory
  readonly target: string
  readonly transfer: Transfer<DownloadResult>
}

/** Whether there is a journal, and something of the second segment in the part file: seams have two sides. */
async function isHalfWay(target: string): Promise<boolean> {
  const isThere = await access(journalPath(target)).then(
    () => true,
    () => false,
  )
  if (!isThere) return false
  await using part = await open(partPath(target))
  const { buffer, bytesRead } = await part.read(Buffer.alloc(200_000), 0, 200_000, SIZE / 2 - 100_000)
  return buffer.subarray(0, bytesRead).some((byte) => byte !== 0)
}

/** A download that `meddle` meets half way; and what stands there behind it. */
async function touched(
  meddle: (scene: Scene) => Promise<void>,
  expectAfter: (outcome: Outcome, scene: Scene) => void | Promise<void>,
): Promise<void> {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: RATE }))
    await using client = new FtpClient(await clientOptions(server))
    const target = folder.at('files.bin')
    await writeFile(target, OLDER)
    const transfer = client.download(REMOTE, target, { connections: 2, minSegmentSize: 1_024 })
    const scene = { folder, target, transfer }
    const outcome = transfer.catch((error: unknown) => error as { code: string })
    await untilTrue(() => isHalfWay(target))
    await meddle(scene)
    server.options.bytesPerSecond = 100_000_000
    await expectAfter(await outcome, scene)
    expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
    // Whatever was done, and whatever is left: the next one is right, and leaves nothing.
    await client.download(REMOTE, target)
    expect((await readFile(target)).equals(CONTENT)).toBe(true)
    const others = (await readdir(folder.path)).filter((name) => name.includes('octoftp'))
    expect(others).toEqual([])
  })
}

async function expectRight(outcome: Outcome, { target }: Scene): Promise<void> {
  expect(outcome).toMatchObject({ bytes: SIZE })
  expect((await readFile(target)).equals(CONTENT)).toBe(true)
}

async function expectRefused(outcome: Outcome, { target }: Scene): Promise<void> {
  expect(outcome).toMatchObject({ name: 'FtpTransferError', code: 'ERR_FTP_LOCAL_FILE', retryable: false })
  expect(await readFile(target, 'utf8')).toBe(OLDER)
}

const posix = test.skipIf(process.platform === 'win32')

posix('the part file is deleted: an error, in time', async () => {
  await touched(({ target }) => unlink(partPath(target)), expectRefused)
})

posix('the part file is cut to nothing: the seams show it, and all is fetched anew', async () => {
  await touched(({ target }) => truncate(partPath(target), 0), expectRight)
})

posix('the part file is written over, at a seam: the same', async () => {
  await touched(async ({ target }) => {
    const part = await open(partPath(target), 'r+')
    // Where the second segment begins, whatever its exact place: half the file is ours then.
    await part.write(Buffer.alloc(200_000, 'x'), 0, 200_000, SIZE / 2 - 100_000)
    await part.close()
  }, expectRight)
})

posix('the part file is made longer: an error', async () => {
  await touched(({ target }) => truncate(partPath(target), SIZE + 100), expectRefused)
})

posix('the part file is replaced by another one: an error, and that one stays', async () => {
  await touched(
    async ({ folder, target }) => {
      await writeFile(folder.at('other'), 'another program was here')
      await rename(folder.at('other'), partPath(target))
    },
    async (outcome, scene) => {
      await expectRefused(outcome, scene)
      expect(await readFile(partPath(scene.target), 'utf8')).toBe('another program was here')
      await unlink(partPath(scene.target))
    },
  )
})

test('the journal is deleted: no matter, the file is right', async () => {
  await touched(({ target }) => unlink(journalPath(target)), expectRight)
})

test('the journal is overwritten: no matter, and what stands in it is believed by nobody', async () => {
  await touched(
    ({ target }) => writeFile(journalPath(target), Buffer.alloc(131_072, 'nonsense')),
    expectRight,
  )
})

posix('the lock is deleted: an error, as another one may begin now', async () => {
  await touched(({ target }) => unlink(lockPath(target)), expectRefused)
})

posix('the folder is removed, with all in it: an error, and it is not made anew', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: RATE }))
    await using client = new FtpClient(await clientOptions(server))
    const target = folder.at('files', 'file.bin')
    await mkdir(dirname(target))
    const transfer = client.download(REMOTE, target, { connections: 2, minSegmentSize: 1_024 })
    const outcome = transfer.catch((error: unknown) => error)
    await untilTrue(() => transfer.progress.bytes > 1_000_000)
    await rm(dirname(target), { recursive: true })
    server.options.bytesPerSecond = 100_000_000
    expect(await outcome).toMatchObject({ name: 'FtpTransferError', code: 'ERR_FTP_LOCAL_FILE' })
    expect(await readdir(folder.path)).toEqual([])
  })
})

const mounts = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
const whyNoMount = mounts.status === 0 ? '' : ' (left out: a small file system cannot be mounted here)'

test.skipIf(whyNoMount !== '')(
  `the folder cannot be written: an error that says so, before anything is fetched${whyNoMount}`,
  async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await mkdir(folder.at('disk'))
    const script = `
      import { readdirSync, readFileSync } from 'node:fs'
      import { dirname } from 'node:path'
      import { download } from './octoftp/index.js'
      const { URL: url, TARGET: target } = process.env
      const { code, message } = await download(url, target).then(() => ({}), (error) => error)
      const older = readFileSync(target, 'latin1').trim()
      process.stdout.write(JSON.stringify({ code, message, older, names: readdirSync(dirname(target)) }))
    `
    const mounted = 'mount -t tmpfs tmpfs "$1" && echo older >"$1/file" && mount -o remount,ro "$1"'
    const { output, errorOutput } = await runScript(folder, script, {
      env: {
        URL: `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${REMOTE}`,
        TARGET: folder.at('disk', 'file'),
      },
      wrap: (node, path) => [
        ...['unshare', '--mount', 'sh', '-c', `${mounted} && exec "$2" "$3"`, 'sh'],
        ...[folder.at('disk'), node, path],
      ],
    })
    expect(errorOutput).toBe('')
    expect(JSON.parse(output)).toMatchObject({
      ...{ code: 'ERR_FTP_LOCAL_FILE', older: 'older', names: ['file'] },
      message: expect.stringMatching(/read-only/) as unknown,
    })
    expect(server.retrievals).toEqual([])
  },
)
