/** What a running download tells: which events, in which order, of which shape. */
import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { FtpClient, Transfer, type TransferListeners } from '../../src/index.ts'
import {
  clientOptions,
  CONTENT,
  eventsOf,
  fail,
  PASSWORD,
  REMOTE,
  serving,
  SIZE,
  succeed,
} from '../hazards/support/attempt.ts'
import { runScript } from '../hazards/support/child-process.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

test('states: queued, connecting, transferring, verifying, complete; each told with the one before', async () => {
  const states: string[] = []
  const outcome = await succeed({ during: (transfer) => states.push(transfer.state) })
  expect(states).toEqual(['queued'])
  expect(eventsOf(outcome, 'state')).toEqual([
    { state: 'connecting', previous: 'queued' },
    { state: 'transferring', previous: 'connecting' },
    { state: 'verifying', previous: 'transferring' },
    { state: 'complete', previous: 'verifying' },
  ])
})

test('states of a failure, and of a cancellation', async () => {
  const failed = await fail({ remote: '/pub/missing' })
  expect(eventsOf(failed, 'state').map(({ state }) => state)).toEqual([
    'connecting',
    'transferring',
    'failed',
  ])
  const cancelled = await fail({
    during: (transfer) => void transfer.once('segment', () => transfer.cancel()),
  })
  expect(eventsOf(cancelled, 'state').map(({ state }) => state)).toEqual([
    'connecting',
    'transferring',
    'cancelled',
  ])
})

test('a cancellation before the start', async () => {
  const { events } = await fail({ during: (transfer) => transfer.cancel() })
  expect(events.map(({ name }) => name)).toEqual(['progress', 'state'])
})

test('segments: each is started and finished, they cover the file, and what they brought adds up', async () => {
  for (const security of ['none', 'explicit'] as const) {
    const outcome = await succeed({ server: { security }, download: { connections: 4 } })
    const segments = eventsOf(outcome, 'segment')
    const started = segments.filter(({ type }) => type === 'start')
    const finished = segments.filter(({ type }) => type === 'finish')
    expect(started).toHaveLength(4)
    expect(finished).toHaveLength(4)
    const ranges = finished
      .map(({ start, end }) => [start, end] as const)
      .sort(([one], [other]) => one - other)
    expect(ranges[0]?.[0]).toBe(0)
    expect(ranges.at(-1)?.[1]).toBe(SIZE)
    expect(ranges.slice(1).map(([start]) => start)).toEqual(ranges.slice(0, -1).map(([, end]) => end))
    for (const { connection } of segments) expect([0, 1, 2, 3]).toContain(connection)
    for (const { tls } of finished) {
      if (security === 'none') expect(tls).toBeUndefined()
      else expect(tls).toEqual({ protocol: 'TLSv1.3', resumed: true })
    }
    // What a connection brought beyond its end was read for the seam.
    for (const { start, end, bytes } of finished) expect(bytes).toBeGreaterThanOrEqual(end - start)
  }
})

test('connections: none works on a segment before it was opened', async () => {
  const outcome = await succeed({ download: { connections: 4 } })
  const open = new Set<number | undefined>()
  for (const { name, event } of outcome.events) {
    if (name === 'connection' && event.type === 'open') open.add(event.connection)
    if (name === 'segment') expect(open.has(event.connection)).toBe(true)
  }
})

test('verify: each check, before the end', async () => {
  const outcome = await succeed({})
  expect(eventsOf(outcome, 'verify')).toEqual([
    { check: 'size', outcome: 'matched' },
    { check: 'modified', outcome: 'matched' },
    { check: 'checksum', outcome: 'not asked' },
  ])
})

test('retry: which try it was, how long it waits, and why', async () => {
  const outcome = await succeed({
    server: { fault: ({ number }) => (number < 2 ? { kind: 'cut', by: 'rst', afterBytes: 0 } : undefined) },
    client: { retry: { attempts: 5, minDelay: 3, factor: 2, maxDelay: 100, jitter: 0 } },
    download: { connections: 1 },
  })
  expect(eventsOf(outcome, 'retry')).toMatchObject([
    { attempt: 1, delayMs: 3, error: { name: expect.stringMatching(/^Ftp/) as unknown } },
    { attempt: 2, delayMs: 6 },
  ])
})

test('listeners in `on`, and those attached at once, miss nothing; both hear the same', async () => {
  await withClient(async (_server, client, folder) => {
    const byOption: unknown[] = []
    const byMethod: unknown[] = []
    const names = ['state', 'progress', 'segment', 'connection', 'verify'] as const
    const on = Object.fromEntries(
      names.map((name) => [name, (event: unknown) => byOption.push([name, event])]),
    )
    const transfer = client.download(REMOTE, folder.at('file'), { on })
    for (const name of names) transfer.on(name, (event: unknown) => byMethod.push([name, event]))
    await transfer
    expect(byOption.length).toBeGreaterThan(5)
    expect(byMethod).toEqual(byOption)
    expect(byOption[0]).toEqual(['state', { state: 'connecting', previous: 'queued' }])
  })
})

