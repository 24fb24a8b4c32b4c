/** Over Multipath TCP to a real server under mptcpize, and over what there is where there is none. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../../src/index.ts'
import { mptcp, type MptcpConnection, type MptcpOptions } from '../../../src/mptcp.ts'
import { dial, type DialTarget } from '../../../src/transport/dial.ts'
import type { RunningServer, ServerOptions } from '../../servers/types.ts'
import { sharedServer, useServer } from '../../servers/vitest.ts'
import { expectNoLeaks } from '../../support/leaks.ts'
import { randomBytes } from '../../support/random-bytes.ts'
import { OpenSockets } from '../../support/scripted/open-sockets.ts'
import { closedPort, filteredPort } from '../../support/scripted/dead-port.ts'
import { answers, SEVERAL } from '../../support/scripted/resolver.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { whyNoMultipath } from './available.ts'
import { listenByMultipath } from './multipath-server.ts'

vi.mock('node:dns/promises', async (original) =>
  (await import('../../support/scripted/resolver.ts')).resolving(original),
)

afterEach(() => void answers.splice(0))

const CONTENT = randomBytes(3 * 2 ** 20, 'multipath')
const BRISK = { attempts: 1, minDelay: 1, maxDelay: 1 }
const SEGMENTED = { connections: 4, minSegmentSize: 2 ** 18 }
const missing = whyNoMultipath()

/** A client, and what it is told of its connections. */
function clientOf(
  server: RunningServer,
  more: FtpClientOptions = {},
): { client: FtpClient; connections: MptcpConnection[]; lost: unknown[] } {
  const connections: MptcpConnection[] = []
  const lost: unknown[] = []
  const connect = mptcp({ onConnection: (connection) => connections.push(connection) })
  const { host, port, user, password, tls: security, ca } = server
  const client = new FtpClient({
    ...{ host, port, user, password, security, tls: { ca }, connect, retry: BRISK, ...more },
  })
  client.on('disconnect', ({ reason }) => {
    if ((reason as { code?: string }).code !== 'ERR_FTP_CLOSED') lost.push(reason)
  })
  client.on('retry', ({ error }) => lost.push(error))
  return { client, connections, lost }
}

/** Down by several connections with early ends, up, and listed; nothing is left, and no control connection lost. */
async function thereAndBack(
  server: RunningServer,
  more: FtpClientOptions = {},
): Promise<readonly MptcpConnection[]> {
  await using folder = await temporaryDirectory()
  server.write('a.bin', CONTENT)
  const { client, connections, lost } = clientOf(server, more)
  await expectNoLeaks(async () => {
    try {
      const { connections: most } = await client.download('a.bin', folder.at('a.bin'), SEGMENTED)
      expect(most).toBeGreaterThan(1)
      await client.upload(CONTENT, 'b.bin')
      expect((await client.listAll()).map(({ name }) => name).sort()).toEqual(['a.bin', 'b.bin'])
    } finally {
      await client.close()
    }
  })
  expect(lost).toEqual([])
  expect((await readFile(folder.at('a.bin'))).equals(CONTENT)).toBe(true)
  expect((await readFile(`${server.root}/b.bin`)).equals(CONTENT)).toBe(true)
  return connections
}

const servers: readonly ServerOptions[] = (['none', 'explicit', 'implicit'] as const).flatMap((tls) =>
  ['127.0.0.1', '::1'].map((address) => ({ tls, address })),
)

describe.skipIf(missing)(`a server that has it (${missing ?? 'is there'})`, () => {
  describe.each(servers)('%o', (options) => {
    const server = sharedServer('pyftpdlib', { ...options, multipath: true })

    test('there and back, all of it over Multipath TCP', async () => {
      const connections = await thereAndBack(server())
      const { host: address, port } = server()
      expect(connections[0]).toEqual({
        ...{ purpose: 'control', address, port, protocol: 'mptcp', reason: undefined },
      })
      expect(connections.filter(({ purpose }) => purpose === 'control').length).toBeGreaterThan(1)
      expect(connections.filter(({ purpose }) => purpose === 'data').length).toBeGreaterThan(5)
      expect(connections.filter(({ protocol }) => protocol !== 'mptcp')).toEqual([])
    })

    test('a download that is aborted leaves nothing, and the client goes on', async () => {
      await using folder = await temporaryDirectory()
      server().write('a.bin', CONTENT)
      await expectNoLeaks(async () => {
        const { client } = clientOf(server())
        const stop = new AbortController()
        const reason = new Error('enough')
        const slowly = { ...SEGMENTED, bytesPerSecond: 2 ** 18, signal: stop.signal }
        const transfer = client.download('a.bin', folder.at('a.bin'), slowly)
        transfer.once('progress', () => stop.abort(reason))
        expect(await transfer.catch((error: unknown) => error)).toBe(reason)
        expect((await client.readFile('a.bin')).equals(CONTENT)).toBe(true)
        await client.close()
      })
    })
  })

  test('active mode: control by Multipath TCP, data as the server makes them', async () => {
    const server = await useServer('pyftpdlib', { multipath: true })
    const connections = await thereAndBack(server, { mode: 'active' })
    expect(new Set(connections.map(({ purpose, protocol }) => `${purpose} ${protocol}`))).toEqual(
      new Set(['control mptcp']),
    )
  })

  test('a name with several addresses: the first that answers, and data go to the same one', async () => {
    const server = await useServer('pyftpdlib', { multipath: true })
    answers.push(['127.0.0.2', '127.0.0.1'], ['127.0.0.3', '127.0.0.1'], ['127.0.0.1', '127.0.0.2'])
    const connections = await thereAndBack(server, { host: SEVERAL })
    expect(new Set(connections.map(({ address, protocol }) => `${address} ${protocol}`))).toEqual(
      new Set(['127.0.0.1 mptcp']),
    )
  })
})

