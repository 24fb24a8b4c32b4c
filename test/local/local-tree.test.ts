import { lstat, mkdir, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openRoot, type LocalTree } from '../../src/local/local-tree.ts'
import { PromptCalls } from '../../src/local/prompt-calls.ts'
import type { LocalFile } from '../../src/local/read-file.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const isLinux = process.platform === 'linux'
const bytes = (text: string): Uint8Array[] => [Buffer.from(text)]

let outside: TemporaryDirectory
let root: TemporaryDirectory
let tree: LocalTree

beforeEach(async () => {
  outside = await temporaryDirectory()
  root = await temporaryDirectory()
  tree = await openRoot(root.path, { create: false })
})

afterEach(async () => {
  await root[Symbol.asyncDispose]()
  await outside[Symbol.asyncDispose]()
})

const localFile = (message: RegExp): object => ({
  code: 'ERR_FTP_LOCAL_FILE',
  message: expect.stringMatching(message) as string,
})
const UNSAFE = { code: 'ERR_FTP_UNSAFE_PATH' }

async function names(): Promise<string[]> {
  return (await readdir(root.path, { recursive: true })).sort()
}

async function textOf(file: LocalFile): Promise<string> {
  await using opened = file
  const copies: Buffer[] = []
  for await (const chunk of opened.chunks(0)) copies.push(Buffer.from(chunk))
  return Buffer.concat(copies).toString()
}

describe('openRoot', () => {
  test('follows a link that the user has given, once', async () => {
    await symlink(root.path, outside.at('link'))
    expect((await openRoot(outside.at('link'), { create: true })).root).toBe(root.path)
  })

  test('makes what is missing, with the directories above, only where told', async () => {
    await expect(openRoot(root.at('a', 'b'), { create: false })).rejects.toMatchObject(
      localFile(/Cannot read .*: it does not exist/),
    )
    expect((await openRoot(root.at('a', 'b'), { create: true })).root).toBe(root.at('a', 'b'))
  })

  test('refuses a file', async () => {
    await writeFile(root.at('a'), '')
    await expect(openRoot(root.at('a'), { create: false })).rejects.toMatchObject(
      localFile(/it is not a folder/),
    )
    await expect(openRoot(root.at('a'), { create: true })).rejects.toMatchObject(localFile(/Cannot write/))
  })
})

