import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JournalFile } from '../../src/local/journal-file.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const isPosix = process.platform !== 'win32'
const isRoot = process.getuid?.() === 0
/** Where the second slot begins. */
const SLOT_BYTES = 64 * 1024

let directory: TemporaryDirectory
let path: string

beforeEach(async () => {
  directory = await temporaryDirectory()
  path = directory.at('disk.iso.octoftp-journal')
})

afterEach(async () => {
  await directory[Symbol.asyncDispose]()
})

async function written(...payloads: string[]): Promise<JournalFile> {
  const journal = await JournalFile.create(path)
  for (const payload of payloads) await journal.write(Buffer.from(payload))
  return journal
}

async function readText(): Promise<string | undefined> {
  const payload = await JournalFile.read(path)
  return payload === undefined ? undefined : Buffer.from(payload).toString()
}

const localFile = (message: RegExp): unknown =>
  expect.objectContaining({
    code: 'ERR_FTP_LOCAL_FILE',
    path,
    message: expect.stringMatching(message) as unknown,
  })

describe('a journal file', () => {
  test('gives the payload that was written last', async () => {
    const journal = await written('one')
    expect(await readText()).toBe('one')
    await journal.write(Buffer.from('a longer second'))
    expect(await readText()).toBe('a longer second')
    await journal.write(Buffer.from('3'))
    expect(await readText()).toBe('3')
    await journal.close()
    expect(await readText()).toBe('3')
  })

  test('before the first write there is nothing to read', async () => {
    expect(await readText()).toBeUndefined()
    const journal = await written()
    expect(await readText()).toBeUndefined()
    await journal.close()
  })

  test('an empty payload is one too', async () => {
    await (await written('one', '')).close()
    expect(await readText()).toBe('')
  })

  test('takes payloads up to its capacity, and says when one is longer', async () => {
    const journal = await written('one', 'two')
    const longest = Buffer.alloc(JournalFile.CAPACITY, 'x')
    for (let times = 0; times < 2; times += 1) {
      await journal.write(longest)
      expect(await readText()).toBe(longest.toString())
    }
    await expect(journal.write(Buffer.alloc(JournalFile.CAPACITY + 1))).rejects.toThrow(RangeError)
    expect(await readText()).toBe(longest.toString())
    await journal.close()
  })

  test('is continued by another process where the first left off', async () => {
    for (const count of [1, 2, 3]) {
      const payloads = Array.from({ length: count }, (_, index) => `payload ${index}`)
      await (await written(...payloads)).close()
      const journal = await JournalFile.open(path)
      expect(await readText()).toBe(payloads.at(-1))
      await journal.write(Buffer.from('continued'))
      expect(await readText()).toBe('continued')
      await journal.write(Buffer.from('and again'))
      expect(await readText()).toBe('and again')
      await journal.close()
    }
  })

  test('writes that are not awaited come in order, as they were when they were asked for', async () => {
    const journal = await written()
    const payload = Buffer.alloc(1)
    const writes = Array.from({ length: 20 }, (_, count) => {
      payload[0] = count
      return journal.write(payload)
    })
    payload[0] = 0xff
    await journal.close()
    await Promise.all(writes)
    expect(await JournalFile.read(path)).toEqual(Buffer.from([19]))
  })

  test('two writes at once never go to the same slot: the first is there should the second be spoiled', async () => {
    const journal = await written('zero')
    await Promise.all([journal.write(Buffer.from('one')), journal.write(Buffer.from('two'))])
    await journal.close()
    expect(await readText()).toBe('two')
    await truncate(path, SLOT_BYTES)
    expect(await readText()).toBe('one')
  })

  test('is gone after remove(), leaves nothing open, and both ends may be called again', async () => {
    await expectNoLeaks(async () => {
      const removed = await written('one')
      await removed.remove()
      await removed.remove()
      await removed.close()
      expect(await readdir(directory.path)).toEqual([])
      const closed = await written('two')
      await closed.close()
      await closed.close()
      await closed.remove()
      await JournalFile.read(path)
      await unlink(path)
      await JournalFile.read(path)
    })
  })

  test('after it is closed nothing is written', async () => {
    const journal = await written('one')
    await journal.close()
    await expect(journal.write(Buffer.from('two'))).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    expect(await readText()).toBe('one')
  })

  test.runIf(isPosix)('is for its owner only, whatever the umask allows', async () => {
    const umask = process.umask(0)
    try {
      await (await written('one')).close()
      expect((await stat(path)).mode & 0o7777).toBe(0o600)
    } finally {
      process.umask(umask)
    }
  })

  test('remove() leaves a file that another program has put there', async () => {
    const journal = await written('one')
    await writeFile(directory.at('other'), 'other')
    await rename(directory.at('other'), path)
    await journal.remove()
    expect(await readFile(path, 'utf8')).toBe('other')
  })

  test('a folder that is missing: an error', async () => {
    path = directory.at('none', 'journal')
    await expect(JournalFile.create(path)).rejects.toEqual(localFile(/its folder does not exist/))
    expect(await readText()).toBeUndefined()
  })
})

