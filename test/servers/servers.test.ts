/** The servers themselves: each starts, is what was asked for, and leaves nothing. By raw dialogue. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { portIn, RawClient } from '../support/raw-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { availableServers, serverMatrix, startServer, whyRefused } from './index.ts'
import type { RunningServer, ServerKind } from './types.ts'
import { describeServers, useServer } from './vitest.ts'

/** Connected, TLS up where the server has it, and the greeting read. */
async function connect(server: RunningServer): Promise<RawClient> {
  const client = await RawClient.connect(server.port, server.host)
  onTestFinished(() => client.close())
  if (server.tls === 'implicit') await client.startTls({ ca: server.ca })
  await reply(client)
  if (server.tls === 'explicit') {
    expect(await ask(client, 'AUTH TLS')).toMatch(/^234/)
    await client.startTls({ ca: server.ca })
  }
  return client
}

/** The last line of the next reply. */
async function reply(client: RawClient): Promise<string> {
  let line = await client.line()
  while (!/^\d{3} /.test(line)) line = await client.line()
  return line
}

async function ask(client: RawClient, command: string): Promise<string> {
  client.send(command)
  return reply(client)
}

async function logIn(client: RawClient, user: string, password: string): Promise<string> {
  const answer = await ask(client, `USER ${user}`)
  return answer.startsWith('331') ? ask(client, `PASS ${password}`) : answer
}

async function session(server: RunningServer): Promise<RawClient> {
  const client = await connect(server)
  expect(await logIn(client, server.user, server.password)).toMatch(/^230/)
  expect(await ask(client, 'TYPE I')).toMatch(/^200/)
  if (server.tls !== 'none') {
    expect(await ask(client, 'PBSZ 0')).toMatch(/^200/)
    expect(await ask(client, 'PROT P')).toMatch(/^200/)
  }
  return client
}

interface Retrieval {
  readonly data: RawClient
  readonly secured: TLSSocket | undefined
}

/** Sends RETR and gives the data connection, secured with the newest TLS session. */
async function retrieve(server: RunningServer, client: RawClient, path: string): Promise<Retrieval> {
  const data = await RawClient.connect(portIn(await ask(client, 'EPSV')), server.host)
  onTestFinished(() => data.close())
  client.send(`RETR ${path}`)
  if (server.tls === 'none') return { data, secured: undefined }
  return { data, secured: await data.startTls({ ca: server.ca, session: client.sessions.at(-1) }) }
}

async function fetchFile(server: RunningServer, client: RawClient, path: string): Promise<Buffer> {
  const { data } = await retrieve(server, client, path)
  const bytes = await data.readToEnd()
  data.close()
  return bytes
}

/** A process with those it forked, which need not be of its group. */
function tree(pid: number): number[] {
  const children = `/proc/${pid}/task/${pid}/children`
  const pids = existsSync(children) ? readFileSync(children, 'utf8').trim().split(' ').filter(Boolean) : []
  return [pid, ...pids.flatMap((child) => tree(Number(child)))]
}

