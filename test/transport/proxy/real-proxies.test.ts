/** Through real proxies, to real servers: control and data, in clear and under TLS, there and back. */
import { readFile } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../../src/index.ts'
import { ftpProxy, httpProxy, socksProxy } from '../../../src/proxy.ts'
import { findSecret } from '../../hazards/support/secrets.ts'
import { whyUnavailable } from '../../servers/installation.ts'
import { useProxy, type RunningProxy } from '../../servers/proxies.ts'
import type { ProxyKind, RunningServer, ServerKind, ServerOptions } from '../../servers/types.ts'
import { useServer } from '../../servers/vitest.ts'
import { certificate } from '../../support/certificates.ts'
import { expectNoLeaks } from '../../support/leaks.ts'
import { randomBytes } from '../../support/random-bytes.ts'
import { OpenSockets } from '../../support/scripted/open-sockets.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const CONTENT = randomBytes(3 * 2 ** 20, 'proxies')
const SECRET = 'hunter2-secret'
const LOGIN = { user: 'carl', password: SECRET }
const inUrl = `carl:${encodeURIComponent(SECRET)}`
const BRISK = { attempts: 1, minDelay: 1, maxDelay: 1 }

type Way = Exclude<FtpClientOptions['connect'], undefined>

interface Route {
  readonly name: string
  readonly kind: ProxyKind
  /** Starts the proxy of this test. */
  readonly open: () => Promise<{ proxy: RunningProxy; connect: Way }>
}

const routes: readonly Route[] = [
  {
    name: 'SOCKS 5 with a login (microsocks)',
    kind: 'microsocks',
    open: async () => {
      const proxy = await useProxy('microsocks', LOGIN)
      return { proxy, connect: socksProxy(`socks5://${inUrl}@${proxy.host}:${proxy.port}`) }
    },
  },
  {
    // It takes no names by SOCKS 4a.
    name: 'SOCKS 4 (Dante)',
    kind: 'danted',
    open: async () => {
      const proxy = await useProxy('danted')
      return { proxy, connect: socksProxy(`socks4://carl@${proxy.host}:${proxy.port}`) }
    },
  },
  {
    name: 'HTTP with a login (tinyproxy)',
    kind: 'tinyproxy',
    open: async () => {
      const proxy = await useProxy('tinyproxy', LOGIN)
      return { proxy, connect: httpProxy(`http://${inUrl}@${proxy.host}:${proxy.port}`) }
    },
  },
  {
    name: 'HTTP under TLS (tinyproxy behind TLS)',
    kind: 'tinyproxy',
    open: async () => {
      const proxy = await useProxy('tinyproxy', LOGIN)
      const { ca, port } = await tlsBefore(proxy)
      return { proxy, connect: httpProxy(`https://${inUrl}@localhost:${port}`, { tls: { ca } }) }
    },
  },
]

/** What a TLS terminator before a proxy does. */
async function tlsBefore(proxy: RunningProxy): Promise<{ ca: string; port: number }> {
  const { key, cert, ca } = await certificate()
  const sockets = new OpenSockets()
  onTestFinished(() => sockets.closeAll())
  const front = createTlsServer({ key, cert }, (client: TLSSocket) => {
    sockets.hold(client)
    const behind = sockets.hold(connectTcp({ port: proxy.port, host: proxy.host }))
    client.pipe(behind).pipe(client)
    client.once('close', () => behind.destroy())
    behind.once('close', () => client.destroySoon())
  })
  front.on('connection', (socket: Socket) => void sockets.hold(socket))
  front.on('tlsClientError', () => undefined)
  return { ca, port: await sockets.listen(front, proxy.host) }
}

const targets: readonly (readonly [ServerKind, ServerOptions])[] = [
  ['pyftpdlib', { tls: 'none' }],
  ['proftpd', { tls: 'explicit', requireReuse: true }],
  ['vsftpd', { tls: 'implicit', requireReuse: true }],
]

function clientOf(server: RunningServer, connect: Way, host: string = server.host): FtpClient {
  const { port, user, password, tls: security, ca } = server
  return new FtpClient({ host, port, user, password, security, tls: { ca }, connect, retry: BRISK })
}

/** Down by several connections with early ends, up, and listed. */
async function thereAndBack(server: RunningServer, connect: Way, host?: string): Promise<void> {
  await using folder = await temporaryDirectory()
  server.write('a.bin', CONTENT)
  const client = clientOf(server, connect, host)
  const seen: unknown[] = []
  for (const name of ['connect', 'command', 'reply', 'disconnect'] as const)
    client.on(name, (event: unknown) => seen.push(event))
  await expectNoLeaks(async () => {
    try {
      // That TLS is with the server, not with the proxy.
      expect((await client.connect()).tls === undefined).toBe(server.tls === 'none')
      const down = { connections: 3, minSegmentSize: 2 ** 19 }
      const { tls } = await client.download('a.bin', folder.at('a.bin'), down)
      if (server.tls !== 'none') expect(tls?.dataSessionsReused).toBe(tls?.dataSessions)
      await client.upload(CONTENT, 'b.bin')
      expect((await client.listAll()).map(({ name }) => name).sort()).toEqual(['a.bin', 'b.bin'])
    } finally {
      await client.close()
    }
  })
  expect((await readFile(folder.at('a.bin'))).equals(CONTENT)).toBe(true)
  expect((await readFile(`${server.root}/b.bin`)).equals(CONTENT)).toBe(true)
  expect(findSecret([client, seen, connect], SECRET)).toEqual([])
}

