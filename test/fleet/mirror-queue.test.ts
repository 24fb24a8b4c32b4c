/** The queue of examples/fleet, by a real Redis. */
import { Worker } from 'bullmq'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MirrorQueue, redisOptions } from '../../examples/fleet/mirror-queue.ts'
import type { MirrorJob } from '../../src/index.ts'
import { whyUnavailable } from '../servers/index.ts'
import { RedisServer } from '../servers/redis.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const unavailable = whyUnavailable('redis-server')
const NAME = unavailable === undefined ? 'the queue' : `the queue, left out: ${unavailable}`

let folder: TemporaryDirectory
let redis: RedisServer
let mirror: MirrorQueue

function directory(path: string): MirrorJob {
  const root = { source: 'ftp://ftp.example.org/', target: '/srv', options: {} }
  return { type: 'directory', id: `id of ${path}`, ...root, path, above: [] }
}

describe.skipIf(unavailable !== undefined)(NAME, () => {
  beforeEach(async () => {
    folder = await temporaryDirectory()
    redis = await RedisServer.start(folder.path)
    mirror = new MirrorQueue(redis.url, 'mirror', 2)
  })
  afterEach(async () => {
    await mirror.close()
    await redis[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  test('what comes of a directory is done before its neighbours, and no job waits twice', async () => {
    await mirror.add(['c', 'b', 'a', 'a'].map(directory))
    const done: string[] = []
    const connection = redisOptions(redis.url)
    const worker = new Worker<MirrorJob>(
      'mirror',
      async ({ data }) => {
        const path = data.type === 'directory' ? data.path : data.type
        done.push(path)
        if (path.length < 3) await mirror.add([directory(`${path}/2`), directory(`${path}/1`)])
      },
      { connection },
    )
    await new Promise((resolve) => worker.once('drained', () => resolve(undefined)))
    await worker.close()
    expect(done).toEqual(['a', 'a/1', 'a/2', 'b', 'b/1', 'b/2', 'c', 'c/1', 'c/2'])
  })

  test('it is done when the scan is, and nothing waits', async () => {
    const facts = { source: 'ftp://ftp.example.org/', host: 'ftp.example.org:21' }
    await expect(mirror.facts()).rejects.toThrow('scan comes first')
    await mirror.tell({ ...facts, isScanned: false })
    expect(await mirror.isDone()).toBe(false)
    await mirror.tell({ ...facts, isScanned: true })
    expect(await mirror.isDone()).toBe(true)
    await mirror.add([directory('a')])
    expect(await mirror.isDone()).toBe(false)
  })
})
