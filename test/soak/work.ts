/** What is done in a soak: one call at a time on one server, each compared with what it should have brought. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { FtpClient, MirrorResult } from '../../src/index.ts'
import type { Random } from '../fuzz/random.ts'
import type { RunningServer } from '../servers/types.ts'
import { randomBytes } from '../support/random-bytes.ts'

/** Where one worker works. */
export interface Bench {
  readonly client: FtpClient
  readonly server: RunningServer
  readonly random: Random
  /** A folder of its own on this machine. */
  readonly folder: string
}

export type Job = (bench: Bench) => Promise<void>

const LARGE = randomBytes(3_000_017, 'soak')
const SMALL_COUNT = 40
const LISTED_COUNT = 300

/** A result that is not what it should be: never to happen, whatever the network does. */
export class WrongResult extends Error {}

/**
 * A file on the server that was right when its upload ended, as far as the server told, and of which the server has begun
 * again to write the start since: an attempt that had been given up was carried out late. No client can know of it;
 * `atomic` uploads are safe.
 */
export class Overtaken extends Error {}

/** What a server has to have before. */
export function furnish(server: RunningServer): void {
  server.write('large.bin', LARGE)
  for (let index = 0; index < SMALL_COUNT; index++) server.write(`tree/${treeName(index)}`, small(index))
  for (let index = 0; index < LISTED_COUNT; index++) server.write(`listed/${listedName(index)}`, 'x')
  server.makeDirectory('up')
}

export const JOBS: Readonly<Record<string, Job>> = {
  'download in segments': async ({ client, folder, random }) => {
    const target = join(folder, 'large.bin')
    const connections = 1 + random.below(4)
    await client.download('large.bin', target, { connections, minSegmentSize: 200_000 })
    same(LARGE, await readFile(target), 'a download')
  },
  'many small downloads': async ({ client, folder, random }) => {
    const numbers = Array.from({ length: 8 }, () => random.below(SMALL_COUNT))
    const targets = numbers.map((number, index) => ({ number, target: join(folder, `small ${index}`) }))
    const all = targets.map(({ number, target }) => client.download(`tree/${treeName(number)}`, target))
    await everyOne(all)
    for (const { number, target } of targets) same(small(number), await readFile(target), 'a small download')
  },
  upload: async ({ client, server, random }) => {
    const source = LARGE.subarray(0, 1 + random.below(2_000_000))
    const how = random.of([{}, { atomic: true }, { resume: true }, { atomic: true, resume: true }])
    let isSafe = true
    const on = { retry: () => void (isSafe = 'atomic' in how) }
    await client.upload(source, 'up/file.bin', { ...how, on })
    arrived(source, await readFile(join(server.root, 'up/file.bin')), 'an upload', isSafe)
  },
  'upload of a stream': async ({ client, server, random }) => {
    const source = LARGE.subarray(0, 1 + random.below(500_000))
    await client.upload(Readable.from([source.subarray(0, 1_000), source.subarray(1_000)]), 'up/stream.bin')
    same(source, await readFile(join(server.root, 'up/stream.bin')), 'an upload of a stream')
  },
  listing: async ({ client }) => {
    const names = (await client.listAll('listed')).map(({ name }) => name).sort()
    const wanted = Array.from({ length: LISTED_COUNT }, (_, index) => listedName(index)).sort()
    if (names.join('\n') !== wanted.join('\n')) throw new WrongResult('a listing is not what is there')
  },
  'mirror down': async ({ client, folder, random }) => {
    const target = join(folder, 'down')
    if (random.below(3) === 0) await rm(target, { recursive: true, force: true })
    await whole(client.mirrorDown('tree', target, { connections: 3 }))
    await sameTree(target)
  },
  'mirror up': async ({ client, server, folder, random }) => {
    const source = join(folder, 'source')
    await mkdir(source, { recursive: true })
    await whole(client.mirrorDown('tree', source, { connections: 2 }))
    await sameTree(source)
    if (random.below(3) === 0) await rm(join(server.root, 'up/tree'), { recursive: true, force: true })
    let isSafe = true
    const on = { retry: () => void (isSafe = false) }
    await whole(client.mirrorUp(source, 'up/tree', { connections: 3, on }))
    await sameTree(join(server.root, 'up/tree'), isSafe)
  },
  abort: async ({ client, folder, random }) => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(reason), random.below(300))
    const target = join(folder, 'aborted.bin')
    try {
      const { signal } = controller
      const work =
        random.below(2) === 0
          ? client.download('large.bin', target, { signal, minSegmentSize: 200_000, keepPartial: false })
          : client.upload(LARGE, 'up/aborted.bin', { signal })
      await work.result
    } catch (error) {
      if (error !== reason) throw error
    } finally {
      clearTimeout(timer)
    }
  },
}

/** Waits for all before it rejects: what still runs would be in the way of what comes next. */
async function everyOne(all: readonly PromiseLike<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(all)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
}

/** A mirror that could not do everything says so in its result: for a soak it has failed. */
async function whole(mirror: PromiseLike<MirrorResult>): Promise<void> {
  const [failure] = (await mirror).failures
  if (failure !== undefined) throw failure.error
}

function small(index: number): Buffer {
  return randomBytes((index * 997) % 20_000, `small ${index}`)
}

function treeName(index: number): string {
  return `folder ${index % 4}/file ${index}.bin`
}

function listedName(index: number): string {
  return `an entry of the listing, number ${index}`
}

async function sameTree(root: string, isSafe = true): Promise<void> {
  for (let index = 0; index < SMALL_COUNT; index++) {
    arrived(small(index), await readFile(join(root, treeName(index))), `file ${index} of a mirror`, isSafe)
  }
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  const files = found.filter((entry) => entry.isFile())
  if (files.length !== SMALL_COUNT) throw new WrongResult('a mirror has files of its own')
}

/** @param isSafe - whether no attempt was given up that the server may carry out late */
function arrived(wanted: Buffer, got: Buffer, what: string, isSafe: boolean): void {
  const isOvertaken = !isSafe && got.length < wanted.length && wanted.subarray(0, got.length).equals(got)
  if (isOvertaken) throw new Overtaken(`${what} has ${got.length} bytes of ${wanted.length} again`)
  same(wanted, got, what)
}

function same(wanted: Buffer, got: Buffer, what: string): void {
  if (wanted.equals(got)) return
  throw new WrongResult(`${what} is wrong: ${got.length} bytes for ${wanted.length}`)
}
