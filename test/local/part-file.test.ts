import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PartFile, resolveTarget } from '../../src/local/part-file.ts'
import { partPath } from '../../src/local/names.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const isPosix = process.platform !== 'win32'
const isRoot = process.getuid?.() === 0

let directory: TemporaryDirectory
let target: string

beforeEach(async () => {
  directory = await temporaryDirectory()
  target = directory.at('disk.iso')
})

afterEach(async () => {
  await directory[Symbol.asyncDispose]()
})

function write(file: PartFile, text: string, position: number = 0): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(Buffer.from(text), position, (error) => (error ? reject(error) : resolve()))
  })
}

/** A part file with `text` in it. */
async function begun(text: string = 'whole', path: string = target): Promise<PartFile> {
  const file = await PartFile.create(await resolveTarget(path))
  await write(file, text)
  return file
}

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777
const names = async (): Promise<string[]> => (await readdir(directory.path)).sort()
const localFile = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_FTP_LOCAL_FILE', message: expect.stringMatching(message) as unknown })

describe('resolveTarget', () => {
  test('gives an absolute path, and follows a link to the file behind it', async () => {
    expect(await resolveTarget(target)).toBe(target)
    await writeFile(target, 'old')
    await symlink('disk.iso', directory.at('link'))
    expect(await resolveTarget(directory.at('link'))).toBe(target)
  })

  test.each([
    ['a folder', '.', /it is a folder/],
    ['a missing folder', 'none/disk.iso', /its folder does not exist/],
    ['a file where a folder should be', 'file/disk.iso', /not a folder/],
    ['a link to a folder', 'linked', /it is a folder/],
    ['a name that no file system takes', 'é'.repeat(128), /name is too long/],
  ])('%s: an error that says so', async (_what, name, message) => {
    await writeFile(directory.at('file'), '')
    await mkdir(directory.at('sub'))
    await symlink('sub', directory.at('linked'))
    await expect(resolveTarget(directory.at(name))).rejects.toEqual(localFile(message))
  })

  test.runIf(isPosix)('a device is not replaced', async () => {
    await expect(resolveTarget('/dev/null')).rejects.toEqual(localFile(/not a regular file/))
  })

  test('a link that leads nowhere: an error that speaks of the link', async () => {
    await symlink('gone/disk.iso', directory.at('alias'))
    await expect(resolveTarget(directory.at('alias'))).rejects.toEqual(localFile(/ link /))
  })
})

describe('a part file', () => {
  test('becomes the target at publish, and is gone itself', async () => {
    await writeFile(target, 'old')
    const file = await begun()
    expect(await readFile(target, 'utf8')).toBe('old')
    await file.publish(5, undefined)
    expect(await readFile(target, 'utf8')).toBe('whole')
    expect(await names()).toEqual(['disk.iso'])
  })

  test('is gone at discard, and the older target stands', async () => {
    await writeFile(target, 'old')
    const file = await begun()
    await file.discard()
    expect(await names()).toEqual(['disk.iso'])
    expect(await readFile(target, 'utf8')).toBe('old')
  })

  test('writes anywhere, reads back, and forgets everything when cleared', async () => {
    const file = await begun('')
    await write(file, 'world', 6)
    await write(file, 'hello ')
    expect(Buffer.from(await file.read(0, 100)).toString()).toBe('hello world')
    expect(Buffer.from(await file.read(9, 2)).toString()).toBe('ld')
    await file.clear()
    expect(await file.read(0, 100)).toHaveLength(0)
    await file.discard()
  })

  test('has the time that it is given, and the present one where there is none', async () => {
    const then = new Date('2001-02-03T04:05:06.789Z')
    await (await begun()).publish(5, then)
    expect((await stat(target)).mtime).toEqual(then)
    await (await begun()).publish(5, undefined)
    expect((await stat(target)).mtimeMs).toBeGreaterThan(then.getTime() + 1)
  })

  test('leaves nothing open, published or discarded', async () => {
    await expectNoLeaks(async () => {
      await (await begun()).publish(5, undefined)
      await (await begun()).discard()
    })
  })

  test('has a name of its own where the target has a very long one', async () => {
    const long = directory.at('é'.repeat(127))
    await (await begun('whole', long)).publish(5, undefined)
    expect(await names()).toEqual(['é'.repeat(127)])
  })

  test('discard() after a failed publish() removes it, and a new one can begin', async () => {
    const file = await begun()
    await expect(file.publish(6, undefined)).rejects.toMatchObject({ expected: 6, actual: 5 })
    await file.discard()
    expect(await names()).toEqual([])
    await (await begun()).publish(5, undefined)
    expect(await names()).toEqual(['disk.iso'])
  })
})