describe('list', () => {
  test('gives types, sizes, times and where links lead', async () => {
    await writeFile(root.at('file'), 'twelve bytes')
    await utimes(root.at('file'), 0, 1_700_000_000.5)
    await mkdir(root.at('directory'))
    await symlink('nowhere', root.at('link'))
    const entries = new Map((await tree.list(''))?.map((entry) => [entry.name, entry]))
    expect([...entries.keys()].sort()).toEqual(['directory', 'file', 'link'])
    expect(entries.get('file')).toEqual({
      name: 'file',
      type: 'file',
      size: 12,
      modifiedMs: 1_700_000_000_500,
      precision: 'millisecond',
      target: undefined,
    })
    expect(entries.get('directory')).toMatchObject({ type: 'directory', size: undefined, target: undefined })
    expect(entries.get('link')).toMatchObject({ type: 'symlink', size: undefined, target: 'nowhere' })
  })

  test('leaves out what is ours: unfinished files, and what belongs to them', async () => {
    for (const kind of ['part', 'journal', 'lock', 'mode', 'case', 'whole', '0a1b2c3d'])
      await writeFile(root.at(`disk.iso.octoftp-${kind}`), '')
    await writeFile(root.at('octoftp-part'), '')
    expect(await tree.list('')).toMatchObject([{ name: 'octoftp-part' }])
  })

  test('gives the same by calls made at once and by threads', async () => {
    await mkdir(root.at('d'))
    for (let at = 0; at < 250; at++) writeFileSync(root.at(`f${at}`), 'x'.repeat(at))
    await symlink('f1', root.at('link'))
    await symlink('nowhere', root.at('dangling'))
    const byThreads = await openRoot(root.path, { create: false, prompt: new PromptCalls(new Set()) })
    const sorted = async (of: LocalTree, followLinks: boolean): Promise<unknown> =>
      (await of.list('', { followLinks }))?.sort((one, other) => (one.name < other.name ? -1 : 1))
    expect(await sorted(tree, false)).toEqual(await sorted(byThreads, false))
    expect(await sorted(tree, true)).toEqual(await sorted(byThreads, true))
    expect(await sorted(tree, true)).toHaveLength(253)
  })

  test('gives more than are looked at at once', async () => {
    const wanted = Array.from({ length: 100 }, (_, at) => `f${at}`)
    for (const name of wanted) writeFileSync(root.at(name), '')
    expect((await tree.list(''))?.map(({ name }) => name).sort()).toEqual(wanted.sort())
  })

  test('gives undefined for a missing directory, at any level, and an error for a file', async () => {
    await writeFile(root.at('file'), '')
    expect(await tree.list('a')).toBeUndefined()
    expect(await tree.list('a/b')).toBeUndefined()
    expect(await tree.list('a', { followLinks: true })).toBeUndefined()
    await expect(tree.list('file')).rejects.toMatchObject(localFile(/it is not a folder/))
    await expect(tree.list('file', { followLinks: true })).rejects.toMatchObject(localFile(/not a folder/))
  })

  test('goes through no link unless told', async () => {
    await mkdir(outside.at('in'))
    await writeFile(outside.at('in', 'secret'), '12345')
    await symlink(outside.path, root.at('link'))
    await expect(tree.list('link')).rejects.toMatchObject(UNSAFE)
    await expect(tree.list('link/in')).rejects.toMatchObject(UNSAFE)
    expect(await tree.list('', { followLinks: true })).toMatchObject([{ name: 'link', type: 'directory' }])
    expect(await tree.list('link/in', { followLinks: true })).toMatchObject([{ name: 'secret', size: 5 }])
  })

  test('does not follow a link that leads nowhere, or round in a circle', async () => {
    await mkdir(root.at('a', 'b'), { recursive: true })
    await symlink('..', root.at('a', 'b', 'parent'))
    await symlink('.', root.at('a', 'b', 'itself'))
    await symlink('missing', root.at('a', 'b', 'nowhere'))
    await symlink('knot', root.at('a', 'b', 'knot'))
    // Only by way of another directory does it come back: there it ends.
    await symlink(outside.path, root.at('a', 'b', 'out'))
    await symlink(root.at('a'), outside.at('back'))
    const types = async (path: string): Promise<unknown> =>
      Object.fromEntries(
        (await tree.list(path, { followLinks: true }))?.map(({ name, type }) => [name, type]) ?? [],
      )
    expect(await types('a/b')).toEqual({
      parent: 'symlink',
      itself: 'symlink',
      nowhere: 'symlink',
      knot: 'symlink',
      out: 'directory',
    })
    expect(await types('a/b/out')).toEqual({ back: 'symlink' })
  })
})

describe('names that lead elsewhere', () => {
  test.each(['..', '../x', 'a/../x', './x', '/etc/x', 'a//x', 'a/', '', 'x\0'])(
    'are refused by all that writes: %j',
    async (path) => {
      await mkdir(root.at('a'))
      await expect(tree.makeDirectory(path)).rejects.toMatchObject(UNSAFE)
      await expect(tree.writeSmall(path, bytes('x'))).rejects.toMatchObject(UNSAFE)
      await expect(tree.place(path)).rejects.toMatchObject(UNSAFE)
      await expect(tree.makeLink(path, 'b')).rejects.toMatchObject(UNSAFE)
      expect(await names()).toEqual(['a'])
    },
  )

  test.each(['..', '../x', 'a/..', '/etc', 'a//x'])('are refused by all that reads: %j', async (path) => {
    await expect(tree.list(path)).rejects.toMatchObject(UNSAFE)
    await expect(tree.list(path, { followLinks: true })).rejects.toMatchObject(UNSAFE)
    await expect(tree.openFile(path)).rejects.toMatchObject(UNSAFE)
    await expect(tree.openFile(path, { followLinks: true })).rejects.toMatchObject(UNSAFE)
    await expect(tree.remove(path, 'directory')).rejects.toMatchObject(UNSAFE)
    await expect(tree.count(path)).rejects.toMatchObject(UNSAFE)
  })

  test('the name of an unfinished file is not written: it would get into another one', async () => {
    await expect(tree.writeSmall('disk.iso.octoftp-part', bytes('x'))).rejects.toMatchObject(UNSAFE)
    await expect(tree.makeDirectory('a.octoftp-journal')).rejects.toMatchObject(UNSAFE)
  })

  test('the message shows no control characters', async () => {
    const error = (await tree
      .writeSmall('\u001b[2J/..', bytes('x'))
      .catch((reason: unknown) => reason)) as Error
    expect(error.message).toBe('Cannot use the name "..", at \\x1b[2J/..: it means another directory')
  })
})

