/**
 * One call of the real client to a server of a model, with what holds whatever that does: it ends within its time, in the
 * right bytes or in a typed error; nothing is in use afterwards, nothing is left behind, and the same client does the same
 * well as soon as the server does.
 */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import { expect } from 'vitest'
import { FtpClient, FtpError, FtpProtocolError, FtpReplyError, FtpTimeoutError } from '../../src/index.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { untilPasses } from '../support/eventually.ts'
import { modelServer, type ModelServer } from './model-server.ts'
import type { ServerPlan } from './plan.ts'

export interface Scenario {
  readonly operation: 'download' | 'upload' | 'list'
  readonly security: 'none' | 'explicit'
  /** Of the file; a listing has an entry for every 1,000 of them. */
  readonly bytes: number
  readonly connections: number
  readonly upload: 'plain' | 'atomic' | 'stream' | 'resume' | 'over an older one'
  /** `null` for never. */
  readonly abortAfterMs: number | null
  readonly server: ServerPlan
}

interface Scene {
  readonly scenario: Scenario
  readonly server: ModelServer
  readonly client: FtpClient
  readonly folder: TemporaryDirectory
  readonly content: Buffer
  readonly names: readonly string[]
}

const FILE = '/pub/file.bin'
const LISTED = '/listed'
/** For silence to end soon, and long enough for a machine that does other things as well. */
const SOON_MS = 400
/** Tells a hang from an end: attempts, each with its deadlines, and the two seconds that some steps are given. */
const DEADLINE_MS = 60_000
const TIMEOUTS = {
  ...{ connect: SOON_MS, greeting: SOON_MS, reply: SOON_MS, tls: 2_000, data: SOON_MS, completion: SOON_MS },
  acquire: SOON_MS,
}
const RETRY = { attempts: 3, minDelay: 1, maxDelay: 5, factor: 1, jitter: 0 }
/** On a busy machine even a server that behaves can be late; and what it said too much shows only by the next answer. */
const TRIES_AFTERWARDS = 5

/** Rejects where anything does not hold. */
export async function play(scenario: Scenario): Promise<void> {
  await expectNoLeaks(() => perform(scenario))
}

async function perform(scenario: Scenario): Promise<void> {
  const content = randomBytes(scenario.bytes, 'models')
  const names = Array.from({ length: scenario.bytes / 1_000 }, (_, index) => `file ${index}.bin`)
  await using folder = await temporaryDirectory()
  await using server = await modelServer(
    scenario.server,
    filesOf(scenario, content, names),
    scenario.security,
  )
  const { host, port, security } = server.fake
  const client = new FtpClient({
    ...{ host, port, security, tls: { ca: (await certificate()).ca }, user: 'octo', password: 'secret' },
    ...{ maxConnections: scenario.connections, timeouts: TIMEOUTS, retry: RETRY },
  })
  const scene = { scenario, server, client, folder, content, names }
  try {
    await firstTime(scene)
    server.behave()
    await nextTime(scene)
  } finally {
    await client.close()
  }
}

function filesOf(
  { operation, upload }: Scenario,
  content: Buffer,
  names: readonly string[],
): Record<string, Buffer> {
  const listed = names.map((name, index) => [`${LISTED}/${name}`, Buffer.alloc(index % 7)] as const)
  const files: Record<string, Buffer> = { [`${LISTED}/file`]: content, ...Object.fromEntries(listed) }
  if (operation === 'download') files[FILE] = content
  if (operation === 'upload' && upload !== 'plain') files[FILE] = content.subarray(0, content.length >> 1)
  if (operation === 'upload' && upload === 'over an older one')
    files[FILE] = randomBytes(content.length, 'older')
  return files
}

async function firstTime(scene: Scene): Promise<void> {
  const { abortAfterMs } = scene.scenario
  const reason = new Error('enough')
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(reason), abortAfterMs ?? DEADLINE_MS)
  try {
    await within(DEADLINE_MS, work(scene, controller.signal))
  } catch (error) {
    const isExpected = error === reason ? abortAfterMs !== null : error instanceof FtpError
    if (!isExpected) throw error
    await expectNothingNew(scene)
  } finally {
    clearTimeout(timer)
  }
  expect(scene.client.stats(), 'nothing is in use').toMatchObject({ leased: 0, waiting: 0 })
}

async function nextTime(scene: Scene): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await within(DEADLINE_MS, work(scene, undefined))
      break
    } catch (error) {
      const isLate = error instanceof FtpTimeoutError
      if ((!isLate && !isReplyOff(error)) || tried === TRIES_AFTERWARDS) throw error
    }
  }
  expect(scene.client.stats(), 'nothing is in use').toMatchObject({ leased: 0, waiting: 0 })
  // A last reply that never comes is waited for behind the back of the call.
  await untilPasses(() => {
    const { open, idle } = scene.client.stats()
    expect(open, 'all are idle').toBe(idle)
  })
}

/** Whether it is an answer to something else. */
function isReplyOff(error: unknown): boolean {
  return error instanceof FtpProtocolError || (error instanceof FtpReplyError && error.reply.code < 400)
}

/** Resolves only with the right bytes where they belong; a wrong result is an error that is none of ours. */
async function work(scene: Scene, signal: AbortSignal | undefined): Promise<void> {
  switch (scene.scenario.operation) {
    case 'download':
      return download(scene, signal)
    case 'upload':
      return upload(scene, signal)
    case 'list':
      return list(scene, signal)
    default:
      return scene.scenario.operation satisfies never
  }
}

async function download(
  { client, scenario, folder, content }: Scene,
  signal: AbortSignal | undefined,
): Promise<void> {
  const target = folder.at('file.bin')
  const { connections } = scenario
  const result = await client.download(FILE, target, { connections, minSegmentSize: 4_096, signal })
  expect(result.bytes).toBe(content.length)
  expect(content.equals(await readFile(target)), 'the file is right').toBe(true)
  expect(await readdir(folder.path), 'and by itself').toEqual(['file.bin'])
}

async function upload(
  { client, scenario, server, content }: Scene,
  signal: AbortSignal | undefined,
): Promise<void> {
  const kind = scenario.upload
  const source = kind === 'stream' ? Readable.from([content.subarray(0, 99), content.subarray(99)]) : content
  await client.upload(source, FILE, { atomic: kind === 'atomic', resume: kind === 'resume', signal })
  const stored = server.fake.file(FILE)
  const bytes = stored?.content(0, stored.size) ?? Buffer.from('nothing')
  expect(content.equals(bytes), 'the file at the server is right').toBe(true)
}

async function list({ client, names }: Scene, signal: AbortSignal | undefined): Promise<void> {
  const entries = await client.listAll(LISTED, { signal })
  expect(entries.map(({ name }) => name)).toEqual(['file', ...names])
}

/** What fails has left nothing on the disk. */
async function expectNothingNew({ folder }: Scene): Promise<void> {
  expect(await readdir(folder.path)).toEqual([])
}

async function within(ms: number, working: Promise<void>): Promise<void> {
  const over = new AbortController()
  const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`still at work after ${ms} ms`)
  })
  try {
    await Promise.race([working, late])
  } finally {
    over.abort()
    await late.catch(() => {})
  }
}
