/**
 * One download from a server that misbehaves, with everything that has to hold whatever comes of it: the right
 * bytes or an error with the older file as it was, no part file, no connection in use, no leak, no password in
 * anything that was told, and a progress that does not lie.
 */
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import {
  FtpClient,
  type DownloadOptions,
  type DownloadResult,
  type FtpClientOptions,
  type PoolStats,
  type Transfer,
  type TransferEvents,
  type TransferProgress,
} from '../../../src/index.ts'
import { certificate } from '../../support/certificates.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../../support/fake-ftp-server.ts'
import { firstDifference } from '../../support/first-difference.ts'
import { expectNoLeaks } from '../../support/leaks.ts'
import { bufferFile, type VirtualFile } from '../../support/pattern-file.ts'
import { randomBytes } from '../../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { findSecret } from './secrets.ts'

export const USER = 'octo'
export const PASSWORD = 'swordfish/7%?#'
export const REMOTE = '/pub/file.bin'
/** Not a multiple of anything, and several reads long. */
export const SIZE = 600_011
export const CONTENT = randomBytes(SIZE, 'hazards')
const OLDER = randomBytes(1_234, 'older')
const OLDER_TIME = new Date('2020-02-20T20:20:20Z')

/** Three attempts with no time between: what is retried for ever would be an endless test. */
export const BRISK: FtpClientOptions['retry'] = {
  attempts: 3,
  minDelay: 1,
  maxDelay: 5,
  factor: 1,
  jitter: 0,
}
const EVENTS = ['state', 'progress', 'segment', 'connection', 'restart', 'retry', 'verify'] as const

export type RecordedEvent = {
  [Name in keyof TransferEvents]: { readonly name: Name; readonly event: TransferEvents[Name] }
}[keyof TransferEvents]

export interface Scene {
  readonly server: FakeFtpServer
  readonly client: FtpClient
  readonly folder: TemporaryDirectory
  readonly target: string
}

export interface AttemptOptions {
  /** What the server has at {@link REMOTE}; `undefined` for {@link CONTENT}. */
  readonly content?: Buffer | VirtualFile | undefined
  readonly server?: FakeFtpOptions
  readonly client?: FtpClientOptions
  readonly download?: DownloadOptions
  readonly remote?: string
  /** Whether a file stands at the target before. Default true. */
  readonly older?: boolean
  /** Called as soon as the transfer is there. */
  readonly during?: (transfer: Transfer<DownloadResult>, scene: Scene) => void
  /** Called when it is over, before the client is closed. */
  readonly after?: (scene: Scene) => void | Promise<void>
}

export interface Attempt {
  readonly result: DownloadResult | undefined
  readonly error: unknown
  readonly events: readonly RecordedEvent[]
  readonly server: FakeFtpServer
  /** Of the pool, when the transfer was over. */
  readonly stats: PoolStats
}

/** Fails if anything does not hold that always has to. What became of it is in what it gives. */
export function attempt(options: AttemptOptions = {}): Promise<Attempt> {
  return expectNoLeaks(() => play(options))
}

/** {@link attempt} that has to end well. */
export async function succeed(
  options: AttemptOptions,
): Promise<Attempt & { readonly result: DownloadResult }> {
  const outcome = await attempt(options)
  if (outcome.result === undefined) throw outcome.error
  return { ...outcome, result: outcome.result }
}

/** {@link attempt} that has to end in an error, which it gives with the rest. */
export async function fail(options: AttemptOptions): Promise<Attempt> {
  const outcome = await attempt(options)
  expect(outcome.result, 'it was expected to fail').toBeUndefined()
  return outcome
}

/** The events of one kind. */
export function eventsOf<Name extends keyof TransferEvents>(
  attempt: Attempt,
  name: Name,
): TransferEvents[Name][] {
  return attempt.events.filter((one) => one.name === name).map((one) => one.event as TransferEvents[Name])
}

/** How often a command, or one that begins so, was sent on all control connections. */
export function sent(server: FakeFtpServer, command: string): number {
  return server.commands.flat().filter((line) => line === command || line.startsWith(`${command} `)).length
}

/** Server options under which a client finds `content` at {@link REMOTE}. */
export function serving(content: Buffer | VirtualFile, options: FakeFtpOptions = {}): FakeFtpOptions {
  return { security: 'none', files: { [REMOTE]: content }, users: { [USER]: PASSWORD }, ...options }
}