describe.each(['link', 'a/link', 'a/b/link'])('a link to a directory, planted at %s', (planted) => {
  beforeEach(async () => {
    await mkdir(root.at('a', 'b'), { recursive: true })
    await mkdir(outside.at('c'))
    await writeFile(outside.at('c', 'kept'), 'kept')
    await symlink(outside.path, root.at(planted))
  })

  test('is no step of a path', async () => {
    for (const path of [`${planted}/new`, `${planted}/c/new`]) {
      await expect(tree.makeDirectory(path)).rejects.toMatchObject(UNSAFE)
      await expect(tree.writeSmall(path, bytes('x'))).rejects.toMatchObject(UNSAFE)
      await expect(tree.place(path)).rejects.toMatchObject(UNSAFE)
      await expect(tree.makeLink(path, 'x')).rejects.toMatchObject(UNSAFE)
    }
    await expect(tree.openFile(`${planted}/c/kept`)).rejects.toMatchObject(UNSAFE)
    await expect(tree.remove(`${planted}/c/kept`, 'file')).rejects.toMatchObject(UNSAFE)
    await expect(tree.remove(`${planted}/c`, 'directory')).rejects.toMatchObject(UNSAFE)
    await expect(tree.count(`${planted}/c`)).rejects.toMatchObject(UNSAFE)
    expect((await readdir(outside.path, { recursive: true })).sort()).toEqual(['c', 'c/kept'])
  })

  test('is no directory either', async () => {
    await expect(tree.makeDirectory(planted)).rejects.toMatchObject(UNSAFE)
    await expect(tree.remove(planted, 'directory')).rejects.toMatchObject(localFile(/no longer a directory/))
    expect(await tree.count(planted)).toBe(1)
    expect(await tree.remove(planted, 'symlink')).toBe(1)
    expect(await readdir(outside.path)).toEqual(['c'])
  })

  test('is replaced by a file, not followed', async () => {
    await tree.writeSmall(planted, bytes('file'))
    expect((await lstat(root.at(planted))).isFile()).toBe(true)
    expect(await readdir(outside.path)).toEqual(['c'])
  })
})

describe('makeDirectory', () => {
  test('makes one level; one that is there is as good', async () => {
    await expect(tree.makeDirectory('a/b')).rejects.toMatchObject(localFile(/it does not exist/))
    await tree.makeDirectory('a')
    await tree.makeDirectory('a')
    await Promise.all([tree.makeDirectory('a/b'), tree.makeDirectory('a/b')])
    await (await openRoot(root.path, { create: false })).makeDirectory('a/b')
    expect(await names()).toEqual(['a', 'a/b'])
  })

  test('is refused where a file stands', async () => {
    await writeFile(root.at('a'), 'kept')
    await expect(tree.makeDirectory('a')).rejects.toMatchObject(
      localFile(/Cannot write .*: it is not a folder/),
    )
    expect(await readFile(root.at('a'), 'utf8')).toBe('kept')
  })

  test('a refusal is not remembered', async () => {
    await expect(tree.writeSmall('a/x', bytes('x'))).rejects.toMatchObject(localFile(/it does not exist/))
    await mkdir(root.at('a'))
    await tree.writeSmall('a/x', bytes('x'))
    expect(await names()).toEqual(['a', 'a/x'])
  })

  test('what has been removed is not believed to be there', async () => {
    await tree.makeDirectory('a')
    await tree.makeDirectory('a/b')
    expect(await tree.remove('a', 'directory')).toBe(2)
    await symlink(outside.path, root.at('a'))
    await mkdir(outside.at('b'))
    await expect(tree.writeSmall('a/b/x', bytes('x'))).rejects.toMatchObject(UNSAFE)
    expect(await readdir(outside.at('b'))).toEqual([])
  })
})

