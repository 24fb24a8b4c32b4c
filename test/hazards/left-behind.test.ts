/** What a process that was killed at the worst moment has left beside a target is taken away, or does no harm. */
import { link, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { journalPath, modePath, partPath } from '../../src/local/names.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, CONTENT, REMOTE, serving } from './support/attempt.ts'

test.each(['skip', 'error'] as const)(
  'killed between the second name and the removal of the first, overwrite %s: only the target is left',
  async (overwrite) => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, {}))
    await using client = new FtpClient(await clientOptions(server, {}))
    const target = folder.at('file.bin')
    await writeFile(target, CONTENT)
    await link(target, partPath(target))
    await writeFile(journalPath(target), 'whatever it says')
    const download = client.download(REMOTE, target, { overwrite })
    if (overwrite === 'skip') expect((await download).skipped).toBe(true)
    else await expect(download).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    expect(await readdir(folder.path)).toEqual(['file.bin'])
    expect((await readFile(target)).equals(CONTENT)).toBe(true)
  },
)

test('a part file that is not the target under another name stays', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, {}))
  await using client = new FtpClient(await clientOptions(server, {}))
  const target = folder.at('file.bin')
  await writeFile(target, 'another')
  await writeFile(partPath(target), CONTENT.subarray(0, 1_000))
  await client.download(REMOTE, target, { overwrite: 'skip' })
  expect((await readdir(folder.path)).sort()).toEqual(['file.bin', 'file.bin.octoftp-part'])
})

test('killed while it looked at the permissions of new files', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT, {}))
  await using client = new FtpClient(await clientOptions(server, {}))
  const target = folder.at('file.bin')
  await writeFile(modePath(target), '', { mode: 0o600 })
  await client.download(REMOTE, target)
  expect(await readdir(folder.path)).toEqual(['file.bin'])
  await writeFile(folder.at('new'), '')
  expect((await stat(target)).mode).toBe((await stat(folder.at('new'))).mode)
})
