/** Another process begins the same download while ours is being put in its place: its half file is never taken for ours. */
import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import type * as Fs from 'node:fs'
import type * as FsPromises from 'node:fs/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { PartFile, resolveTarget } from '../../src/local/part-file.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

type Moment = 'while it is synced' | 'right before the rename'

/** What the other process does, and when. It acts once. */
const other = vi.hoisted<{ moment: string | undefined; act: () => Promise<void> }>(() => ({
  moment: undefined,
  act: () => Promise.resolve(),
}))
const moments = vi.hoisted(() => async (moment: string): Promise<void> => {
  if (other.moment !== moment) return
  other.moment = undefined
  await other.act()
})

// Only the moment is made: the files, and what is done with them, are real.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>()
  const fsync = (descriptor: number, done: Fs.NoParamCallback): void =>
    void moments('while it is synced').then(() => fs.fsync(descriptor, done))
  return { ...fs, fsync }
})
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof FsPromises>()
  const renamed: typeof fs.rename = async (from, to) => {
    await moments('right before the rename')
    return fs.rename(from, to)
  }
  return { ...fs, rename: renamed }
})

afterEach(() => {
  other.moment = undefined
})

/** A part file that is whole, beside an older target. */
async function begun(folder: TemporaryDirectory): Promise<PartFile> {
  const target = folder.at('disk.iso')
  await writeFile(target, 'older')
  const file = await PartFile.create(await resolveTarget(target))
  await new Promise<void>((resolve, reject) => {
    file.write(Buffer.from('ours, whole'), 0, (error) => (error ? reject(error) : resolve()))
  })
  return file
}

function meddle(moment: Moment, act: () => Promise<void>): void {
  other.moment = moment
  other.act = act
}

test.each([
  ['removes it and begins its own', (path: string) => unlink(path).then(() => writeFile(path, 'half'))],
  [
    'puts its own over it',
    (path: string) => writeFile(`${path}-2`, 'half').then(() => rename(`${path}-2`, path)),
  ],
])(
  'while it is synced, another process %s: ERR_FTP_LOCAL_FILE, the older file stands',
  async (_name, act) => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      const file = await begun(folder)
      meddle('while it is synced', () => act(file.path))
      await expect(file.publish(11, undefined)).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
      expect(other.moment, 'it has meddled').toBeUndefined()
      expect(await readFile(file.target, 'utf8')).toBe('older')
      await file.discard()
      expect(await readFile(file.path, 'utf8'), 'what the other has begun is not removed').toBe('half')
    })
  },
)

test('right before the rename, where no check can see it any more: not called a success', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const file = await begun(folder)
    meddle('right before the rename', async () => {
      await unlink(file.path)
      await writeFile(file.path, 'half')
    })
    await expect(file.publish(11, undefined)).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    expect(other.moment, 'it has meddled').toBeUndefined()
    await file.discard()
  })
})