test('a name in `on` that is no event, or a listener that is no function, is refused', async () => {
  await withClient((_server, client, folder) => {
    const bad: unknown[] = [{ progress: 'loud' }, { state: 5 }]
    for (const on of bad) {
      expect(() => client.download(REMOTE, folder.at('file'), { on: on as TransferListeners })).toThrow(
        TypeError,
      )
    }
    return Promise.resolve()
  })
})

test('a listener that writes into its events changes nothing of the transfer', async () => {
  await withClient(async (_server, client, folder) => {
    const transfer = client.download(REMOTE, folder.at('file'), { connections: 4, minSegmentSize: 1_024 })
    for (const name of ['state', 'progress', 'segment', 'connection', 'verify'] as const)
      transfer.on(name, spoil)
    expect(await transfer).toMatchObject({ bytes: SIZE, verified: { size: 'matched', modified: 'matched' } })
    spoil(transfer.progress)
    expect(transfer.progress).toMatchObject({ bytes: SIZE, fraction: 1 })
    expect((await readFile(folder.at('file'))).equals(CONTENT)).toBe(true)
  })
})

test('a failure that nobody awaits is an ordinary unhandledRejection; one that is awaited is none', async () => {
  await withClient(async (server, _client, folder) => {
    const script = `
      import { FtpClient } from './octoftp/index.js'
      const client = new FtpClient({ host: '127.0.0.1', port: ${server.port}, user: 'octo', password: 'wrong', security: 'none' })
      const seen = []
      process.on('unhandledRejection', (reason) => seen.push(reason.code))
      client.download('/a', '${folder.at('a')}')
      await client.download('/b', '${folder.at('b')}').catch(() => {})
      await Promise.allSettled([client.download('/c', '${folder.at('c')}')])
      try { await client.download('/d', '${folder.at('d')}') } catch {}
      await new Promise((resolve) => setTimeout(resolve, 50))
      process.stdout.write(JSON.stringify(seen))
    `
    const { code, output, errorOutput } = await runScript(folder, script)
    expect({ code, output, errorOutput }).toEqual({ code: 0, output: '["ERR_FTP_LOGIN"]', errorOutput: '' })
  })
})

test("a listener that throws: its error is the program's, and the file is whole", async () => {
  await withClient(async (server, _client, folder) => {
    const script = `
      import { readFileSync } from 'node:fs'
      import { FtpClient } from './octoftp/index.js'
      const client = new FtpClient({ host: '127.0.0.1', port: ${server.port}, user: 'octo', password: process.env.PASSWORD, security: 'none' })
      const seen = []
      process.on('uncaughtException', (error) => seen.push(error.message))
      const transfer = client.download('${REMOTE}', '${folder.at('file')}')
      transfer.on('state', ({ state }) => { throw new Error(state) })
      const { bytes } = await transfer
      await new Promise((resolve) => setTimeout(resolve, 50))
      process.stdout.write(JSON.stringify({ bytes, seen, onDisk: readFileSync('${folder.at('file')}').length }))
    `
    const { output } = await runScript(folder, script, { env: { PASSWORD } })
    expect(JSON.parse(output)).toEqual({
      bytes: SIZE,
      onDisk: SIZE,
      seen: ['connecting', 'transferring', 'verifying', 'complete'],
    })
  })
})

test('it is a promise: then, catch, finally, await, Promise.all; `result` is the same', async () => {
  await withClient(async (_server, client, folder) => {
    const transfer = client.download(REMOTE, folder.at('file'))
    expect(transfer).toBeInstanceOf(Transfer)
    const result = await transfer
    expect(await transfer.result).toBe(result)
    expect(await transfer.then((value) => value.bytes)).toBe(SIZE)
    expect(await transfer.finally(() => undefined)).toBe(result)
    expect(await transfer.catch(() => 'never')).toBe(result)
    expect(await Promise.all([transfer])).toEqual([result])
    const bad = client.download('/missing', folder.at('other'))
    const after = vi.fn()
    await expect(bad.finally(after)).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    expect(after).toHaveBeenCalledOnce()
    expect(await bad.catch((error: unknown) => (error as { code: string }).code)).toBe('ERR_FTP_NOT_FOUND')
    expect(await bad.then(null, () => 'caught')).toBe('caught')
  })
})

test('there is no "error" event: an emitter without listener for it does not throw', async () => {
  const heard: string[] = []
  await fail({
    remote: '/pub/missing',
    during: (transfer) => {
      ;(transfer as unknown as NodeJS.EventEmitter).on('error', () => heard.push('error'))
    },
  })
  expect(heard).toEqual([])
})

function spoil(event: object): void {
  for (const key of Object.keys(event)) Reflect.set(event, key, -1)
}

async function withClient(
  work: (server: FakeFtpServer, client: FtpClient, folder: TemporaryDirectory) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  await using client = new FtpClient(await clientOptions(server))
  await work(server, client, folder)
}
