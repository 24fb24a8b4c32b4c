import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { truncateSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { build } from 'tsup'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FtpTransferError } from '../../src/errors.ts'
import { hashFile, type HashProgress } from '../../src/local/hash-file.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../src/protocol/checksum.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

/** More than what is hashed in this thread, and no multiple of a piece. */
const LARGE = randomBytes(3_000_001, 7)

async function folder(): Promise<TemporaryDirectory> {
  const made = await temporaryDirectory()
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = (await folder()).at('a.bin')
  writeFileSync(path, bytes)
  return path
}

function sumsOf(bytes: Uint8Array): Record<ChecksumAlgorithm, string> {
  const hash = (name: string): string => createHash(name).update(bytes).digest('hex')
  const crc = crc32(bytes).toString(16).padStart(8, '0')
  return {
    crc32: crc,
    md5: hash('md5'),
    sha1: hash('sha1'),
    sha256: hash('sha256'),
    sha512: hash('sha512'),
  }
}

describe('the checksums', () => {
  test('that the world knows, of nothing and of a text', async () => {
    expect(await hashFile(await fileOf(Buffer.alloc(0)), CHECKSUM_ALGORITHMS)).toEqual({
      crc32: '00000000',
      md5: 'd41d8cd98f00b204e9800998ecf8427e',
      sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      sha512: expect.stringMatching(/^cf83e1357eef.*f927da3e$/) as string,
    })
    expect(await hashFile(await fileOf(Buffer.from('123456789')), ['crc32', 'sha256'])).toEqual({
      crc32: 'cbf43926',
      sha256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
    })
  })

  test('of a large file, all in one reading', async () => {
    expect(await hashFile(await fileOf(LARGE), CHECKSUM_ALGORITHMS)).toEqual(sumsOf(LARGE))
  })

  test('one, by its name alone; by a URL as well', async () => {
    const path = await fileOf(Buffer.from('octo'))
    const { sha1 } = sumsOf(Buffer.from('octo'))
    expect(await hashFile(path, 'sha1')).toEqual({ sha1 })
    expect(await hashFile(pathToFileURL(path), ['sha1', 'sha1'])).toEqual({ sha1 })
  })

  test('a CRC32 keeps its leading zeros, in either thread', async () => {
    const start = LARGE.subarray(0, LARGE.length - 8)
    const withZeros = (head: Uint8Array): Buffer => {
      for (let at = 0; ; at += 1) {
        const bytes = Buffer.concat([head, Buffer.from(String(at).padStart(8))])
        if (crc32(Buffer.from(String(at).padStart(8)), crc32(head)) < 0x0100_0000) return bytes
      }
    }
    for (const bytes of [withZeros(Buffer.alloc(0)), withZeros(start)]) {
      const { crc32: value } = await hashFile(await fileOf(bytes), 'crc32')
      expect(value).toBe(sumsOf(bytes).crc32)
      expect(value).toMatch(/^00.{6}$/)
    }
  })

  test('of any part of it', async () => {
    const path = await fileOf(LARGE)
    const at = fc.integer({ min: 0, max: LARGE.length })
    const part = fc.tuple(at, at).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    const check = fc.asyncProperty(part, async ([start, end]) => {
      expect(await hashFile(path, 'md5', { start, end })).toEqual({
        md5: sumsOf(LARGE.subarray(start, end)).md5,
      })
    })
    await fc.assert(check, { numRuns: 20, examples: [[[0, 0]], [[0, LARGE.length]], [[5, 262_149]]] })
    expect(await hashFile(path, 'md5', { start: 2_999_999 })).toEqual({
      md5: sumsOf(LARGE.subarray(2_999_999)).md5,
    })
  })
})

describe('what cannot be read', () => {
  test.each([
    ['missing', 'it does not exist'],
    ['folder', 'it is a folder'],
    ['pipe', 'it is not a regular file'],
  ])('%s: %s', async (what, why) => {
    const made = await folder()
    const path = what === 'folder' ? made.path : made.at(what)
    if (what === 'pipe') execFileSync('mkfifo', [path])
    const hashing = hashFile(path, 'md5')
    await expect(hashing).rejects.toBeInstanceOf(FtpTransferError)
    await expect(hashing).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      path,
      message: `Cannot read ${path}: ${why}`,
    })
  })

  test('a file that ends before its part does', async () => {
    const path = await fileOf(Buffer.alloc(100))
    for (const options of [{ end: 101 }, { start: 101 }, { start: 50, end: 2_000_000 }]) {
      await expect(hashFile(path, 'md5', options)).rejects.toMatchObject({
        code: 'ERR_FTP_LOCAL_FILE',
        path,
        actual: 100,
      })
    }
  })

  test('a file that is cut while it is read', async () => {
    const path = await fileOf(Buffer.alloc(0))
    truncateSync(path, 8_000_000_000) // Without blocks: it is there at once, and takes long to read.
    const onProgress = (): void => truncateSync(path, 1_000)
    const hashing = hashFile(path, 'md5', { end: 8_000_000_000, onProgress })
    await expect(hashing).rejects.toMatchObject({
      code: 'ERR_FTP_LOCAL_FILE',
      expected: 8_000_000_000,
    })
  })
})