/** False too of a process that only waits to be reaped. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/stat`
  return existsSync(file) && !/\) [ZX]/.test(readFileSync(file, 'latin1'))
}

async function isOpen({ port, host }: { port: number; host: string }): Promise<boolean> {
  const client = await RawClient.connect(port, host).catch(() => undefined)
  client?.close()
  return client !== undefined
}

describeServers({}, (server) => {
  it('serves a file to the right password', async () => {
    const content = randomBytes(300_000)
    server().write('folder/file.bin', content)
    const client = await session(server())
    expect((await fetchFile(server(), client, 'folder/file.bin')).equals(content)).toBe(true)
    expect(await reply(client)).toMatch(/^(125|150)/)
    expect(await reply(client)).toMatch(/^226/)
  })

  it('refuses a wrong password, and the anonymous', async () => {
    const attempts = [server().user, 'anonymous'].map(async (user) =>
      logIn(await connect(server()), user, 'not it'),
    )
    for (const answer of await Promise.all(attempts)) expect(answer).toMatch(/^530/)
  })

  it('lets the user write into folders made for it', async () => {
    server().makeDirectory('deep/inbox')
    const client = await session(server())
    expect(await ask(client, 'MKD deep/inbox/new')).toMatch(/^257/)
    expect(existsSync(`${server().root}/deep/inbox/new`)).toBe(true)
  })
})

describe.each(serverMatrix().filter((cell) => !cell.refused && !cell.unavailable))(
  '$name',
  ({ kind, tls }) => {
    it('is gone after stop, with the sessions that were open', async () => {
      const server = await startServer(kind, { tls })
      const client = await session(server)
      const processes = tree(server.pid)
      await server.stop()
      await client.readToEnd()
      expect(processes.filter(isRunning)).toEqual([])
      expect(await isOpen(server)).toBe(false)
      expect(existsSync(server.scratch)).toBe(false)
      expect(existsSync(server.root)).toBe(false)
      // Pure-FTPd logs to syslog, and transfers only to a file.
      if (kind !== 'pure-ftpd') expect(server.log()).toContain(server.user)
    })
  },
)

const here = availableServers()
const able = (options: Parameters<typeof whyRefused>[1]): ServerKind[] =>
  here.filter((kind) => whyRefused(kind, options) === undefined)

describe('the death of the process that started it', () => {
  it.each(here)('ends %s and removes its files', async (kind) => {
    const starter = fileURLToPath(new URL('./start.mjs', import.meta.url))
    const child = spawn(process.execPath, [starter, kind, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TSX_DISABLE_CACHE: '1' }, // it would stay behind
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const { pid, port, host, scratch } = JSON.parse(line.toString()) as RunningServer
    expect(await isOpen({ port, host })).toBe(true)
    expect(existsSync(scratch)).toBe(true)
    child.kill('SIGKILL')
    await expect.poll(() => isRunning(pid) || existsSync(scratch), { timeout: 5_000 }).toBe(false)
    expect(await isOpen({ port, host })).toBe(false)
  })
})

describe('options', () => {
  it.each(able({ maxConnections: 2 }))('maxConnections: %s refuses the third', async (kind) => {
    const server = await useServer(kind, { maxConnections: 2 })
    await session(server)
    await session(server)
    const third = await RawClient.connect(server.port)
    onTestFinished(() => third.close())
    const greeting = await reply(third)
    const answer = greeting.startsWith('220') ? await logIn(third, server.user, server.password) : greeting
    expect(answer).toMatch(/^(421|530)/)
  })

  it.each(able({ readOnly: true }))('readOnly: %s lets nothing be written', async (kind) => {
    const server = await useServer(kind, { readOnly: true })
    server.write('file', 'content')
    const client = await session(server)
    expect(await ask(client, 'DELE file')).toMatch(/^5/)
    expect(await ask(client, 'MKD folder')).toMatch(/^5/)
    expect((await fetchFile(server, client, 'file')).toString()).toBe('content')
  })

  it.each(able({ anonymous: true }))('anonymous: %s lets the anonymous read', async (kind) => {
    const server = await useServer(kind, { anonymous: true })
    server.write('file', 'content')
    const client = await connect(server)
    expect(await logIn(client, 'anonymous', 'guest@example.org')).toMatch(/^230/)
    expect((await fetchFile(server, client, 'file')).toString()).toBe('content')
    expect(await logIn(await connect(server), server.user, 'not it')).toMatch(/^530/)
  })

  it.each(able({ passivePorts: [1, 2] }))('passivePorts: %s keeps to them', async (kind) => {
    const server = await useServer(kind, { passivePorts: [47_310, 47_319] })
    const client = await session(server)
    for (let round = 0; round < 3; round += 1) {
      const port = portIn(await ask(client, 'EPSV'))
      expect(port).toBeGreaterThanOrEqual(47_310)
      expect(port).toBeLessThanOrEqual(47_319)
    }
  })

  it.each(here)('user and password: %s takes any characters', async (kind) => {
    const server = await useServer(kind, { user: 'other', password: 'p@ss w:rd/#?%41 ü' })
    const client = await connect(server)
    const password = Buffer.from(server.password).toString('latin1')
    expect(await logIn(client, server.user, password)).not.toMatch(/^230/)
    const right = await connect(server)
    expect(await logIn(right, server.user, server.password)).toMatch(/^230/)
  })

  it.each(here)('address: %s listens on ::1', async (kind) => {
    const server = await useServer(kind, { address: '::1' })
    server.write('file', 'content')
    expect(server.url).toBe(`ftp://[::1]:${server.port}`)
    const client = await session(server)
    expect((await fetchFile(server, client, 'file')).toString()).toBe('content')
  })

  const limited = able({ bytesPerSecondPerConnection: 1 })
  it.each(limited)('bytesPerSecondPerConnection: %s is overtaken by one without', async (kind) => {
    const content = Buffer.alloc(8_000_000)
    const slow = await useServer(kind, { bytesPerSecondPerConnection: 500_000 })
    const fast = await useServer(kind)
    for (const server of [slow, fast]) server.write('file', content)
    const late = await retrieve(slow, await session(slow), 'file')
    expect((await fetchFile(fast, await session(fast), 'file')).length).toBe(content.length)
    expect(late.data.ended).toBe(false)
  })

  const versions = able({ tls: 'explicit' }).flatMap((kind) => [
    { kind, tlsVersion: '1.2' as const },
    { kind, tlsVersion: '1.3' as const },
  ])
  it.each(versions)('tlsVersion: $kind speaks only $tlsVersion', async ({ kind, tlsVersion }) => {
    const server = await useServer(kind, { tls: 'explicit', tlsVersion })
    const client = await session(server)
    expect(client.socket instanceof TLSSocket && client.socket.getProtocol()).toBe(`TLSv${tlsVersion}`)
    const other = tlsVersion === '1.2' ? 'TLSv1.3' : 'TLSv1.2'
    const refused = await RawClient.connect(server.port)
    onTestFinished(() => refused.close())
    await reply(refused)
    await ask(refused, 'AUTH TLS')
    const handshake = refused.startTls({ ca: server.ca, minVersion: other, maxVersion: other })
    await expect(handshake).rejects.toThrow()
  })

  it.each(able({ tls: 'explicit', requireReuse: true }))('requireReuse: %s insists', async (kind) => {
    const server = await useServer(kind, { tls: 'explicit', requireReuse: true })
    const content = randomBytes(1000)
    server.write('file', content)
    const client = await session(server)
    expect((await fetchFile(server, client, 'file')).equals(content)).toBe(true)
    const forgetful = await session(server)
    forgetful.sessions.length = 0
    const attempt = fetchFile(server, forgetful, 'file').then(String, () => '')
    expect(await attempt).not.toBe(content.toString())
  })
})

describe('a server that does not come up', () => {
  it.skipIf(!here.includes('pyftpdlib'))('rejects with what it said, and leaves no files', async () => {
    // A temporary folder of its own: other tests start servers meanwhile.
    await using folder = await temporaryDirectory()
    const { path } = folder
    vi.stubEnv('TMPDIR', path)
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    const root = `${path}/no/such/folder`
    await expect(startServer('pyftpdlib', { root })).rejects.toThrow(/no such directory/i)
    expect(readdirSync(path)).toEqual([])
  })

  it('rejects what it does not have with the reason', async () => {
    await expect(startServer('ftp-srv', { requireReuse: true })).rejects.toThrow(
      'cannot require TLS session reuse',
    )
  })
})