describe('place', () => {
  test('is the path itself, with nothing to be done behind it', async () => {
    await tree.makeDirectory('a')
    const { path, settle } = await tree.place('a/disk.iso')
    expect(path).toBe(root.at('a', 'disk.iso'))
    await settle()
    expect(await names()).toEqual(['a'])
  })

  test('is beside a link that stands there, which is replaced when the file is whole', async () => {
    await writeFile(outside.at('kept'), 'kept')
    await symlink(outside.at('kept'), root.at('disk.iso'))
    const { path, settle } = await tree.place('disk.iso')
    expect((await tree.place('disk.iso')).path).toBe(path)
    await writeFile(path, 'whole')
    expect(await tree.list('')).toMatchObject([{ name: 'disk.iso', type: 'symlink' }])
    await settle()
    expect(await names()).toEqual(['disk.iso'])
    expect((await lstat(root.at('disk.iso'))).isFile()).toBe(true)
    expect(await readFile(outside.at('kept'), 'utf8')).toBe('kept')
  })
})

describe('makeLink', () => {
  test('makes it, in the place of a file or another link', async () => {
    await mkdir(root.at('a'))
    await tree.makeLink('a/one', '../b')
    expect(await readlink(root.at('a', 'one'))).toBe('../b')
    await tree.makeLink('a/one', 'c')
    await writeFile(root.at('file'), '')
    await tree.makeLink('file', 'a/one')
    expect(await readlink(root.at('a', 'one'))).toBe('c')
    expect(await readlink(root.at('file'))).toBe('a/one')
    expect(await names()).toEqual(['a', 'a/one', 'file'])
  })

  test.each(['/etc', '..', '../x', 'b/../..', ''])('refuses one that leads to %j', async (target) => {
    await expect(tree.makeLink('link', target)).rejects.toMatchObject(UNSAFE)
    expect(await names()).toEqual([])
  })

  test('does not take the place of a directory', async () => {
    await mkdir(root.at('a'))
    await expect(tree.makeLink('a', 'b')).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    expect(await names()).toEqual(['a'])
  })
})

describe('remove and count', () => {
  test('a directory goes with all that is in it, links as links', async () => {
    mkdirSync(root.at('a', 'b', 'c'), { recursive: true })
    for (let at = 0; at < 40; at++) writeFileSync(root.at('a', 'b', `f${at}`), '')
    await writeFile(outside.at('kept'), '')
    await symlink(outside.path, root.at('a', 'b', 'link'))
    await symlink('missing', root.at('a', 'dangling'))
    await writeFile(root.at('other'), '')
    expect(await tree.count('a')).toBe(45)
    expect(await tree.remove('a', 'directory')).toBe(45)
    expect(await names()).toEqual(['other'])
    expect(await readdir(outside.path)).toEqual(['kept'])
  })

  test('a file is one, and nothing is none', async () => {
    await writeFile(root.at('a'), '')
    expect(await tree.count('a')).toBe(1)
    expect(await tree.remove('a', 'file')).toBe(1)
    expect(await tree.count('a')).toBe(0)
    expect(await tree.remove('a', 'file')).toBe(0)
    expect(await tree.remove('b/c', 'directory')).toBe(0)
  })

  test('what has become something else meanwhile stays, and so does the root', async () => {
    mkdirSync(root.at('a', 'b'), { recursive: true })
    await expect(tree.remove('a', 'file')).rejects.toMatchObject(localFile(/no longer a file/))
    await expect(tree.remove('', 'directory')).rejects.toMatchObject(localFile(/root/))
    expect(await names()).toEqual(['a', 'a/b'])
  })
})