describe('create()', () => {
  test('begins anew where an older one stands, which nobody who has it open can bring back', async () => {
    const older = await written('one', 'two')
    const newer = await written()
    expect(await readText()).toBeUndefined()
    await older.write(Buffer.from('three'))
    await older.remove()
    expect(await readText()).toBeUndefined()
    await newer.write(Buffer.from('new'))
    expect(await readText()).toBe('new')
    await newer.close()
  })

  test('what is ours and no journal is replaced too', async () => {
    await writeFile(path, 'something')
    await (await written('one')).close()
    expect(await readText()).toBe('one')
  })
})

describe('what is planted in its place is not read, not written and not removed', () => {
  /** A journal that would be believed if it stood there itself. */
  async function plantedAt(name: string): Promise<string> {
    await (await written('planted')).close()
    await rename(path, directory.at(name))
    return directory.at(name)
  }

  async function expectRefused(): Promise<void> {
    expect(await readText()).toBeUndefined()
    await expect(JournalFile.open(path)).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE', path })
    await expect(JournalFile.create(path)).rejects.toEqual(localFile(/not a journal of this user/))
  }

  test('a link', async () => {
    const victim = await plantedAt('victim')
    const before = await readFile(victim)
    await symlink('victim', path)
    await expectRefused()
    expect((await lstat(path)).isSymbolicLink()).toBe(true)
    expect(await readFile(victim)).toEqual(before)
  })

  test('a link that leads nowhere', async () => {
    await symlink('nowhere', path)
    await expectRefused()
    expect(await readdir(directory.path)).toEqual(['disk.iso.octoftp-journal'])
  })

  test('another name of a file', async () => {
    const victim = await plantedAt('victim')
    await link(victim, path)
    await expectRefused()
    expect((await stat(victim)).nlink).toBe(2)
  })

  test('a folder', async () => {
    await mkdir(path)
    await expectRefused()
  })

  test.runIf(isPosix)('a pipe, which nobody writes: and nothing waits for it', async () => {
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    await expectRefused()
    expect((await lstat(path)).isFIFO()).toBe(true)
  })

  test.runIf(isRoot)("another user's file", async () => {
    await (await written('planted')).close()
    await chown(path, 12_345, 12_345)
    await expectRefused()
    await chown(path, 0, 0)
    expect(await readText()).toBe('planted')
  })
})

describe('open()', () => {
  test.each(['', 'something', '\0'.repeat(2 * SLOT_BYTES)])(
    'refuses what has nothing to continue',
    async (content) => {
      await writeFile(path, content)
      await expect(JournalFile.open(path)).rejects.toEqual(localFile(/not a journal that can be continued/))
      expect(await readFile(path, 'utf8')).toBe(content)
    },
  )

  test('and what is not there', async () => {
    await expect(JournalFile.open(path)).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    expect(await readdir(directory.path)).toEqual([])
  })
})