describe.each(routes)('$name', ({ kind, open }) => {
  const missing = whyUnavailable(kind)

  test.each(targets)('to %s %o', async (server, options) => {
    const unavailable = missing ?? whyUnavailable(server)
    if (unavailable !== undefined) return
    const { proxy, connect } = await open()
    await thereAndBack(await useServer(server, options), connect)
    if (kind === 'tinyproxy') expect(proxy.log()).toContain('CONNECT 127.0.0.1:')
  })

  test.skipIf(missing)('by a name that the proxy looks up', async () => {
    const { connect } = await open()
    await thereAndBack(await useServer('ftp-srv'), connect, 'localhost')
  })

  test.skipIf(missing)('an abort at any stage leaves nothing', async () => {
    const { connect } = await open()
    const server = await useServer('ftp-srv')
    server.write('a.bin', CONTENT)
    for (const stage of ['connect', 'USER', 'EPSV', 'RETR', 'data'] as const) {
      await expectNoLeaks(async () => {
        const client = clientOf(server, connect)
        const stop = new AbortController()
        const reason = new Error(`stopped at ${stage}`)
        client.on('command', ({ command }) => {
          if (command.startsWith(stage)) stop.abort(reason)
        })
        const read = client.createReadStream('a.bin', { signal: stop.signal })
        if (stage === 'connect') setImmediate(() => stop.abort(reason))
        if (stage === 'data') read.once('data', () => stop.abort(reason))
        else read.resume()
        const error = await new Promise((resolve) => read.once('error', resolve))
        expect(error).toBe(reason)
        await client.close()
      })
    }
  })

  test.skipIf(missing)('a server that is not there: ERR_FTP_CONNECT', async () => {
    const { connect } = await open()
    const server = await useServer('ftp-srv')
    await server.stop()
    const error = await clientOf(server, connect)
      .connect()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT' })
    expect(findSecret(error, SECRET)).toEqual([])
  })
})

describe('more of them', () => {
  test.skipIf(whyUnavailable('danted'))('SOCKS 5 without a login, by name', async () => {
    const proxy = await useProxy('danted')
    const connect = socksProxy(`socks5h://${proxy.host}:${proxy.port}`)
    await thereAndBack(await useServer('ftp-srv'), connect, 'localhost')
  })

  test.skipIf(whyUnavailable('microsocks'))('IPv6 behind a proxy that is reached by IPv4', async () => {
    const proxy = await useProxy('microsocks')
    const connect = socksProxy(`socks5h://${proxy.host}:${proxy.port}`)
    await thereAndBack(await useServer('pyftpdlib', { address: '::1' }), connect)
  })

  test.skipIf(whyUnavailable('tinyproxy'))('IPv6 through an HTTP proxy', async () => {
    const proxy = await useProxy('tinyproxy')
    await thereAndBack(
      await useServer('pyftpdlib', { address: '::1' }),
      httpProxy(`http://${proxy.host}:${proxy.port}`),
    )
  })

  test.each<readonly [ProxyKind, string, (login: string, port: number) => Way, RegExp]>([
    ['microsocks', 'wrong:', (login, port) => socksProxy(`socks5://${login}127.0.0.1:${port}`), /Check user/],
    ['microsocks', '', (login, port) => socksProxy(`socks5://${login}127.0.0.1:${port}`), /wants a login/],
    [
      'tinyproxy',
      'wrong:',
      (login, port) => httpProxy(`http://${login}127.0.0.1:${port}`),
      /401 .*Check user/,
    ],
    ['tinyproxy', '', (login, port) => httpProxy(`http://${login}127.0.0.1:${port}`), /407 .*wants a login/],
  ])('%s refuses the login %o: told, and not tried again', async (kind, user, way, message) => {
    if (whyUnavailable(kind) !== undefined) return
    const proxy = await useProxy(kind, { user: 'carl', password: 'right' })
    const login = user === '' ? '' : `${user}${encodeURIComponent(SECRET)}@`
    const server = await useServer('ftp-srv')
    const error: unknown = await clientOf(server, way(login, proxy.port))
      .connect()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', retryable: false })
    expect((error as Error).message).toMatch(message)
    expect(findSecret(error, SECRET)).toEqual([])
  })

  test.skipIf(whyUnavailable('tinyproxy'))('an HTTP proxy that lets only some ports through', async () => {
    const server = await useServer('ftp-srv')
    const proxy = await useProxy('tinyproxy', { lines: [`ConnectPort ${server.port}`] })
    const client = clientOf(server, httpProxy(`http://127.0.0.1:${proxy.port}`))
    const error: unknown = await client.readFile('a.bin').catch((reason: unknown) => reason)
    await client.close()
    expect(error).toMatchObject({ code: 'ERR_FTP_DATA', retryable: false })
    expect((error as Error).message).toMatch(/403 .*certain ports only/)
  })

  test.skipIf(whyUnavailable('ftp-proxy'))('an FTP proxy: USER user@host:port', async () => {
    const proxy = await useProxy('ftp-proxy')
    await thereAndBack(await useServer('pyftpdlib'), ftpProxy(`ftp://127.0.0.1:${proxy.port}`))
  })
})