describe('plain TCP', () => {
  test.skipIf(missing)('where the server has nothing else', async () => {
    const connections = await thereAndBack(await useServer('pyftpdlib'))
    expect(new Set(connections.map(({ protocol, reason }) => `${protocol}: ${reason}`))).toEqual(
      new Set(['tcp: the other side, or what is on the way, has no Multipath TCP']),
    )
  })

  test('on a system that is not Linux', async () => {
    const server = await useServer('ftp-srv')
    const actual = process.platform
    onTestFinished(() => void Object.defineProperty(process, 'platform', { value: actual }))
    const { client, connections } = clientOf(server)
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    await client.connect()
    Object.defineProperty(process, 'platform', { value: actual })
    await client.close()
    expect(connections).toMatchObject([
      { protocol: 'tcp', reason: 'this system has no Multipath TCP for us (only Linux has it)' },
    ])
  })
})

/** One connection to a server of ours, both its ends, and what it got. */
async function connected(
  host: string,
  protocol: 'mptcp' | 'tcp',
  more: Partial<DialTarget> = {},
): Promise<{ near: Socket; far: Socket; got: MptcpConnection[] }> {
  const sockets = new OpenSockets()
  onTestFinished(() => sockets.closeAll())
  const { server, port } = await listening(host, protocol, sockets)
  const arrives = once(server, 'connection') as Promise<[Socket]>
  const got: MptcpConnection[] = []
  const near = await dialled(host, port, more, { onConnection: (connection) => got.push(connection) })
  const [far] = await arrives
  return { near: sockets.hold(near), far, got }
}

async function listening(
  host: string,
  protocol: 'mptcp' | 'tcp',
  sockets: OpenSockets,
): Promise<{ server: Server; port: number }> {
  const hold = (socket: Socket): void => void sockets.hold(socket)
  if (protocol === 'mptcp') {
    const listener = await listenByMultipath(host, hold)
    onTestFinished(() => void listener.server.close())
    return listener
  }
  const server = createServer(hold)
  return { server, port: await sockets.listen(server, host) }
}

/** Dials as a control connection is dialled. */
async function dialled(
  host: string,
  port: number,
  more: Partial<DialTarget> = {},
  options: MptcpOptions = {},
): Promise<Socket> {
  const multipath = mptcp(options)
  await multipath.ready()
  const target = {
    host,
    port,
    family: 0 as const,
    localAddress: undefined,
    timeoutMs: 20_000,
    signal: undefined,
  }
  return dial({ ...target, ...more }, multipath.begin('control'))
}

const protocols = missing === undefined ? (['mptcp', 'tcp'] as const) : (['tcp'] as const)

describe.each(protocols)('a connection by %s', (protocol) => {
  test.each(['127.0.0.1', '::1'])('is a socket, to %s', async (host) => {
    const { near, far, got } = await connected(host, protocol)
    expect(got).toMatchObject([{ protocol }])
    expect(near.remoteAddress).toBe(host)
    expect(near.localAddress).toBe(host)
    far.write('hello')
    expect(String(((await once(near, 'data')) as [Buffer])[0])).toBe('hello')
    near.end('and back')
    expect(String(((await once(far, 'data')) as [Buffer])[0])).toBe('and back')
    await once(far.resume(), 'end')
  })

  test('is made from the local address', async () => {
    const { far } = await connected('127.0.0.1', protocol, { localAddress: '127.0.0.9' })
    expect(far.remoteAddress).toBe('127.0.0.9')
  })

  test('can be reset', async () => {
    const { near, far } = await connected('127.0.0.1', protocol)
    far.resume()
    const failed = once(far, 'error') as Promise<[NodeJS.ErrnoException]>
    near.resetAndDestroy()
    expect((await failed)[0].code).toBe('ECONNRESET')
  })
})

describe('a connection that is not made', () => {
  test('refused: an error that tells each attempt', async () => {
    const port = await closedPort('127.0.0.1')
    const error = await expectNoLeaks(() => dialled('127.0.0.1', port).catch((reason: unknown) => reason))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', attempts: [{ address: '127.0.0.1', port }] })
  })

  test('no longer wanted while it is made: the reason, and nothing is left', async () => {
    const { port, release } = await filteredPort('127.0.0.1')
    onTestFinished(release)
    await expectNoLeaks(async () => {
      const stop = new AbortController()
      const reason = new Error('never mind')
      const onSocket = (): void => void setImmediate(() => stop.abort(reason))
      subscribe('net.client.socket', onSocket)
      onTestFinished(() => void unsubscribe('net.client.socket', onSocket))
      const asked = dialled('127.0.0.1', port, { signal: stop.signal })
      expect(await asked.catch((error: unknown) => error)).toBe(reason)
    })
  })

  test('no answer: the time of the option, and nothing is left', async () => {
    const { port, release } = await filteredPort('127.0.0.1')
    onTestFinished(release)
    await expectNoLeaks(async () => {
      const timeouts = { connect: 300 }
      const client = new FtpClient({
        ...{ host: '127.0.0.1', port, security: 'none', connect: mptcp() },
        timeouts,
        retry: BRISK,
      })
      const error = await client.connect().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'connect', afterMs: 300 })
      await client.close()
    })
  })
})

test.each([
  [{ onConnection: 'x' }, /"onConnection" must be a function/],
  ['x', /options/],
])('an option that is none: %o', (options, message) => {
  const make = (): unknown => mptcp(options as MptcpOptions)
  expect(make).toThrow(TypeError)
  expect(make).toThrow(message)
})
