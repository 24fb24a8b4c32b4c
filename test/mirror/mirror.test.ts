/** What a mirror may be told, end to end: on a real server, and on one that lies where real ones do not on demand. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  FtpClient,
  type ClientEvents,
  type FtpClientOptions,
  type MirrorOptions,
  type MirrorResult,
  type Transfer,
  type TransferEvents,
  type TransferProgress,
} from '../../src/index.ts'
import type { RunningServer } from '../servers/types.ts'
import { sharedServer, useServer } from '../servers/vitest.ts'
import type { FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { treeServer } from './support/tree-server.ts'
import { contents, inspect, LONG_AGO, plant, plantLink, type Tree } from './support/trees.ts'

const BRISK: FtpClientOptions['retry'] = { attempts: 2, minDelay: 1, maxDelay: 5, factor: 1, jitter: 0 }

type Side = 'down' | 'up'
const SIDES: readonly Side[] = ['down', 'up']

/** Two trees, one here and one on the server, and a mirror between them. What is beside the roots has to stay. */
class Scene {
  readonly ftp: FtpClient
  readonly remote: string
  readonly local: string
  readonly name: string
  readonly #beside: readonly [string, string]
  readonly #before: readonly object[]

  constructor(server: RunningServer, folder: TemporaryDirectory, ftp: FtpClient) {
    this.ftp = ftp
    this.name = `scene ${numberOfScenes++}/tree`
    this.remote = server.makeDirectory(this.name)
    plant(join(this.remote, '..'), { beside: 'x' })
    this.local = folder.at('tree')
    plant(folder.path, { beside: 'x', tree: null })
    this.#beside = [join(this.remote, '..'), folder.path]
    this.#before = this.#outside()
  }

  source(side: Side): string {
    return side === 'down' ? this.remote : this.local
  }

  target(side: Side): string {
    return side === 'down' ? this.local : this.remote
  }

  mirror(side: Side, options: MirrorOptions = {}): Transfer<MirrorResult> {
    if (side === 'down') return this.ftp.mirrorDown(this.name, this.local, options)
    return this.ftp.mirrorUp(this.local, this.name, options)
  }

  /** Nothing is in use, and nothing has changed that was none of the mirror's business. */
  expectClean(): void {
    expect(this.ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
    expect(this.#outside()).toEqual(this.#before)
    const names = [...Object.keys(inspect(this.local)), ...Object.keys(inspect(this.remote))]
    expect(names.filter((name) => name.includes('octoftp'))).toEqual([])
  }

  #outside(): object[] {
    return this.#beside.map((root) =>
      Object.fromEntries(Object.entries(inspect(root)).filter(([path]) => !path.startsWith('tree'))),
    )
  }
}

let numberOfScenes = 0

function clientOf({ url, user, password }: RunningServer, options: FtpClientOptions = {}): FtpClient {
  const ftp = new FtpClient(url, { user, password, maxConnections: 4, retry: BRISK, ...options })
  onTestFinished(() => ftp.close())
  return ftp
}

/** With the client that all tests of a server share, as ProFTPD takes its time to greet; or one of its own. */
async function scene(server: RunningServer, ftp: FtpClient | FtpClientOptions): Promise<Scene> {
  const folder = await temporaryDirectory()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  return new Scene(server, folder, ftp instanceof FtpClient ? ftp : clientOf(server, ftp))
}