describe('a bad argument', () => {
  test.each([['sha3'], ['SHA256'], [[]], [['md5', 'sha-1']], [undefined], [''], [[null]]])(
    'algorithms %j',
    async (algorithms) => {
      const hashing = hashFile('/nowhere/to/be/found', algorithms as ChecksumAlgorithm[])
      await expect(hashing).rejects.toThrow(TypeError)
      await expect(hashing).rejects.toThrow(
        /"algorithms" .* one or several of 'sha256', 'sha512', 'sha1', 'md5', 'crc32'$/,
      )
    },
  )

  test.each([
    [{ start: -1 }, RangeError, /"start"/],
    [{ start: 5, end: 4 }, RangeError, /"end"/],
    [{ end: 'last' }, TypeError, /"end"/],
    [{ onProgress: 1 }, TypeError, /"onProgress"/],
    [{ signal: {} }, TypeError, /"signal"/],
  ])('%j', async (options, type, message) => {
    const hashing = hashFile('/nowhere/to/be/found', 'md5', options as object)
    await expect(hashing).rejects.toThrow(type)
    await expect(hashing).rejects.toThrow(message)
  })
})

/** Long enough to be interrupted; it has no blocks on disk. */
async function endless(): Promise<string> {
  const path = await fileOf(Buffer.alloc(0))
  truncateSync(path, 50_000_000_000)
  return path
}

describe('abort', () => {
  test('before: nothing is opened', async () => {
    const reason = new Error('enough')
    await expect(hashFile('/nowhere', 'md5', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('in the middle: the reason, and neither thread nor file nor listener is left', async () => {
    const path = await endless()
    const controller = new AbortController()
    const reason = { any: 'thing' }
    await expectNoLeaks(
      async () => {
        const onProgress = (): void => controller.abort(reason)
        const { signal } = controller
        await expect(hashFile(path, ['md5', 'crc32'], { signal, onProgress })).rejects.toBe(reason)
      },
      { watch: [controller.signal] },
    )
  })

  test('the thread is gone when it rejects', async () => {
    const path = await endless()
    let alive = 0
    const onWorker = (worker: Worker): void => {
      alive += 1
      worker.once('exit', () => (alive -= 1))
    }
    process.on('worker', onWorker)
    onTestFinished(() => void process.off('worker', onWorker))
    const seen: number[] = []
    const onProgress = (): void => {
      seen.push(alive)
      throw new Error('enough')
    }
    await expect(hashFile(path, 'md5', { onProgress })).rejects.toThrow('enough')
    expect([seen[0], alive]).toEqual([1, 0])
  })

  test('none: nothing stays on the signal', async () => {
    const path = await fileOf(LARGE)
    const { signal } = new AbortController()
    await expectNoLeaks(() => hashFile(path, 'md5', { signal }), { watch: [signal] })
  })

  test('a small file, too', async () => {
    const path = await fileOf(Buffer.alloc(100))
    const controller = new AbortController()
    const hashing = hashFile(path, 'md5', { signal: controller.signal })
    controller.abort('now')
    await expect(hashing).rejects.toBe('now')
  })
})

describe('progress', () => {
  test('grows, at most ten times a second, and ends with all of it', async () => {
    const path = await fileOf(Buffer.alloc(0))
    truncateSync(path, 400_000_000)
    const told: HashProgress[] = []
    const since = performance.now()
    await hashFile(path, 'md5', { onProgress: (progress) => told.push(progress) })
    const most = (performance.now() - since) / 100 + 1
    const bytes = told.map((progress) => progress.bytes)
    expect(bytes.length).toBeGreaterThan(1)
    expect(bytes.length).toBeLessThanOrEqual(most)
    expect(bytes).toEqual([...new Set(bytes)].sort((a, b) => a - b))
    expect(told.at(-1)).toEqual({ bytes: 400_000_000, total: 400_000_000 })
    expect(new Set(told.map((progress) => progress.total))).toEqual(new Set([400_000_000]))
  })

  test.each([0, 10])('of %i bytes: once', async (size) => {
    const told: HashProgress[] = []
    const path = await fileOf(Buffer.alloc(size))
    await hashFile(path, 'md5', { onProgress: (progress) => told.push(progress) })
    expect(told).toEqual([{ bytes: size, total: size }])
  })

  test('a listener that throws ends it, with what it threw', async () => {
    const path = await endless()
    const thrown = new Error('from the listener')
    await expectNoLeaks(async () => {
      const onProgress = (): void => {
        throw thrown
      }
      await expect(hashFile(path, 'md5', { onProgress })).rejects.toBe(thrown)
    })
  })
})

test('this thread has next to nothing to do while a large file is hashed', async () => {
  const path = await fileOf(Buffer.alloc(0))
  truncateSync(path, 300_000_000)
  const before = performance.eventLoopUtilization()
  await hashFile(path, 'sha512')
  expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5)
})

describe('in a process of its own, bundled and minified', () => {
  async function run(path: string, ...flags: string[]): Promise<string> {
    const made = await folder()
    const entry = { hash: fileURLToPath(new URL('../../src/local/hash-file.ts', import.meta.url)) }
    const outExtension = (): { js: string } => ({ js: '.mjs' })
    await build({
      entry,
      outExtension,
      outDir: made.path,
      format: 'esm',
      minify: true,
      config: false,
      silent: true,
    })
    const bundle = pathToFileURL(made.at('hash.mjs')).href
    const program = `
      const { hashFile } = await import(${JSON.stringify(bundle)})
      console.log((await hashFile(${JSON.stringify(path)}, 'md5')).md5)`
    const text = [...flags, '--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, text, { timeout: 20_000 })
    return stdout.trim()
  }

  test('whose code is a module given on the command line: it ends by itself', async () => {
    expect(await run(await fileOf(LARGE))).toBe(sumsOf(LARGE).md5)
  })

  test('that may have no threads', async () => {
    const { allowedNodeEnvironmentFlags: known } = process
    const flag = known.has('--permission') ? '--permission' : '--experimental-permission'
    expect(await run(await fileOf(LARGE), flag, '--allow-fs-read=*')).toBe(sumsOf(LARGE).md5)
  })
})
