import { spawnSync } from 'node:child_process'
import { unlinkSync } from 'node:fs'
import {
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
import { LockFile } from '../../src/local/lock-file.ts'
import { openRoot, type LocalTree } from '../../src/local/local-tree.ts'
import { journalPath, partPath } from '../../src/local/names.ts'
import { PromptCalls } from '../../src/local/prompt-calls.ts'
import { runScript } from '../hazards/support/child-process.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const isRoot = process.getuid?.() === 0
const bytes = (text: string): Uint8Array[] => [Buffer.from(text)]
const NEW = bytes('new')

describe.each([
  { way: 'calls made at once, where that may be', kinds: undefined },
  { way: 'calls made by threads', kinds: new Set<number>() },
])('$way', ({ kinds }) => {
  let root: TemporaryDirectory
  let tree: LocalTree

  beforeEach(async () => {
    root = await temporaryDirectory()
    tree = await openRoot(root.path, { create: false, prompt: new PromptCalls(kinds) })
  })

  afterEach(() => root[Symbol.asyncDispose]())

  const names = async (): Promise<string[]> => (await readdir(root.path)).sort()
  const text = (name: string): Promise<string> => readFile(root.at(name), 'utf8')
  const localFile = (message: RegExp): object => ({
    code: 'ERR_FTP_LOCAL_FILE',
    message: expect.stringMatching(message) as string,
  })

  test('writes the pieces in their order, with the time, and leaves nothing else', async () => {
    const whole = randomBytes(100_000, 5)
    const modifiedMs = 1_700_000_000_123
    await expectNoLeaks(async () => {
      await tree.writeSmall('none', [])
      await tree.writeSmall('empty', [new Uint8Array(0)])
      await tree.writeSmall('one', [whole], { modifiedMs })
      await tree.writeSmall('three', [
        whole.subarray(0, 1),
        whole.subarray(1, 70_000),
        whole.subarray(70_000),
      ])
    })
    expect(await names()).toEqual(['empty', 'none', 'one', 'three'])
    expect((await stat(root.at('none'))).size).toBe(0)
    expect((await stat(root.at('empty'))).size).toBe(0)
    expect((await readFile(root.at('one'))).equals(whole)).toBe(true)
    expect((await readFile(root.at('three'))).equals(whole)).toBe(true)
    expect((await tree.list(''))?.find(({ name }) => name === 'one')).toMatchObject({ modifiedMs })
  })

  test('times come back to the millisecond', async () => {
    const times = Array.from({ length: 200 }, (_, at) => 1_000_000_000_000 + at * 4_999_999_997)
    for (const modifiedMs of times) {
      await tree.writeSmall('file', NEW, { modifiedMs })
      expect(await tree.list('')).toMatchObject([{ modifiedMs }])
    }
  })

  test('replaces a file, and a link without following it', async () => {
    await writeFile(root.at('file'), 'older and longer')
    await writeFile(root.at('kept'), 'kept')
    await symlink('kept', root.at('link'))
    await tree.writeSmall('file', NEW)
    await tree.writeSmall('link', NEW)
    expect([await text('file'), await text('link'), await text('kept')]).toEqual(['new', 'new', 'kept'])
    expect((await lstat(root.at('link'))).isFile()).toBe(true)
  })

  test.each(['file', 'link', 'dangling'])('without "overwrite" a %s stays', async (name) => {
    await writeFile(root.at('file'), 'older')
    await symlink('file', root.at('link'))
    await symlink('missing', root.at('dangling'))
    await expect(tree.writeSmall(name, NEW, { overwrite: false })).rejects.toMatchObject(
      localFile(/it exists/),
    )
    await tree.writeSmall('other', NEW, { overwrite: false })
    expect(await names()).toEqual(['dangling', 'file', 'link', 'other'])
    expect([await text('file'), await readlink(root.at('link'))]).toEqual(['older', 'file'])
  })

  test('does not take the place of a directory', async () => {
    await mkdir(root.at('a'))
    await expect(tree.writeSmall('a', NEW)).rejects.toMatchObject(
      localFile(/Cannot write .*: it is a folder/),
    )
    expect(await names()).toEqual(['a'])
  })

  test('the longest names have a temporary name too', async () => {
    const name = 'n'.repeat(255)
    await tree.writeSmall(name, NEW)
    expect(await names()).toEqual([name])
  })

  test('many at once', async () => {
    const wanted = Array.from({ length: 200 }, (_, at) => `f${String(at).padStart(3, '0')}`)
    await Promise.all(wanted.map((name) => tree.writeSmall(name, bytes(name))))
    expect(await names()).toEqual(wanted)
    for (const name of wanted) expect(await text(name)).toBe(name)
  })

  describe('under the temporary name', () => {
    const part = (): string => partPath(root.at('file'))

    test('what a killed process has left is replaced, with its journal', async () => {
      await writeFile(part(), 'left')
      await writeFile(journalPath(root.at('file')), 'of a large file that it was')
      await tree.writeSmall('file', NEW)
      expect(await names()).toEqual(['file'])
      expect(await text('file')).toBe('new')
    })

    test('what is there stays, where another process has taken the name away meanwhile', async () => {
      let isTaken = false
      const taking = Object.assign([Buffer.from('new')], {
        *[Symbol.iterator]() {
          if (!isTaken) unlinkSync(part())
          isTaken = true
          yield Buffer.from('new')
        },
      })
      const written = await tree.writeSmall('file', taking).then(
        () => 'written',
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      )
      // Calls made at once are made again by threads; those have one try.
      expect(written).toBe(kinds === undefined ? 'written' : 'ERR_FTP_LOCAL_FILE')
      expect(await names()).toEqual(kinds === undefined ? ['file'] : [])
    })

    test('a link that was left is not followed', async () => {
      await writeFile(root.at('kept'), 'kept')
      await symlink('kept', part())
      await tree.writeSmall('file', NEW)
      expect(await names()).toEqual(['file', 'kept'])
      expect(await text('kept')).toBe('kept')
    })

    test('a second name of another file is taken away, and that file left alone', async () => {
      await writeFile(root.at('kept'), 'kept')
      await link(root.at('kept'), part())
      await tree.writeSmall('file', NEW)
      expect([await text('kept'), await text('file')]).toEqual(['kept', 'new'])
    })

    test('a directory is left alone', async () => {
      await mkdir(part())
      await expect(tree.writeSmall('file', NEW)).rejects.toMatchObject(
        localFile(/not an unfinished download/),
      )
      expect(await names()).toEqual(['file.octoftp-part'])
    })

    test('what another process is writing is waited for', async () => {
      await writeFile(part(), 'of another')
      const written = tree.writeSmall('file', NEW)
      // With the lock it has found something, and looks at it.
      while (!(await names()).includes('file.octoftp-lock')) await new Promise(setImmediate)
      await rename(part(), root.at('file'))
      await written
      expect(await names()).toEqual(['file'])
      expect(await text('file')).toBe('new')
    })

    test('what another process goes on writing is left to it', async () => {
      await writeFile(part(), 'of another')
      const refused = expect(tree.writeSmall('file', NEW)).rejects.toMatchObject(localFile(/another program/))
      // Each has another identity, size and time: whichever was seen first, another one is seen next.
      let isOver = false
      const writing = (async () => {
        for (let size = 20; !isOver; size++) {
          await writeFile(part(), 'x'.repeat(size))
          await new Promise(setImmediate)
        }
      })()
      await refused
      isOver = true
      await writing
      await unlink(part())
      expect(await names()).toEqual([])
    })

    test('a large download in this process keeps its file', async () => {
      const lock = await LockFile.take(root.at('file'), new AbortController().signal)
      await writeFile(part(), 'half of a large file')
      await expect(tree.writeSmall('file', NEW)).rejects.toMatchObject(localFile(/another download/))
      await lock.release()
      expect(await text('file.octoftp-part')).toBe('half of a large file')
    })

    test('an abort ends the waiting', async () => {
      await writeFile(part(), 'left')
      const reason = new Error('no more')
      await expectNoLeaks(async () => {
        const controller = new AbortController()
        const written = tree.writeSmall('file', NEW, { signal: controller.signal })
        controller.abort(reason)
        await expect(written).rejects.toBe(reason)
      })
      expect(await names()).toEqual(['file.octoftp-part'])
    })
  })

  test.skipIf(process.platform === 'win32' || isRoot)('a directory without permission is said', async () => {
    await mkdir(root.at('a'), { mode: 0o500 })
    await expect(tree.writeSmall('a/file', NEW)).rejects.toMatchObject(localFile(/there is no permission/))
  })

  test('a failure after the file was begun removes it', async () => {
    await writeFile(root.at('file'), 'older')
    // No system takes such a time.
    await expect(tree.writeSmall('file', NEW, { modifiedMs: Infinity })).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
    })
    expect(await names()).toEqual(['file'])
    expect(await text('file')).toBe('older')
  })

  const SCRIPT = `
  import { readdirSync, readFileSync, statSync } from 'node:fs'
  import { openRoot } from './octoftp/local/local-tree.js'
  const tree = await openRoot(process.env.ROOT, { create: true })
  await tree.writeSmall('file', [Buffer.from('older')])
  const mode = statSync(process.env.ROOT + '/file').mode & 0o777
  const error = await tree.writeSmall('file', [Buffer.alloc(Number(process.env.BYTES))])
    .then(() => undefined, (reason) => reason)
  process.stdout.write(JSON.stringify({
    code: error?.code, cause: error?.cause?.code, path: error?.path, mode,
    size: statSync(process.env.ROOT + '/file').size, names: readdirSync(process.env.ROOT),
  }))
`

  async function runIn(
    size: number,
    wrap: (node: string, script: string) => readonly string[],
  ): Promise<unknown> {
    const env = { ROOT: root.at('disk'), BYTES: String(size) }
    await mkdir(root.at('disk'))
    const { output, errorOutput } = await runScript(root, SCRIPT, { env, wrap })
    expect(errorOutput).toBe('')
    return JSON.parse(output)
  }

  const mounts = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
  const whyNoMount = mounts.status === 0 ? '' : ' (left out: a small file system cannot be mounted here)'

  test.skipIf(whyNoMount !== '')(`a full disk leaves the older file whole${whyNoMount}`, async () => {
    const script = 'mount -t tmpfs -o size=256k tmpfs "$1" && exec "$2" "$3"'
    const outcome = await runIn(1_000_000, (node, program) => [
      ...['unshare', '--mount', 'sh', '-c', script, 'sh', root.at('disk'), node, program],
    ])
    expect(outcome).toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      cause: 'ENOSPC',
      path: root.at('disk', 'file'),
      size: 5,
      names: ['file'],
    })
  })

  test.skipIf(process.platform === 'win32')('the umask decides over the mode', async () => {
    const outcome = await runIn(9, (node, program) => [
      'sh',
      '-c',
      'umask 027 && exec "$1" "$2"',
      'sh',
      node,
      program,
    ])
    expect(outcome).toMatchObject({ mode: 0o640, size: 9, names: ['file'] })
  })
})