describe('openFile', () => {
  test('opens a file, and a link only where told', async () => {
    await mkdir(root.at('a'))
    await writeFile(root.at('a', 'file'), 'content')
    await writeFile(outside.at('secret'), 'secret')
    await symlink(outside.at('secret'), root.at('a', 'link'))
    expect(await textOf(await tree.openFile('a/file'))).toBe('content')
    await expect(tree.openFile('a/link')).rejects.toMatchObject(localFile(/it is a link/))
    expect(await textOf(await tree.openFile('a/link', { followLinks: true }))).toBe('secret')
  })

  test('refuses a directory, and what is missing', async () => {
    await mkdir(root.at('a'))
    await expect(tree.openFile('a')).rejects.toMatchObject(localFile(/it is not a file/))
    await expect(tree.openFile('b/c')).rejects.toMatchObject(localFile(/it does not exist/))
  })
})

test('isCaseInsensitive says how the file system is, and leaves nothing', async () => {
  writeFileSync(outside.at('probe'), '')
  const truth = statSync(outside.at('PROBE'), { throwIfNoEntry: false }) !== undefined
  await expectNoLeaks(async () => {
    expect(await tree.isCaseInsensitive()).toBe(truth)
    expect(await tree.isCaseInsensitive()).toBe(truth)
  })
  expect(await names()).toEqual([])
})

describe.skipIf(!isLinux)('names that are not UTF-8 (Linux only)', () => {
  /** "é" in Latin-1, as a file and as a directory. */
  const NAME = 'caf\udce9'
  const raw = (...parts: readonly string[]): Buffer => Buffer.from(root.at(...parts), 'latin1')

  test('are written as their bytes, and listed as they came', async () => {
    await tree.makeDirectory(NAME)
    await tree.writeSmall(`${NAME}/${NAME}.txt`, bytes('text'), { modifiedMs: 1_000 })
    await tree.makeLink(`${NAME}/link`, `${NAME}.txt`)
    expect(await readFile(raw('caf\xe9', 'caf\xe9.txt'), 'utf8')).toBe('text')
    expect(await tree.list('')).toMatchObject([{ name: NAME, type: 'directory' }])
    const within = await tree.list(NAME)
    expect(within?.find(({ name }) => name === `${NAME}.txt`)).toMatchObject({ size: 4, modifiedMs: 1_000 })
    expect(within?.find(({ name }) => name === 'link')).toMatchObject({ target: `${NAME}.txt` })
    expect(await textOf(await tree.openFile(`${NAME}/${NAME}.txt`))).toBe('text')
    expect(await tree.count(NAME)).toBe(3)
    expect(await tree.remove(NAME, 'directory')).toBe(3)
    expect(await readdir(root.path)).toEqual([])
  })

  test('beside one that is', async () => {
    await tree.writeSmall(NAME, bytes('bytes'))
    await tree.writeSmall('café', bytes('text'))
    expect(await readFile(root.at('café'), 'utf8')).toBe('text')
    expect(await readFile(raw('caf\xe9'), 'utf8')).toBe('bytes')
  })

  test.each([NAME, `directory/${NAME}`, `${NAME}/file`])(
    'have a place until they are whole: %j',
    async (path) => {
      if (path.includes('/')) await tree.makeDirectory(path.slice(0, path.indexOf('/')))
      const { path: place, settle } = await tree.place(path)
      await writeFile(place, 'whole')
      await settle()
      expect(await textOf(await tree.openFile(path))).toBe('whole')
      expect((await tree.list(''))?.length).toBe(1)
      expect(await stat(place).catch(() => undefined)).toBeUndefined()
    },
  )

  test('may be on the way to the root', async () => {
    await mkdir(raw('caf\xe9'))
    const below = await openRoot(root.at(NAME), { create: false })
    await below.makeDirectory('a')
    await below.writeSmall('a/file', bytes('text'))
    expect(await readFile(raw('caf\xe9', 'a', 'file'), 'utf8')).toBe('text')
    await expect(below.place('a/file')).rejects.toMatchObject(localFile(/not UTF-8/))
  })
})
