/** Something stands where the part file goes: a leftover of ours is replaced, anything else is not touched. */
import { chown, lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, CONTENT, REMOTE, serving } from './support/attempt.ts'

const PART = 'file.bin.octoftp-part'

test('a part file that an earlier run left: replaced', async () => {
  const names = await downloadOver(async (folder) => writeFile(folder.at(PART), 'half of something else'))
  expect(names).toEqual(['file.bin'])
})

test('a link: not followed, not removed', async () => {
  const names = await downloadOver(
    async (folder) => {
      await writeFile(folder.at('victim'), 'precious')
      await symlink(folder.at('victim'), folder.at(PART))
    },
    async (folder) => {
      expect(await readFile(folder.at('victim'), 'utf8')).toBe('precious')
      expect((await lstat(folder.at(PART))).isSymbolicLink()).toBe(true)
    },
  )
  expect(names).toEqual([PART, 'victim'])
})

test('a link to nothing', async () => {
  const names = await downloadOver(
    (folder) => symlink(folder.at('created-through-link'), folder.at(PART)),
    async () => {},
  )
  expect(names).toEqual([PART])
})

test('a folder, with something in it', async () => {
  const names = await downloadOver(
    async (folder) => {
      await mkdir(folder.at(PART))
      await writeFile(folder.at(PART, 'inner'), 'precious')
    },
    async (folder) => {
      expect(await readFile(folder.at(PART, 'inner'), 'utf8')).toBe('precious')
    },
  )
  expect(names).toEqual([PART])
})

test.skipIf(process.getuid?.() !== 0)("another user's file", async () => {
  const names = await downloadOver(
    async (folder) => {
      await writeFile(folder.at(PART), 'not ours')
      await chown(folder.at(PART), 12_345, 12_345)
    },
    async (folder) => {
      expect(await readFile(folder.at(PART), 'utf8')).toBe('not ours')
    },
  )
  expect(names).toEqual([PART])
})

test.skipIf(process.platform === 'win32')("the part file is its owner's alone while it grows", async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 300_000 }))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 1 })
    // While it grows: as a whole it gets the mode of any other, and then its name.
    let mode: number | undefined
    transfer.on(
      'progress',
      () =>
        void lstat(folder.at(PART)).then(
          (facts) => (mode ??= facts.mode & 0o777),
          () => {},
        ),
    )
    await transfer
    expect(mode).toBe(0o600)
    // What the umask leaves, as for any file.
    await writeFile(folder.at('any'), '')
    expect((await lstat(folder.at('file.bin'))).mode).toBe((await lstat(folder.at('any'))).mode)
  })
})

test('another program replaces the part file while it grows: an error, and what it put there stays', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 300_000 }))
    await using client = new FtpClient(await clientOptions(server))
    const transfer = client.download(REMOTE, folder.at('file.bin'), { connections: 1 })

    const swap = async (): Promise<void> => {
      await writeFile(folder.at('other'), 'other')
      await rename(folder.at('other'), folder.at(PART))
      server.options.bytesPerSecond = 30_000_000
    }
    let swapped: Promise<void> | undefined
    transfer.once('progress', () => {
      swapped = swap()
    })
    await expect(transfer).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      message: expect.stringMatching(/another program/) as unknown,
    })
    await swapped
    expect(await readFile(folder.at(PART), 'utf8')).toBe('other')
    expect(await readdir(folder.path)).toEqual([PART])
  })
})

/** Gives the names in the folder afterwards. With `check` the download has to be refused; without, to succeed. */
async function downloadOver(
  prepare: (folder: TemporaryDirectory) => Promise<void>,
  check?: (folder: TemporaryDirectory) => Promise<void>,
): Promise<string[]> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await using client = new FtpClient(await clientOptions(server))
    await prepare(folder)
    const transfer = client.download(REMOTE, folder.at('file.bin'))
    if (check === undefined) {
      await transfer
      expect((await readFile(folder.at('file.bin'))).equals(CONTENT)).toBe(true)
    } else {
      await expect(transfer).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE', path: folder.at(PART) })
      await check(folder)
    }
    expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
    return await readdir(folder.path)
  })
}