/** Client options that fit {@link serving}. */
export async function clientOptions(
  server: FakeFtpServer,
  more: FtpClientOptions = {},
): Promise<FtpClientOptions> {
  const { security, host, port } = server
  const tls = security === 'none' ? {} : { tls: { ca: (await certificate()).ca } }
  return { host, port, user: USER, password: PASSWORD, security, retry: BRISK, ...tls, ...more }
}

async function play(options: AttemptOptions): Promise<Attempt> {
  const content = options.content ?? CONTENT
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(content, options.server))
  const client = new FtpClient(await clientOptions(server, options.client))
  const scene: Scene = { server, client, folder, target: folder.at('files', 'file.bin') }
  try {
    await placeOlder(scene, options.older ?? true)
    const before = await facts(scene.target)
    const outcome = await run(scene, options)
    await expectTarget(scene, outcome, Buffer.isBuffer(content) ? bufferFile(content) : content, before)
    expectHonest(outcome)
    expect(findSecret([outcome.error, outcome.result, outcome.events, client], PASSWORD)).toEqual([])
    expect(outcome.stats).toMatchObject({ leased: 0, waiting: 0 })
    await options.after?.(scene)
    return outcome
  } finally {
    await client.close()
  }
}

async function run(scene: Scene, options: AttemptOptions): Promise<Attempt> {
  const { server, client, target } = scene
  const events: RecordedEvent[] = []
  const record = (name: keyof TransferEvents) => (event: unknown) =>
    void events.push({ name, event } as RecordedEvent)
  const transfer = client.download(options.remote ?? REMOTE, target, {
    minSegmentSize: 1_024,
    ...options.download,
  })
  for (const name of EVENTS) transfer.on(name, record(name))
  options.during?.(transfer, scene)
  const [settled] = await Promise.allSettled([transfer])
  const shared = { events, server, stats: client.stats() }
  return settled.status === 'fulfilled'
    ? { ...shared, result: settled.value, error: undefined }
    : { ...shared, result: undefined, error: settled.reason as unknown }
}

async function placeOlder({ folder, target }: Scene, isWanted: boolean): Promise<void> {
  await mkdir(folder.at('files'))
  if (!isWanted) return
  await writeFile(target, OLDER)
  await utimes(target, OLDER_TIME, OLDER_TIME)
}

async function facts(
  path: string,
): Promise<{ inode: number; modified: number; content: Buffer } | undefined> {
  try {
    const { ino, mtimeMs } = await stat(path)
    return { inode: ino, modified: mtimeMs, content: await readFile(path) }
  } catch {
    return undefined
  }
}

async function expectTarget(
  { folder, target }: Scene,
  outcome: Attempt,
  content: VirtualFile,
  before: Awaited<ReturnType<typeof facts>>,
): Promise<void> {
  if (outcome.result === undefined) {
    expect(await facts(target), 'the older file is as it was').toEqual(before)
    expect(await readdir(folder.at('files')), 'no part file is left').toEqual(
      before === undefined ? [] : ['file.bin'],
    )
    return
  }
  expect(await firstDifference(target, content), 'the first byte that is wrong').toBeUndefined()
  expect(outcome.result.bytes).toBe(content.size)
  expect(outcome.result.path).toBe(target)
  expect(await readdir(folder.at('files')), 'no part file is left').toEqual(['file.bin'])
}

const ORDER = ['queued', 'connecting', 'transferring', 'verifying', 'complete']

/** States go forward, and progress falls only with a restart; the last word of both comes last. */
function expectHonest(outcome: Attempt): void {
  const states = eventsOf(outcome, 'state')
  for (const { state, previous } of states) {
    if (ORDER.includes(state)) expect(ORDER.indexOf(state)).toBe(ORDER.indexOf(previous) + 1)
  }
  expect(outcome.events.at(-1)?.name).toBe('state')
  const ends = outcome.result === undefined ? ['failed', 'cancelled'] : ['complete']
  expect(ends).toContain(states.at(-1)?.state)
  let least = 0
  for (const { name, event } of outcome.events) {
    if (name === 'restart') least = 0
    if (name !== 'progress') continue
    expect(event.bytes, 'progress fell without a restart').toBeGreaterThanOrEqual(least)
    least = event.bytes
  }
  const last = eventsOf(outcome, 'progress').at(-1)
  expect(last).toMatchObject({ activeConnections: 0 } satisfies Partial<TransferProgress>)
  if (outcome.result !== undefined) expect(last?.bytes).toBe(outcome.result.bytes)
}