describe('damage', () => {
  const payloads = fc.uniqueArray(fc.string({ maxLength: 3_000, size: 'max' }), {
    minLength: 3,
    maxLength: 4,
  })
  /** Syncs are slow: each journal is spoiled in many ways. */
  const WAYS = 20
  const RUNS = { numRuns: 30 }

  /** The file before and after its last write, and where that write went. */
  async function lastWriteOf(
    texts: readonly string[],
  ): Promise<{ before: Buffer; after: Buffer; slot: number }> {
    const journal = await written(...texts.slice(0, -1))
    const before = await readFile(path)
    await journal.write(Buffer.from(texts.at(-1) ?? ''))
    await journal.close()
    return { before, after: await readFile(path), slot: texts.length % 2 === 0 ? 0 : SLOT_BYTES }
  }

  interface Tear {
    /** Which pieces, of `size` bytes and in turn, are those of the new file. */
    readonly isNew: readonly boolean[]
    readonly size: number
  }

  function torn(before: Buffer, after: Buffer, { isNew, size }: Tear): Buffer {
    const result = Buffer.alloc(Math.max(before.length, after.length))
    for (let at = 0; at < result.length; at += size) {
      const from = isNew[(at / size) % isNew.length] === true ? after : before
      result.set(from.subarray(at, at + size), at)
    }
    return result
  }

  test('a write that was cut off anywhere, or of which any sectors are missing: the payload before, or the new one', async () => {
    const tear = fc.record({
      isNew: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      size: fc.constantFrom(7, 64, 512, 4096),
    })
    const tears = fc.array(tear, { minLength: WAYS, maxLength: WAYS })
    const property = fc.asyncProperty(payloads, tears, async (texts, ways) => {
      const { before, after, slot } = await lastWriteOf(texts)
      for (const way of ways) {
        await writeFile(path, torn(before, after, way))
        expect(texts.slice(-2)).toContain(await readText())
      }
      for (const cut of ways.map(({ isNew, size }) => slot + isNew.length * size)) {
        await writeFile(path, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]))
        expect(texts.slice(-2)).toContain(await readText())
      }
    })
    await fc.assert(property, RUNS)
  })

  test('any bytes over the newest payload, or a cut in it: the one before, or the new one', async () => {
    const spoiling = fc.record({ at: fc.nat(3_100), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) })
    const spoilings = fc.array(spoiling, { minLength: WAYS, maxLength: WAYS })
    const property = fc.asyncProperty(payloads, spoilings, async (texts, ways) => {
      const { after, slot } = await lastWriteOf(texts)
      for (const { at, bytes } of ways) {
        const spoiled = Buffer.concat([after, Buffer.alloc(SLOT_BYTES)])
        spoiled.set(bytes, slot + at)
        await writeFile(path, spoiled)
        expect(texts.slice(-2)).toContain(await readText())
        if (slot > 0) await writeFile(path, after.subarray(0, slot + at))
        expect(texts.slice(-2)).toContain(await readText())
      }
    })
    await fc.assert(property, RUNS)
  })

  test('each single byte of the newest slot counts: with one changed it is the payload before', async () => {
    const { after, slot } = await lastWriteOf(['one', 'two', 'three'])
    expect(slot).toBe(SLOT_BYTES)
    for (let at = slot; at < after.length; at += 1) {
      const changed = Buffer.from(after)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      await writeFile(path, changed)
      expect(await readText()).toBe('two')
      await truncate(path, at)
      expect(await readText()).toBe('two')
    }
  })

  test('of both: nothing, and no error', async () => {
    const { after } = await lastWriteOf(['one', 'two'])
    after[30] = (after[30] ?? 0) ^ 1
    after[SLOT_BYTES + 30] = (after[SLOT_BYTES + 30] ?? 0) ^ 1
    await writeFile(path, after)
    expect(await readText()).toBeUndefined()
  })

  test('a slot that stands in the place of the other does not count', async () => {
    const { after } = await lastWriteOf(['one', 'two'])
    const one = after.subarray(SLOT_BYTES)
    await writeFile(path, one)
    expect(await readText()).toBeUndefined()
  })

  test('a journal that lost its newest payload is continued without losing the other', async () => {
    const { after } = await lastWriteOf(['one', 'two', 'three'])
    await writeFile(path, after.subarray(0, after.length - 1))
    const journal = await JournalFile.open(path)
    expect(await readText()).toBe('two')
    await journal.write(Buffer.from('three again'))
    expect(await readText()).toBe('three again')
    await journal.close()
    await truncate(path, SLOT_BYTES)
    expect(await readText()).toBe('two')
  })

  test('whatever stands there is read without an error', async () => {
    const any = fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Buffer.concat([Buffer.from('octojnl1'), bytes]))
    const property = fc.asyncProperty(any, async (bytes) => {
      await writeFile(path, bytes)
      expect(await readText()).toBeUndefined()
    })
    await fc.assert(property)
  })
})

test.runIf(isPosix)('on a full disk the write fails, and the payload before it still counts', async () => {
  // A limit on the length of files stands in for the disk: the kernel says EFBIG instead of ENOSPC.
  const script = `
    import { JournalFile } from ${JSON.stringify(new URL('../../src/local/journal-file.ts', import.meta.url).href)}
    process.on('SIGXFSZ', () => {})
    const journal = await JournalFile.open(process.argv[1])
    for (const text of ['a'.repeat(20_000), 'b'.repeat(20_000)])
      await journal.write(Buffer.from(text)).catch((error) => console.log(error.code))
    await journal.write(Buffer.from('short'))
    await journal.close()
  `
  await (await written('one', 'two')).close()
  const node = [
    process.execPath,
    '--import',
    import.meta.resolve('tsx'),
    '--input-type=module',
    '-e',
    script,
    path,
  ]
  const limited = ['-c', 'ulimit -f "$0"; exec "$@"', String((SLOT_BYTES + 10_240) / 1024), ...node]
  const child = spawnSync('bash', limited, {
    encoding: 'utf8',
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  })
  expect(child.stderr).toBe('')
  expect(child.stdout).toBe('ERR_FTP_LOCAL_FILE\nERR_FTP_LOCAL_FILE\n')
  expect(await readText()).toBe('short')
  await truncate(path, SLOT_BYTES)
  expect(await readText()).toBe('two')
})

test('killed while it writes: the last payload that was written, or the one under way', async () => {
  const script = `
    import { JournalFile } from ${JSON.stringify(new URL('../../src/local/journal-file.ts', import.meta.url).href)}
    const journal = await JournalFile.create(process.argv[1])
    for (let count = 1; ; count += 1) {
      await journal.write(Buffer.from(String(count).repeat(1 + (count * 7919) % 9000)))
      process.stdout.write(count + '\\n')
    }
  `
  for (const killAt of [1, 10, 41]) {
    const options = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, path]
    const child = spawn(process.execPath, options, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TSX_DISABLE_CACHE: '1' },
    })
    const closed = once(child, 'close')
    let last = 0
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line)
      if (last === killAt) child.kill('SIGKILL')
    }
    await closed
    const text = (await readText()) ?? ''
    const possible = [last, last + 1].map((count) => String(count).repeat(1 + ((count * 7919) % 9000)))
    expect(last).toBeGreaterThanOrEqual(killAt)
    expect(possible.includes(text)).toBe(true)
  }
})