describe.runIf(isPosix)('permissions', () => {
  let umask: number

  beforeEach(() => {
    umask = process.umask(0o027)
  })

  afterEach(() => {
    process.umask(umask)
  })

  test('nobody else reads a file that is not whole; a new one gets what the umask leaves', async () => {
    const file = await begun()
    expect(await mode(file.path)).toBe(0o600)
    await file.publish(5, undefined)
    expect(await mode(target)).toBe(0o640)
  })

  test.each([0o644, 0o600, 0o755, 0o444])(
    'a file that replaces one of mode %o has that mode',
    async (older) => {
      await writeFile(target, 'old')
      await chmod(target, older)
      const file = await begun()
      expect(await mode(file.path)).toBe(0o600)
      await file.publish(5, undefined)
      expect(await mode(target)).toBe(older)
    },
  )
})

test.runIf(isPosix)(
  'what runs with the rights of its owner is not replaced by something that does too',
  async () => {
    await writeFile(target, 'old')
    await chmod(target, 0o6755)
    await (await begun()).publish(5, undefined)
    expect(await mode(target)).toBe(0o755)
  },
)

describe('through a link', () => {
  test('the file behind it is replaced, with its mode, and the link stays', async () => {
    await mkdir(directory.at('elsewhere'))
    await writeFile(directory.at('elsewhere', 'real'), 'old', { mode: 0o600 })
    await symlink('elsewhere/real', target)
    await (await begun()).publish(5, undefined)
    expect(await readlink(target)).toBe('elsewhere/real')
    expect(await readFile(directory.at('elsewhere', 'real'), 'utf8')).toBe('whole')
    if (isPosix) expect(await mode(directory.at('elsewhere', 'real'))).toBe(0o600)
    expect(await readdir(directory.at('elsewhere'))).toEqual(['real'])
  })

  test('another name of the same file keeps the old content', async () => {
    await writeFile(target, 'old')
    await link(target, directory.at('hard'))
    await (await begun()).publish(5, undefined)
    expect(await readFile(directory.at('hard'), 'utf8')).toBe('old')
  })
})

describe('what stands in the place of the part file', () => {
  test('the rest of an earlier run is not built upon', async () => {
    await writeFile(partPath(target), 'a longer rest of an earlier run')
    await (await begun()).publish(5, undefined)
    expect(await readFile(target, 'utf8')).toBe('whole')
  })

  test('a link is not followed, and not removed', async () => {
    await writeFile(directory.at('victim'), 'precious')
    await symlink('victim', partPath(target))
    await expect(begun()).rejects.toEqual(localFile(/not an unfinished download/))
    expect(await readFile(directory.at('victim'), 'utf8')).toBe('precious')
    expect((await lstat(partPath(target))).isSymbolicLink()).toBe(true)
  })

  test('a folder is not removed', async () => {
    await mkdir(partPath(target))
    await expect(begun()).rejects.toEqual(localFile(/not an unfinished download/))
  })

  test.runIf(isRoot)("another user's file is not removed", async () => {
    await writeFile(partPath(target), 'theirs')
    await chown(partPath(target), 12_345, 12_345)
    await expect(begun()).rejects.toEqual(localFile(/not an unfinished download/))
    expect(await readFile(partPath(target), 'utf8')).toBe('theirs')
  })

  test('after a refusal the way is free again', async () => {
    await mkdir(partPath(target))
    await expect(begun()).rejects.toThrow()
    await rename(partPath(target), directory.at('moved'))
    await (await begun()).publish(5, undefined)
    expect(await readFile(target, 'utf8')).toBe('whole')
  })
})

describe('another program meddles', () => {
  test('its file in the place of ours is neither published nor removed', async () => {
    await writeFile(target, 'old')
    const file = await begun()
    await writeFile(directory.at('foreign'), 'other')
    await rename(directory.at('foreign'), file.path)
    await expect(file.publish(5, undefined)).rejects.toEqual(localFile(/another program has replaced it/))
    await file.discard()
    expect(await readFile(target, 'utf8')).toBe('old')
    expect(await readFile(file.path, 'utf8')).toBe('other')
  })

  test('a part file that was removed is not published', async () => {
    const file = await begun()
    await unlink(file.path)
    await expect(file.publish(5, undefined)).rejects.toEqual(localFile(/another program has replaced it/))
    await file.discard()
    expect(await names()).toEqual([])
  })

  test('a part file of another length is not published', async () => {
    const file = await begun('whole and more')
    await expect(file.publish(5, undefined)).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      expected: 5,
      actual: 14,
    })
    await file.discard()
  })

  test('a folder in the place of the target: the error names it', async () => {
    const file = await begun()
    await mkdir(target)
    await expect(file.publish(5, undefined)).rejects.toEqual(localFile(/disk\.iso: it is a folder/))
    await file.discard()
    expect(await names()).toEqual(['disk.iso'])
  })
})