/** What a mirror rejects with. */
async function failure(transfer: Transfer<MirrorResult>): Promise<unknown> {
  return transfer.then(
    (result) => expect.fail(`it ended well: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  )
}

/** Some of it has come. */
function hasBegun(transfer: Transfer<MirrorResult>): Promise<void> {
  return new Promise((resolve) => {
    transfer.on('progress', ({ bytes }) => {
      if (bytes > 100_000) resolve()
    })
  })
}

function told(transfer: Transfer<MirrorResult>): string[] {
  const events: string[] = []
  transfer.on('entry', ({ action, path, outcome }) => void events.push(`${action} ${path} ${outcome}`))
  return events
}

/** What the client sends from now on. */
function commandsOf(client: FtpClient): () => readonly string[] {
  const sent: string[] = []
  const onCommand = ({ command }: ClientEvents['command']): void => void sent.push(command)
  client.on('command', onCommand)
  onTestFinished(() => void client.off('command', onCommand))
  return () => sent
}

function isChecksum(command: string): boolean {
  return /^(?:HASH|XSHA|XMD5|XCRC|MD5|SHA)/.test(command)
}

describe('on ProFTPD', () => {
  const server = sharedServer('proftpd')
  let shared: FtpClient

  beforeAll(() => {
    const { url, user, password } = server()
    shared = new FtpClient(url, { user, password, maxConnections: 4, retry: BRISK })
  })

  afterAll(() => shared.close())

  describe.each(SIDES)('%s', (side) => {
    test('what the source has not is deleted, if asked, and nothing else', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'a', 'b/c': 'c' })
      plant(at.target(side), { a: 'old', extra: 'x', 'b/extra': 'x', 'gone/with/all': 'x', 'gone/too': 'x' })
      const kept = await at.mirror(side)
      expect(kept).toMatchObject({ transferred: 2, deleted: 0, failures: [] })
      expect(Object.keys(inspect(at.target(side)))).toHaveLength(9)
      const transfer = at.mirror(side, { delete: true })
      const events = told(transfer)
      expect(await transfer).toMatchObject({ transferred: 0, equal: 2, deleted: 6, failures: [] })
      expect(events).toContain('delete gone done')
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      at.expectClean()
    })

    test('of an empty source nothing is deleted, unless that is meant', async () => {
      const at = await scene(server(), shared)
      plant(at.target(side), { a: 'a', 'b/c': 'c' })
      const before = inspect(at.target(side))
      expect(await failure(at.mirror(side, { delete: true }))).toMatchObject({
        code: 'ERR_FTP_DELETE_REFUSED',
      })
      expect(inspect(at.target(side))).toEqual(before)
      const meant = await at.mirror(side, { delete: true, allowEmptySource: true })
      expect(meant).toMatchObject({ deleted: 3, failures: [] })
      expect(inspect(at.target(side))).toEqual({})
      at.expectClean()
    })

    test('no more is deleted than is allowed, and then nothing is', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'a' })
      const many = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`extra ${index}`, 'x']))
      plant(at.target(side), { a: 'a', ...many })
      const before = inspect(at.target(side))
      // Half of 13, but 10 at least.
      expect(await failure(at.mirror(side, { delete: true }))).toMatchObject({
        ...{ code: 'ERR_FTP_DELETE_REFUSED', expected: 10, actual: 12 },
      })
      expect(await failure(at.mirror(side, { delete: true, maxDelete: 11 }))).toMatchObject({ actual: 12 })
      expect(inspect(at.target(side))).toEqual(before)
      expect(await at.mirror(side, { delete: true, maxDelete: 12 })).toMatchObject({ deleted: 12 })
      at.expectClean()
    })

    test('what is excluded stays, and the directories that it is in', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'a', 'a.tmp': 'not to be taken', 'cache/x': 'not to be taken' })
      plant(at.target(side), {
        'b.tmp': 'kept',
        'extra/deep/c.tmp': 'kept',
        'extra/gone': 'x',
        'more/gone': 'x',
      })
      const exclude = ['*.tmp', 'cache/']
      const result = await at.mirror(side, { delete: true, exclude })
      expect(result).toMatchObject({ transferred: 1, deleted: 3, failures: [] })
      expect(Object.keys(inspect(at.target(side)))).toEqual([
        ...['a', 'b.tmp', 'extra', 'extra/deep', 'extra/deep/c.tmp'],
      ])
      await at.mirror(side, { delete: true, exclude, deleteExcluded: true })
      expect(Object.keys(inspect(at.target(side)))).toEqual(['a'])
      at.expectClean()
    })

    test('of what is included alone nothing else is deleted', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { 'a.txt': 'a', 'b.bin': 'b', 'c/d.txt': 'd' })
      plant(at.target(side), { 'old.txt': 'x', 'old.bin': 'x' })
      const result = await at.mirror(side, { delete: true, include: ['*.txt'] })
      expect(result).toMatchObject({ transferred: 2, deleted: 1, failures: [] })
      expect(Object.keys(inspect(at.target(side)))).toEqual(['a.txt', 'c', 'c/d.txt', 'old.bin'])
      at.expectClean()
    })

    test('a dry run tells what would be done, and does nothing', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { new: 'n', same: 's', longer: 'long', 'dir/new': 'n', 'type/x': 'x' })
      plant(at.target(side), { same: 's', longer: 'l', 'extra/deep': 'x', type: 'a file' })
      const [source, target] = [inspect(at.source(side)), inspect(at.target(side))]
      const before = statSync(at.target(side)).mtimeMs
      const { plan, ...result } = await at.mirror(side, { delete: true, dryRun: true })
      expect(result).toMatchObject({ transferred: 0, deleted: 0, directoriesMade: 0, bytes: 0, failures: [] })
      expect(inspect(at.source(side))).toEqual(source)
      expect(inspect(at.target(side))).toEqual(target)
      if (side === 'up') expect(statSync(at.target(side)).mtimeMs).toBe(before)
      const planned = plan?.map(({ type, path }) => `${type} ${path}`).sort()
      expect(planned).toEqual(
        [
          ...['transfer new', 'equal same', 'transfer longer', 'make-directory dir', 'transfer dir/new'],
          ...['delete type', 'make-directory type', 'transfer type/x', 'delete extra', 'delete extra/deep'],
        ].sort(),
      )
      at.expectClean()
    })

    test('a dry run to a place that is not there makes nothing', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'a', 'b/c': 'c' })
      const dry = { dryRun: true }
      const result = await (side === 'down'
        ? at.ftp.mirrorDown(at.name, join(at.local, 'not/there'), dry)
        : at.ftp.mirrorUp(at.local, `${at.name}/not/there`, dry))
      expect(result.plan?.map(({ type, path }) => `${type} ${path}`).sort()).toEqual([
        ...['make-directory b', 'transfer a', 'transfer b/c'],
      ])
      expect(inspect(at.target(side))).toEqual({})
      at.expectClean()
    })

    test('what is there is replaced, kept or refused', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'new one', b: 'b' })
      plant(at.target(side), { a: 'old' })
      expect(await at.mirror(side, { overwrite: 'skip' })).toMatchObject({
        transferred: 1,
        skipped: 1,
        failures: [],
      })
      const code = side === 'down' ? 'ERR_FTP_LOCAL_FILE' : 'ERR_FTP_EXISTS'
      expect(await at.mirror(side, { overwrite: 'error' })).toMatchObject({
        ...{ equal: 1, failures: [{ path: 'a', error: { code } }] },
      })
      expect(readFileSync(join(at.target(side), 'a'), 'utf8')).toBe('old')
      expect(await at.mirror(side)).toMatchObject({ transferred: 1, equal: 1 })
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      at.expectClean()
    })

    test.each(['skip', 'error'] as const)(
      'with overwrite %s large files come, and under their names when they are whole',
      async (overwrite) => {
        const at = await scene(server(), shared)
        plant(at.source(side), { small: 'small', large: randomBytes(3_000_000, 'large') })
        const renamed = commandsOf(shared)
        expect(await at.mirror(side, { overwrite })).toMatchObject({ transferred: 2, failures: [] })
        if (side === 'up') expect(renamed().filter((sent) => sent.startsWith('RNTO'))).toHaveLength(2)
        expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
        at.expectClean()
      },
    )

    test('with verify.checksum the server is asked for that of every file', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), {
        small: 'small',
        'deep/small too': 'too',
        large: randomBytes(3_000_000, 'large'),
      })
      const sent = commandsOf(shared)
      await at.mirror(side)
      expect(sent().filter(isChecksum)).toEqual([])
      plant(at.source(side), {
        small: 'changed',
        'deep/small too': 'changed, too',
        large: randomBytes(3_000_001, 'large'),
      })
      expect(await at.mirror(side, { verify: { checksum: 'auto' } })).toMatchObject({
        transferred: 3,
        failures: [],
      })
      const paths = new Set(
        sent()
          .filter(isChecksum)
          .map((command) => command.replace(/.*\//, '')),
      )
      expect(paths).toEqual(new Set(['small', 'small too', 'large']))
      at.expectClean()
    })

    test('files that are not newer are neither brought over nor deleted', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { old: 'o' })
      plant(at.source(side), { new: 'n' }, new Date('2024-01-01T00:00:00Z'))
      plant(at.target(side), { old: 'other' })
      const newerThan = new Date('2022-01-01T00:00:00Z')
      expect(await at.mirror(side, { newerThan, delete: true })).toMatchObject({
        ...{ transferred: 1, skipped: 1, deleted: 0, failures: [] },
      })
      expect(readFileSync(join(at.target(side), 'old'), 'utf8')).toBe('other')
      at.expectClean()
    })

    test('by checksums what looks the same and is not is found, and what looks different and is not', async () => {
      const at = await scene(server(), shared)
      const large = randomBytes(1_500_000, 'large')
      plant(at.source(side), { looks: 'abc', is: 'abc', large })
      plant(at.target(side), { looks: 'abd' })
      plant(at.target(side), { is: 'abc', large }, new Date('2024-01-01T00:00:00Z'))
      expect(await at.mirror(side, { compare: 'checksum' })).toMatchObject({
        ...{ transferred: 1, equal: 2, failures: [] },
      })
      expect(contents(at.target(side))).toEqual(contents(at.source(side)))
      expect(await at.mirror(side, { compare: 'size' })).toMatchObject({ transferred: 0, equal: 3 })
      expect(await at.mirror(side, { compare: 'always' })).toMatchObject({ transferred: 3, equal: 0 })
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      at.expectClean()
    })

    test('it goes no deeper than it may, and deletes nothing there', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'a', 'b/c': 'c', 'b/d/e': 'e' })
      plant(at.target(side), { 'extra/x': 'x', 'b/extra/x': 'x', 'b/old': 'x' })
      const result = await at.mirror(side, { maxDepth: 1, delete: true })
      expect(result).toMatchObject({ transferred: 2, failures: [] })
      expect(Object.keys(inspect(at.target(side)))).toEqual(['a', 'b', 'b/c', 'b/extra', 'b/extra/x'])
      at.expectClean()
    })

    test('what is of another type gives way to the other with "delete" alone', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { 'dir/file': 'x', file: 'a file', 'deep/file': 'a file' })
      plant(at.target(side), { dir: 'a file', 'file/in/it': 'x', 'deep/file/in': 'x' })
      const before = contents(at.target(side))
      const code = side === 'down' ? 'ERR_FTP_LOCAL_FILE' : 'ERR_FTP_EXISTS'
      const { failures } = await at.mirror(side)
      expect(failures.map(({ path }) => path).sort()).toEqual(['deep/file', 'dir', 'file'])
      for (const { error } of failures) expect(error).toMatchObject({ code })
      expect(contents(at.target(side))).toEqual(before)
      expect(await at.mirror(side, { delete: true })).toMatchObject({ transferred: 3, failures: [] })
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      at.expectClean()
    })

    test('where something excluded stays in the way, that is told', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { file: 'a file', other: 'o' })
      plant(at.target(side), { 'file/kept.tmp': 'x', 'file/gone': 'x' })
      const { failures, transferred } = await at.mirror(side, { delete: true, exclude: ['*.tmp'] })
      expect(transferred).toBe(1)
      expect(failures).toMatchObject([{ path: 'file' }])
      expect(Object.keys(inspect(at.target(side)))).toEqual(['file', 'file/kept.tmp', 'other'])
      at.expectClean()
    })

    test('a file that may not be written is told, and the rest is done; or the end of it', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { 'closed/a': 'a', 'open/b': 'b', c: 'c' })
      // As root everything may be written here: what cannot is a directory in the place of the file.
      plant(at.target(side), { 'closed/a/b': 'x' })
      const result = await at.mirror(side)
      expect(result).toMatchObject({ transferred: 2, failures: [{ path: 'closed/a' }] })
      plant(at.source(side), { 'open/b': 'changed', c: 'changed' })
      const stopped = await failure(at.mirror(side, { onError: 'stop' }))
      expect(stopped).toMatchObject({ code: side === 'down' ? 'ERR_FTP_LOCAL_FILE' : 'ERR_FTP_EXISTS' })
      at.expectClean()
    })

    test('stopped by a failure, it goes on with nothing', async () => {
      const at = await scene(server(), shared)
      const tree: Record<string, Buffer | string> = { blocked: 'x' }
      for (let index = 0; index < 12; index++) tree[`large ${index}`] = randomBytes(1_500_000, index)
      plant(at.source(side), tree)
      plant(at.target(side), { 'blocked/in': 'x' })
      const code = side === 'down' ? 'ERR_FTP_LOCAL_FILE' : 'ERR_FTP_EXISTS'
      expect(await failure(at.mirror(side, { onError: 'stop', bytesPerSecond: 9_000_000 }))).toMatchObject({
        code,
      })
      expect(at.ftp.stats()).toMatchObject({ leased: 0, opening: 0, waiting: 0 })
      const before = contents(at.target(side))
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(contents(at.target(side))).toEqual(before)
      expect(Object.keys(before).length).toBeLessThan(8)
    })

    test('one connection is enough for everything', async () => {
      const at = await scene(server(), { maxConnections: 1 })
      const tree: Record<string, string | Buffer> = {
        large: randomBytes(2_500_000, 1),
        larger: randomBytes(9_000_000, 2),
      }
      for (let index = 0; index < 50; index++)
        tree[`d${index % 7}/f${index}`] = randomBytes(index * 331, index)
      plant(at.source(side), tree)
      plant(at.target(side), { 'extra/x': 'x', 'd0/f0': 'other' })
      expect(await at.mirror(side, { delete: true })).toMatchObject({
        transferred: 52,
        deleted: 2,
        failures: [],
      })
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      expect(at.ftp.stats()).toMatchObject({ open: 1, idle: 1 })
      at.expectClean()
    })

    test('no more connections than it may have', async () => {
      const at = await scene(server(), { maxConnections: 8 })
      const tree: Record<string, Buffer> = { large: randomBytes(6_000_000, 1) }
      for (let index = 0; index < 200; index++) tree[`d${index % 20}/f${index}`] = randomBytes(1_000, index)
      plant(at.source(side), tree)
      const result = await at.mirror(side, { connections: 3 })
      expect(result).toMatchObject({ transferred: 201, failures: [] })
      expect(result.connections).toBeLessThanOrEqual(3)
      expect(at.ftp.stats().open).toBeLessThanOrEqual(3)
      at.expectClean()
    })

    test('progress counts files and bytes, and never more than there are', async () => {
      const at = await scene(server(), shared)
      const tree: Record<string, Buffer> = { large: randomBytes(3_000_000, 1) }
      for (let index = 0; index < 100; index++) tree[`d${index % 5}/f${index}`] = randomBytes(10_000, index)
      plant(at.source(side), tree)
      plant(at.target(side), { 'd0/f0': tree['d0/f0'] ?? '' })
      const transfer = at.mirror(side, { connections: 2 })
      const events = told(transfer)
      const seen: TransferProgress[] = []
      const states: TransferEvents['state'][] = []
      transfer.on('progress', (progress) => void seen.push(progress))
      transfer.on('state', (state) => void states.push(state))
      const result = await transfer
      expect(result).toMatchObject({ transferred: 100, equal: 1, bytes: 3_990_000, failures: [] })
      let least = 0
      for (const { bytes, files, total = Infinity } of seen) {
        expect(bytes).toBeGreaterThanOrEqual(least)
        expect(bytes).toBeLessThanOrEqual(total)
        least = bytes
        if (files !== undefined) expect(files.done + files.failed).toBeLessThanOrEqual(files.found)
      }
      expect(seen.at(-1)).toMatchObject({
        ...{ bytes: 3_990_000, total: 3_990_000, fraction: 1, activeConnections: 0 },
        files: { done: 101, failed: 0, found: 101 },
      })
      expect(states.map(({ state }) => state)).toEqual(['connecting', 'transferring', 'complete'])
      const transferred = events.filter((event) => event.startsWith('transfer'))
      expect(transferred).toHaveLength(100)
      expect(new Set(events)).toHaveLength(events.length)
      expect(events).toContain('equal d0/f0 done')
      expect(events).toContain('make-directory d1 done')
      at.expectClean()
    })

    test('it is paused, with all connections given back, and goes on', async () => {
      const at = await scene(server(), shared)
      const tree: Record<string, Buffer> = { large: randomBytes(12_000_000, 1) }
      for (let index = 0; index < 300; index++) tree[`d${index % 30}/f${index}`] = randomBytes(3_000, index)
      plant(at.source(side), tree)
      const transfer = at.mirror(side, { bytesPerSecond: 4_000_000 })
      await hasBegun(transfer)
      await transfer.pause()
      expect(transfer.state).toBe('paused')
      expect(at.ftp.stats()).toMatchObject({ leased: 0 })
      const { bytes } = transfer.progress
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(transfer.progress.bytes).toBe(bytes)
      expect(bytes).toBeLessThan(12_900_000)
      transfer.resume()
      transfer.setLimit(Infinity)
      expect(await transfer).toMatchObject({ transferred: 301, failures: [] })
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      at.expectClean()
    })

    test('cancelled, it gives its connections back and leaves no half files; the next one goes on', async () => {
      const at = await scene(server(), shared)
      const tree: Record<string, Buffer> = { large: randomBytes(12_000_000, 1) }
      for (let index = 0; index < 300; index++) tree[`d${index % 30}/f${index}`] = randomBytes(3_000, index)
      plant(at.source(side), tree)
      for (const reason of [new Error('enough'), 'no error']) {
        for (const isPaused of [false, true]) {
          const transfer = at.mirror(side, { bytesPerSecond: 3_000_000 })
          const result = failure(transfer)
          await hasBegun(transfer)
          if (isPaused) await transfer.pause()
          transfer.cancel(reason)
          expect(await result).toBe(reason)
          expect(transfer.state).toBe('cancelled')
          expect(at.ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
        }
      }
      const source = inspect(at.source(side))
      for (const [path, { type, content }] of Object.entries(inspect(at.target(side)))) {
        if (type !== 'file' || /octoftp|large/.test(path)) continue
        const whole = source[path]?.content ?? ''
        // What is sent to a server has its name at once; its size tells that it is not whole.
        if (side === 'up' && Number.parseInt(content) < Number.parseInt(whole)) continue
        expect(content, path).toBe(whole)
      }
      expect(await at.mirror(side)).toMatchObject({ failures: [] })
      expect(inspect(at.target(side))).toEqual(source)
      at.expectClean()
    })

    test('hundreds of files come whole, whatever the order', async () => {
      const at = await scene(server(), shared)
      const tree: Record<string, Buffer> = {}
      for (let index = 0; index < 700; index++) {
        tree[`d${index % 13}/e${index % 3}/f${index}`] = randomBytes((index * 7_919) % 40_000, index)
      }
      plant(at.source(side), tree)
      await expectNoLeaks(async () => {
        const { url, user, password } = server()
        await using ftp = new FtpClient(url, { user, password, maxConnections: 8 })
        const transfer = side === 'down' ? ftp.mirrorDown(at.name, at.local) : ftp.mirrorUp(at.local, at.name)
        expect(await transfer).toMatchObject({ transferred: 700, failures: [] })
      })
      expect(inspect(at.target(side))).toEqual(inspect(at.source(side)))
      at.expectClean()
    })

    test('links are left alone', async () => {
      const at = await scene(server(), shared)
      plant(at.source(side), { a: 'a' })
      plantLink(at.source(side), 'link', 'a')
      plant(at.target(side), { b: 'b' })
      expect(await at.mirror(side)).toMatchObject({ transferred: 1, failures: [] })
      expect(Object.keys(inspect(at.target(side)))).toEqual(['a', 'b'])
      at.expectClean()
    })

    test('a source that is not there is an error, and nothing is deleted', async () => {
      const at = await scene(server(), shared)
      plant(at.target(side), { a: 'a' })
      const options = { delete: true, allowEmptySource: true }
      const transfer =
        side === 'down'
          ? at.ftp.mirrorDown(`${at.name}/missing`, at.local, options)
          : at.ftp.mirrorUp(join(at.local, 'missing'), at.name, options)
      expect(await failure(transfer)).toBeInstanceOf(Error)
      expect(Object.keys(inspect(at.target(side)))).toEqual(['a'])
      at.expectClean()
    })
  })

  test('a link that stands here is never written through, nor what it leads to', async () => {
    const at = await scene(server(), shared)
    const outside = join(at.local, '..', 'beside')
    plant(at.remote, { file: 'from the server', 'dir/file': 'x', large: randomBytes(3_000_000, 1) })
    symlinkSync(outside, join(at.local, 'file'))
    symlinkSync(outside, join(at.local, 'large'))
    mkdirSync(join(at.local, '..', 'beside them'))
    symlinkSync(join(at.local, '..', 'beside them'), join(at.local, 'dir'))
    const { failures } = await at.ftp.mirrorDown(at.name, at.local)
    expect(failures.map(({ path }) => path)).toEqual(['dir'])
    expect(contents(join(at.local, '..', 'beside them'))).toEqual({})
    expect(readFileSync(outside, 'utf8')).toBe('x')
    expect(readFileSync(join(at.local, 'file'), 'utf8')).toBe('from the server')
    const { deleted } = await at.ftp.mirrorDown(at.name, at.local, { delete: true })
    expect(deleted).toBe(1)
    expect(inspect(at.local)).toEqual(inspect(at.remote))
    expect(existsSync(join(at.local, '..', 'beside them'))).toBe(true)
  })

  test('a directory of the server that may not be read is told, the rest is done, and nothing is deleted', async () => {
    const at = await scene(server(), shared)
    plant(at.remote, { 'closed/a': 'a', 'open/b': 'b' })
    plant(at.local, { extra: 'x', 'closed/old': 'x' })
    chmodSync(join(at.remote, 'closed'), 0o311)
    onTestFinished(() => chmodSync(join(at.remote, 'closed'), 0o755))
    const result = await at.ftp.mirrorDown(at.name, at.local)
    expect(result).toMatchObject({ transferred: 1, failures: [{ path: 'closed', action: 'list' }] })
    const error = await failure(at.ftp.mirrorDown(at.name, at.local, { delete: true }))
    expect(error).toMatchObject({ code: 'ERR_FTP_DELETE_REFUSED' })
    expect(Object.keys(inspect(at.local))).toEqual(['closed', 'closed/old', 'extra', 'open', 'open/b'])
    at.expectClean()
  })

  test('a file that changes here while it is sent is right in the end, or told', async () => {
    const at = await scene(server(), shared)
    plant(at.local, { growing: 'a', other: 'b' })
    const path = join(at.local, 'growing')
    const timer = setInterval(
      () => writeFileSync(path, randomBytes(1_000 + (Date.now() % 5_000), Date.now())),
      1,
    )
    onTestFinished(() => clearInterval(timer))
    const { failures } = await at.ftp.mirrorUp(at.local, at.name)
    clearInterval(timer)
    for (const failed of failures) expect(failed.path).toBe('growing')
    expect(await at.ftp.mirrorUp(at.local, at.name)).toMatchObject({ failures: [] })
    expect(contents(at.remote)).toEqual(contents(at.local))
    at.expectClean()
  })
})

describe('where the server lies', () => {
  async function against(
    server: FakeFtpServer,
    use: (ftp: FtpClient, folder: TemporaryDirectory) => Promise<void>,
  ): Promise<void> {
    await using folder = await temporaryDirectory()
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, {
      ...{ retry: BRISK, maxConnections: 3, timeouts: { reply: 2_000, completion: 2_000, data: 2_000 } },
    })
    await use(ftp, folder)
    expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
  }

  const FILES = { '/tree/a': Buffer.from('a'), '/tree/b/c': Buffer.from('c'), '/tree/b/d': Buffer.from('d') }

  test('names that would lead elsewhere are refused one by one, and the rest is done', async () => {
    const bad = ['../up', '..', 'a/../../x', '/etc/passwd', 'sub/../..', 'x\0y', '']
    await using server = await treeServer({
      files: FILES,
      listed: (path, lines) =>
        path === '/tree'
          ? [...lines, ...bad.map((name, at) => `type=${at % 2 === 0 ? 'file;size=1' : 'dir'}; ${name}`)]
          : lines,
    })
    await against(server, async (ftp, folder) => {
      plant(folder.path, { beside: 'x', 'here/old': 'x' })
      const { failures, transferred } = await ftp.mirrorDown('/tree', folder.at('here'))
      expect(transferred).toBe(3)
      expect(failures.length).toBeGreaterThanOrEqual(4)
      for (const { error } of failures) expect(error).toMatchObject({ code: 'ERR_FTP_UNSAFE_PATH' })
      expect(Object.keys(inspect(folder.path))).toEqual([
        ...['beside', 'here', 'here/a', 'here/b', 'here/b/c', 'here/b/d', 'here/old'],
      ])
      for (const line of server.commands.flat()) expect(line).not.toMatch(/\.\.|passwd/)
    })
  })

  test.each([
    ['is cut, by its last reply', '426 Connection closed'],
    ['fails at the end', '451 Error while reading'],
  ])('a listing that %s deletes nothing', async (_, reply) => {
    await using server = await treeServer({
      files: FILES,
      listed: (path, lines) => (path === '/tree/b' ? lines.slice(0, 2) : lines),
      listingEnds: (path) => (path === '/tree/b' ? reply : '226 done'),
    })
    await against(server, async (ftp, folder) => {
      plant(folder.at('here'), { 'b/d': 'd', 'b/c': 'c', extra: 'x' })
      const before = Object.keys(inspect(folder.at('here')))
      const error = await failure(ftp.mirrorDown('/tree', folder.at('here'), { delete: true }))
      expect(error).toMatchObject({ code: 'ERR_FTP_DELETE_REFUSED' })
      expect(Object.keys(inspect(folder.at('here')))).toEqual(['a', ...before])
    })
  })

  test('a listing that is empty, without even the directory itself, deletes nothing when it fails the second time', async () => {
    await using server = await treeServer({
      files: FILES,
      listed: (path, lines) => (path === '/tree/b' ? [] : lines),
      listingEnds: (path) => (path === '/tree/b' ? '550 No such directory' : '226 done'),
    })
    await against(server, async (ftp, folder) => {
      plant(folder.at('here'), { 'b/d': 'd', extra: 'x' })
      const error = await failure(ftp.mirrorDown('/tree', folder.at('here'), { delete: true }))
      expect(error).toMatchObject({ code: 'ERR_FTP_DELETE_REFUSED' })
      expect(Object.keys(inspect(folder.at('here')))).toEqual(['a', 'b', 'b/d', 'extra'])
    })
  })

  test('a file that is longer or shorter than the listing told is brought over as it is', async () => {
    await using server = await treeServer({
      files: FILES,
      listed: (path, lines) =>
        path === '/tree/b' ? lines.map((line) => line.replace(/size=1;(.*) c/, 'size=5;$1 c')) : lines,
    })
    await against(server, async (ftp, folder) => {
      server.files.set('/tree/b/d', Buffer.from('d has grown'))
      const result = await ftp.mirrorDown('/tree', folder.at('here'))
      expect(result).toMatchObject({ transferred: 3, failures: [] })
      expect(readFileSync(folder.at('here/b/c'), 'utf8')).toBe('c')
      expect(readFileSync(folder.at('here/b/d'), 'utf8')).toBe('d has grown')
    })
  })

  test('what cannot be deleted is told, or ends the mirror', async () => {
    await using server = await treeServer({
      files: FILES,
      listed: (path, lines) => (path === '/tree' ? [...lines, 'type=file;size=3; stuck'] : lines),
    })
    await against(server, async (ftp, folder) => {
      plant(folder.at('here'), { a: 'a', 'b/c': 'c' })
      const options = { delete: true, compare: 'size' } as const
      const told = await ftp.mirrorUp(folder.at('here'), '/tree', options)
      expect(told.failures).toMatchObject([
        { path: 'stuck', action: 'delete', error: { command: 'DELE /tree/stuck' } },
      ])
      const stopped = await failure(ftp.mirrorUp(folder.at('here'), '/tree', { ...options, onError: 'stop' }))
      expect(stopped).toMatchObject({ command: 'DELE /tree/stuck' })
      expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
    })
  })

  test('a file that is gone when its turn comes is told, and the rest is done', async () => {
    await using server = await treeServer({
      files: FILES,
      listed: (path, lines) => (path === '/tree' ? [...lines, 'type=file;size=3; gone'] : lines),
    })
    await against(server, async (ftp, folder) => {
      const result = await ftp.mirrorDown('/tree', folder.at('here'))
      expect(result).toMatchObject({
        ...{ transferred: 3, failures: [{ path: 'gone', error: { code: 'ERR_FTP_NOT_FOUND' } }] },
      })
      const stopped = await failure(ftp.mirrorDown('/tree', folder.at('there'), { onError: 'stop' }))
      expect(stopped).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    })
  })

  test('a file that is full of the same bytes as its neighbours is not taken for one', async () => {
    const files: Record<string, Buffer> = {}
    for (let index = 0; index < 60; index++) files[`/tree/${index}`] = Buffer.alloc(100, `${index} `)
    await using server = await treeServer({ files })
    await against(server, async (ftp, folder) => {
      await ftp.mirrorDown('/tree', folder.at('here'))
      for (const [path, bytes] of Object.entries(files)) {
        expect(readFileSync(folder.at('here', path.slice(6))).equals(bytes), path).toBe(true)
      }
    })
  })

  /** Directories on both sides, with a file in each that is only here. */
  function plantDirectories(
    server: FakeFtpServer,
    folder: TemporaryDirectory,
    nameOf = (index: number): string => String(index),
  ): Record<string, Buffer> {
    const expected: Record<string, Buffer> = {}
    for (let index = 0; index < 30; index++) {
      const name = nameOf(index)
      server.files.set(`/tree/${name}/there`, Buffer.from('there'))
      plant(folder.path, { [`here/${name}/there`]: 'there', [`here/${name}/new`]: `new ${index}` })
      expected[`/tree/${name}/there`] = Buffer.from('there')
      expected[`/tree/${name}/new`] = Buffer.from(`new ${index}`)
    }
    return expected
  }

  test('directories of which nothing is listed, not even themselves, cost no connection', async () => {
    await using server = await treeServer({ listed: (path, lines) => (path === '/tree' ? lines : []) })
    await against(server, async (ftp, folder) => {
      const expected = plantDirectories(server, folder)
      expect(await ftp.mirrorUp(folder.at('here'), '/tree')).toMatchObject({ transferred: 60, failures: [] })
      expect(Object.fromEntries(server.files)).toEqual(expected)
      expect(server.logins.length).toBeLessThanOrEqual(3)
    })
  })

  test('where connections are lost behind files that have been sent, these are seen to all the same', async () => {
    let listings = 0
    const cut = new Set<string>()
    await using server = await treeServer({
      around: async (verb, session, proceed, path) => {
        // Each directory once: chance must not spend all tries of one.
        if (verb !== 'MLSD' || listings++ % 4 !== 3 || cut.has(path)) return proceed()
        cut.add(path)
        return session.die('rst')
      },
    })
    await against(server, async (ftp, folder) => {
      // Deep, so that files are sent while there is still something to be listed.
      const expected = plantDirectories(server, folder, (index) => 'd/'.repeat(index / 3) + String(index % 3))
      const sizeOnly = { compare: 'size' } as const
      expect(await ftp.mirrorUp(folder.at('here'), '/tree', sizeOnly)).toMatchObject({
        ...{ transferred: 30, equal: 30, failures: [] },
      })
      expect(Object.fromEntries(server.files)).toEqual(expected)
      expect(cut.size).toBeGreaterThan(5)
    })
  })

  test('files here that cannot be read are told, and cost no connection', async () => {
    await using server = await treeServer({ files: FILES })
    await against(server, async (ftp, folder) => {
      plant(folder.at('here'), { new: 'a', newer: 'b' })
      const gone = Array.from({ length: 30 }, (_, index) => `gone ${index}`)
      plant(folder.at('here'), Object.fromEntries(gone.map((name) => [name, 'x'])))
      const transfer = ftp.mirrorUp(folder.at('here'), '/tree', {
        // Asked when the file has been listed, before it is sent.
        exclude: [
          (path) => {
            if (path.startsWith('gone')) rmSync(folder.at('here', path), { force: true })
            return false
          },
        ],
      })
      const { failures, transferred } = await transfer
      expect(transferred).toBe(2)
      expect(failures.map(({ path }) => path).sort()).toEqual(gone.sort())
      expect(server.logins.length).toBeLessThanOrEqual(3)
    })
  })

  test('a server that lets in one connection is enough', async () => {
    const server = await useServer('vsftpd', { maxConnections: 1 })
    const tree: Tree = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`tree/d${index % 4}/${index}`, randomBytes(2_000, index)]),
    )
    plant(server.root, { ...tree, 'tree/large': randomBytes(5_000_000, 1) })
    await using folder = await temporaryDirectory()
    const ftp = clientOf(server, { maxConnections: 8 })
    expect(await ftp.mirrorDown('tree', folder.at('here'))).toMatchObject({ transferred: 41, failures: [] })
    expect(inspect(folder.at('here'))).toEqual(inspect(join(server.root, 'tree')))
    expect(LONG_AGO.getTime() / 1_000).toBe(inspect(folder.at('here'))['large']?.modified)
  })
})
