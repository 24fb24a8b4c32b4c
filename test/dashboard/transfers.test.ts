/** Transfers of the dashboard: where they are saved, what is kept of them, and that they outlive the server. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Changes } from '../../examples/dashboard/model.ts'
import { useServer } from '../servers/vitest.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { untilTrue } from '../support/eventually.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { dashboardFolder, type DashboardClient } from './support/dashboard-client.ts'

const CONTENT = randomBytes(8_000_003, 'dashboard')
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')
const MIB = 2 ** 20
const PASSWORD = 'open sesame'

let server: FakeFtpServer
beforeAll(async () => {
  server = await fakeFtpServer({
    security: 'none',
    users: { octo: PASSWORD },
    files: {
      '/disk.img': CONTENT,
    },
  })
  return () => server.close()
})

function login(): { host: string; port: number; user: string; security: string } {
  return { host: server.host, port: server.port, user: 'octo', security: 'none' }
}

async function connect(client: DashboardClient): Promise<void> {
  const { status, body } = await client.post('/api/connect', { ...login(), password: PASSWORD })
  expect(status, body).toBe(200)
}

/** As they were told behind the event of that number, as soon as the first of them were known. */
function bytesWhileRunning({ told }: DashboardClient, since = 0): readonly number[] {
  const views = told.slice(since).flatMap((event) => (JSON.parse(event) as Changes).transfers ?? [])
  return views.filter(({ state, bytes }) => state === 'transferring' && bytes > 0).map(({ bytes }) => bytes)
}

const DISK = { path: '/disk.img', name: 'disk.img', type: 'file' }

function add(client: DashboardClient, more: object = {}): ReturnType<DashboardClient['post']> {
  return client.post('/api/transfers/add', { entries: [DISK], folder: '', ...more })
}

async function limit(client: DashboardClient, bytesPerSecond: number, more: object = {}): Promise<void> {
  const { status } = await client.post('/api/settings', { bytesPerSecond, ...more })
  expect(status).toBe(200)
}

describe('a download', () => {
  test('comes with its checksum', async () => {
    const { folder, start } = await dashboardFolder()
    const client = await start()
    await connect(client)
    await add(client)
    const view = await client.untilState('complete')
    expect(view).toMatchObject({ bytes: CONTENT.length, total: CONTENT.length, target: 'disk.img' })
    expect(view.checksum).toMatchObject({ algorithm: 'sha256', value: SHA256, outcome: 'computed' })
    expect(CONTENT.equals(await readFile(folder.at('saved', 'disk.img')))).toBe(true)
  })

  test('is compared with the checksum it must have, before and after', async () => {
    const { start, folder } = await dashboardFolder()
    const client = await start()
    await connect(client)
    await add(client, { expected: SHA256.toUpperCase() })
    const { id, checksum } = await client.untilState('complete')
    expect(checksum).toMatchObject({ outcome: 'matched', origin: 'expected' })

    await client.post('/api/transfers/change', { id, expected: 'a'.repeat(40) })
    await untilTrue(() => client.transfer.checksum?.outcome === 'differs')
    await client.post('/api/transfers/act', { ids: [id], action: 'clear' })
    await untilTrue(() => client.transfers.size === 0)

    await add(client, { expected: 'b'.repeat(64) })
    expect((await client.untilState('failed')).error).toContain('differs from its checksum')
    expect(await readdir(folder.at('saved'))).toEqual(['disk.img'])
  })

  test('brings folders with all that is below them', async () => {
    const tree = await useServer('ftp-srv')
    tree.write('tree/one.txt', 'one')
    tree.write('tree/below/two.txt', 'two')
    tree.makeDirectory('tree/empty')
    const { folder, start } = await dashboardFolder()
    const client = await start()
    const { host, port, user, password } = tree
    await client.post('/api/connect', { host, port, user, password, security: 'none' })
    const entries = [{ path: '/tree', name: 'tree', type: 'directory' }]
    const { body } = await client.post('/api/transfers/add', { entries, folder: 'into' })
    expect(JSON.parse(body)).toEqual({ count: 2 })
    const all = client.transfers
    await untilTrue(() => all.size === 2 && [...all.values()].every(({ state }) => state === 'complete'))
    expect(await readFile(folder.at('saved/into/tree/one.txt'), 'utf8')).toBe('one')
    expect(await readFile(folder.at('saved/into/tree/below/two.txt'), 'utf8')).toBe('two')
    expect(await readdir(folder.at('saved/into/tree/empty'))).toEqual([])
  })

  test('does not take the place of a file that is there', async () => {
    const { folder, start } = await dashboardFolder()
    const client = await start()
    await connect(client)
    await add(client)
    await client.untilState('complete')
    await add(client)
    await untilTrue(
      () => [...client.transfers.values()].filter(({ state }) => state === 'complete').length === 2,
    )
    expect((await readdir(folder.at('saved'))).sort()).toEqual(['disk (2).img', 'disk.img'])
  })
})

describe('while it runs', () => {
  test('it is paused, resumed, stopped, begun again and cleared', async () => {
    const { folder, start } = await dashboardFolder()
    const client = await start()
    await connect(client)
    await limit(client, MIB)
    await add(client)
    await untilTrue(() => client.transfers.size === 1 && client.transfer.bytes > 0)
    const { id } = client.transfer
    const act = (action: string): Promise<unknown> => client.post('/api/transfers/act', { ids: [id], action })

    await act('pause')
    const paused = await client.untilState('paused')
    expect(paused.segments.length).toBeGreaterThan(0)
    await act('resume')
    await untilTrue(() => client.transfer.state === 'transferring' && client.transfer.bytes > paused.bytes)
    await untilTrue(() => client.transfer.bytes > 2 * MIB)
    await act('stop')
    const { bytes } = await client.untilState('stopped')
    const before = client.told.length
    await act('again')
    await untilTrue(() => client.transfer.bytes > bytes)
    expect(bytesWhileRunning(client, before).filter((after) => after < MIB)).toEqual([])
    await act('stop')
    await client.untilState('stopped')
    await act('clear')
    await untilTrue(() => client.transfers.size === 0)
    await untilTrue(async () => (await readdir(folder.at('saved'))).length === 0)
  })

  test('connections, rotation and limits are changed, and nothing is lost', async () => {
    const { start, folder } = await dashboardFolder()
    const client = await start()
    await connect(client)
    await limit(client, MIB)
    await add(client)
    await untilTrue(() => client.transfers.size === 1 && client.transfer.activeConnections === 4)
    await untilTrue(() => client.transfer.bytes > 2 * MIB)
    const before = client.told.length
    await limit(client, MIB, { connections: 2 })
    await untilTrue(() => client.transfer.activeConnections === 2)
    await limit(client, MIB, { connections: 2, rotateSeconds: 10 })
    await untilTrue(
      () => client.changes.settings?.rotateSeconds === 10 && client.transfer.activeConnections === 2,
    )
    await client.post('/api/transfers/change', { id: client.transfer.id, bytesPerSecond: 1 })
    await client.post('/api/transfers/change', { id: client.transfer.id, bytesPerSecond: 0 })
    await limit(client, 0, { connections: 2, rotateSeconds: 10 })
    await client.untilState('complete')
    expect(bytesWhileRunning(client, before).filter((bytes) => bytes < MIB)).toEqual([])
    expect(CONTENT.equals(await readFile(folder.at('saved/disk.img')))).toBe(true)
  })

  test('others wait for their time, their turn and the queue', async () => {
    const { start } = await dashboardFolder()
    const client = await start()
    await connect(client)
    await client.post('/api/pause', { isPaused: true })
    await add(client, { priority: 3 })
    const { id } = await client.untilState('queued')
    expect(client.transfer.priority).toBe(3)
    await client.post('/api/transfers/change', {
      id,
      startAt: new Date(Date.now() + 3_600_000).toISOString(),
    })
    await client.untilState('scheduled')
    await client.post('/api/transfers/change', { id, startAt: '' })
    await client.untilState('queued')
    await client.post('/api/pause', { isPaused: false })
    await client.untilState('complete')
  })
})

describe('after a restart', () => {
  test('it waits for the password, and goes on where it was', async () => {
    const { folder, start } = await dashboardFolder()
    const first = await start()
    await connect(first)
    await limit(first, 2 * MIB)
    await add(first)
    await untilTrue(() => first.transfers.size === 1 && first.transfer.bytes > 2 * MIB)
    await first.running.close()

    const second = await start()
    const locked = await second.untilState('locked')
    expect(locked.bytes).toBeGreaterThan(2 * MIB)
    expect(new URL(second.running.url).search).toBe(new URL(first.running.url).search)
    await connect(second)
    await second.untilState('transferring')
    await untilTrue(() => second.transfer.bytes > locked.bytes)
    expect(bytesWhileRunning(second).filter((bytes) => bytes < 2 * MIB)).toEqual([])
    await limit(second, 0)
    await second.untilState('complete')
    expect(CONTENT.equals(await readFile(folder.at('saved/disk.img')))).toBe(true)

    await second.running.close()
    const third = await start()
    expect(await third.untilState('complete')).toMatchObject({ checksum: { value: SHA256 } })
  })

  test('it goes on by itself where the password is saved', async () => {
    const { start } = await dashboardFolder()
    const first = await start()
    await connect(first)
    await first.post('/api/connections/save', { ...login(), name: 'mine', isPasswordWanted: true })
    await limit(first, MIB)
    await add(first)
    await untilTrue(() => first.transfers.size === 1 && first.transfer.bytes > 0)
    await first.running.close()
    const second = await start()
    await limit(second, 0)
    await second.untilState('complete')
  })
})

describe('passwords', () => {
  test('are saved only when that is asked for, and never told', async () => {
    const { folder, start } = await dashboardFolder()
    const client = await start()
    await connect(client)
    const file = folder.at('state/connections.json')
    await client.post('/api/connections/save', { ...login(), name: 'without', isPasswordWanted: false })
    expect(await readFile(file, 'utf8')).not.toContain(PASSWORD)
    await client.post('/api/connections/save', { ...login(), name: 'with', isPasswordWanted: true })
    expect(await readFile(file, 'utf8')).toContain(PASSWORD)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(folder.at('state/state.json'))).mode & 0o777).toBe(0o600)
    await untilTrue(() => client.changes.saved?.length === 2)
    expect(client.told.join('\n')).not.toContain(PASSWORD)
    expect(await readFile(folder.at('state/state.json'), 'utf8')).not.toContain(PASSWORD)

    await client.post('/api/connections/delete', { name: 'with' })
    expect(await readFile(file, 'utf8')).not.toContain(PASSWORD)
  })

  test('that are wrong are told so', async () => {
    const { start } = await dashboardFolder()
    const client = await start()
    const { status, body } = await client.post('/api/connect', { ...login(), password: 'a wrong one' })
    expect(status).toBe(502)
    expect(JSON.parse(body)).toMatchObject({ code: 'ERR_FTP_LOGIN' })
    expect(body).toContain('did not accept the user name or the password')
    expect(body).not.toContain('a wrong one')
  })
})

describe('outside of the folder', () => {
  test.each([
    ['a name that leads out', { entries: [{ ...DISK, name: '../escaped' }], folder: '' }],
    ['a name that is a folder above', { entries: [{ ...DISK, name: '..' }], folder: '' }],
    ['an absolute name', { entries: [{ ...DISK, name: '/escaped' }], folder: '' }],
    ['a folder that leads out', { entries: [DISK], folder: '..' }],
    ['an absolute folder', { entries: [DISK], folder: '/tmp' }],
    ['a folder behind a link', { entries: [DISK], folder: 'link' }],
    ['a folder behind a link and below', { entries: [DISK], folder: 'link/below' }],
  ])('nothing is written: %s', async (_, wanted) => {
    const { folder, start } = await dashboardFolder()
    await mkdir(folder.at('elsewhere'))
    await mkdir(folder.at('saved'))
    await symlink(folder.at('elsewhere'), folder.at('saved/link'))
    const client = await start()
    await connect(client)
    const { status } = await client.post('/api/transfers/add', wanted)
    expect([400, 403]).toContain(status)
    expect(await readdir(folder.at('elsewhere'))).toEqual([])
    expect((await readdir(folder.path)).sort()).toEqual(['elsewhere', 'saved', 'state'])
  })

  test('nothing is shown or made', async () => {
    const { folder, start } = await dashboardFolder()
    const client = await start()
    for (const [path, body] of [
      ['/api/folders', { folder: '..' }],
      ['/api/folders/make', { folder: '..', name: 'made' }],
      ['/api/folders/make', { folder: '', name: '../made' }],
    ] as const) {
      expect((await client.post(path, body)).status).toBe(400)
    }
    expect((await readdir(folder.path)).sort()).toEqual(['saved', 'state'])
    expect((await client.post('/api/folders/make', { folder: '', name: 'made' })).status).toBe(200)
    expect((await client.post('/api/folders', { folder: '' })).body).toBe('{"folders":["made"]}')
  })
})

test('a state that is damaged is not written over', async () => {
  const { folder, start } = await dashboardFolder()
  const client = await start()
  await client.running.close()
  await writeFile(folder.at('state/state.json'), '{')
  await chmod(folder.at('state/state.json'), 0o600)
  await expect(start()).rejects.toThrow(/state\.json/)
  expect(await readFile(folder.at('state/state.json'), 'utf8')).toBe('{')
})
