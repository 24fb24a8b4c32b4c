/** Option `connect`: what it is asked for, what it may give, and what becomes of it. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  download,
  FtpClient,
  type Connect,
  type ConnectTarget,
  type FtpClientOptions,
} from '../../src/index.ts'
import { TappedSocket } from '../../src/tls/tapped-socket.ts'
import { connectBy, type ConnectRequest } from '../../src/transport/connect.ts'
import { describeServers } from '../servers/vitest.ts'
import { fakeFtpServer, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { filteredPort } from '../support/scripted/dead-port.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const CONTENT = randomBytes(3 * 2 ** 20, 'connect')
const BRISK = { attempts: 2, minDelay: 1, maxDelay: 1 }

/** Leads to 127.0.0.1 whatever name is asked for, as a proxy with a table of its own would. */
const toLoopback: Connect = ({ port }) => connectTcp({ port, host: '127.0.0.1' })

/** A Duplex that is no socket, over one that is. */
const toWrapped: Connect = (target) => new TappedSocket(toLoopback(target) as Socket, () => {})

/** The same, once it is connected and paused. */
const toPaused: Connect = async (target) => {
  const socket = toLoopback(target) as Socket
  await once(socket, 'connect')
  return socket.pause()
}

const kinds: readonly (readonly [string, Connect])[] = [
  ['a socket that is still connecting', toLoopback],
  ['a socket that stands, paused', toPaused],
  ['a Duplex', toWrapped],
]

describe.each(kinds)('%s', (_kind, connect) => {
  describeServers({ securities: ['none', 'explicit', 'implicit'] }, (server, { kind, tls }) => {
    /** Nobody looks this name up, unless it has to be that of the certificate. */
    const options = (more: FtpClientOptions = {}): FtpClientOptions => {
      const { port, user, password, ca } = server()
      const host = tls === 'none' ? 'nowhere.invalid' : 'localhost'
      return {
        ...{ host, port, user, password, connect, retry: BRISK, tls: { ca } },
        ...{ security: tls, ...more },
      }
    }

    test('downloads by several connections with early ends, uploads, lists; nothing is left', async () => {
      await using folder = await temporaryDirectory()
      server().write('a.bin', CONTENT)
      const result = await expectNoLeaks(async () => {
        const client = new FtpClient(options())
        try {
          const transfer = client.download('a.bin', folder.at('a.bin'), {
            connections: 3,
            minSegmentSize: 2 ** 19,
          })
          const downloaded = await transfer
          await client.upload(CONTENT, 'b.bin')
          const names = (await client.listAll()).map(({ name }) => name)
          expect(names.sort()).toEqual(['a.bin', 'b.bin'])
          await client.remove('b.bin')
          return downloaded
        } finally {
          await client.close()
        }
      })
      expect((await readFile(folder.at('a.bin'))).equals(CONTENT)).toBe(true)
      // ftp-srv resumes only where it is told to, and Pure-FTPd gives no sessions.
      if (tls !== 'none' && !['ftp-srv', 'pure-ftpd'].includes(kind))
        expect(result.tls).toMatchObject({ dataSessionsReused: result.tls?.dataSessions })
    })
  })
})

function fakeServer(options: Parameters<typeof fakeFtpServer>[0] = {}): Promise<FakeFtpServer> {
  return fakeFtpServer({ files: { '/a.bin': CONTENT }, security: 'none', ...options })
}

/** Fetches /a.bin from the server by the name `nowhere.invalid`. */
async function fetched(server: FakeFtpServer, options: FtpClientOptions): Promise<Buffer> {
  await using folder = await temporaryDirectory()
  const url = `ftp://nowhere.invalid:${server.port}//a.bin`
  await download(url, folder.at('a.bin'), { connections: 1, retry: BRISK, ...options })
  return await readFile(folder.at('a.bin'))
}

describe('what it is asked for', () => {
  test('host as given, port, purpose; the options beside it; data go to the same host', async () => {
    await using server = await fakeServer()
    const asked: ConnectTarget[] = []
    const connect: Connect = (target) => {
      asked.push(target)
      return toLoopback(target)
    }
    const content = await fetched(server, { connect, family: 4, localAddress: '127.0.0.1' })
    expect(content.equals(CONTENT)).toBe(true)
    const [control, data] = asked
    const rest = { host: 'nowhere.invalid', family: 4, localAddress: '127.0.0.1' }
    expect(control).toMatchObject({ ...rest, port: server.port, purpose: 'control' })
    expect(data).toMatchObject({ ...rest, purpose: 'data' })
    expect(data?.signal.aborted).toBe(false)
  })

  test('PASV by its rule: the host of the control connection, what the server says, what a function says', async () => {
    await using server = await fakeServer({ unsupported: ['EPSV'] })
    for (const [passiveHost, host] of [
      ['control', 'nowhere.invalid'],
      ['server', '127.0.0.1'],
      [(offered: string, control: string) => `${offered}.${control}`, '127.0.0.1.nowhere.invalid'],
    ] as const) {
      const hosts: string[] = []
      const connect: Connect = (target) => {
        if (target.purpose === 'data') hosts.push(target.host)
        return toLoopback(target)
      }
      await fetched(server, { connect, passiveHost })
      expect(hosts).toEqual([host])
    }
  })

  test('the server is told by the name that was given', async () => {
    await using server = await fakeServer()
    const client = new FtpClient({
      ...{ host: 'nowhere.invalid', port: server.port, security: 'none', connect: toLoopback },
    })
    const { address } = await client.connect()
    await client.close()
    expect(address).toBe('nowhere.invalid')
  })
})

describe('what it may not be', () => {
  const SECRET = 'hunter2-secret'
  test.each([
    [{ connect: `socks5://u:${SECRET}@h` }, TypeError, /"connect" must be a function/],
    [{ connect: toLoopback, mode: 'active' }, TypeError, /"mode" is 'active'; with "connect"/],
  ])('%#: an error before anything is connected', (options, kind, message) => {
    const make = (): FtpClient => new FtpClient({ host: 'h', ...options } as FtpClientOptions)
    expect(make).toThrow(kind)
    expect(make).toThrow(message)
    expect(make).not.toThrow(SECRET)
  })
})

/** Asked for one connection; gives what it rejects with, and sees that nothing is left. */
async function refusal(connect: Connect, more: Partial<ConnectRequest> = {}): Promise<Error> {
  const signal = new AbortController().signal
  const request: ConnectRequest = {
    ...{ host: 'server.test', port: 21, purpose: 'control', family: 0, localAddress: undefined },
    ...{ timeoutMs: 20_000, signal, ...more },
  }
  return expectNoLeaks(
    () =>
      connectBy(connect, request).then(
        () => Promise.reject(new Error('it connected')),
        (error: unknown) => error as Error,
      ),
    { watch: [signal] },
  )
}

describe('what becomes of it', () => {
  test.each<[string, Connect]>([
    [
      'throws',
      () => {
        throw new Error('no way there')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no way there'))],
    ['gives a socket that fails', () => new Socket().destroy(new Error('no way there'))],
    [
      'gives one that is refused',
      () => {
        const socket = connectTcp({ port: 1, host: '127.0.0.1' })
        process.nextTick(() => socket.destroy(new Error('no way there')))
        return socket
      },
    ],
  ])('a function that %s: ERR_FTP_CONNECT', async (_what, connect) => {
    const error = await refusal(connect)
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', host: 'server.test:21', retryable: true })
    expect(error.cause).toMatchObject({ message: 'no way there' })
  })

  test('a function that gives no Duplex: TypeError', async () => {
    const error = await refusal((() => ({ write: () => true })) as unknown as Connect)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/"connect" must give a Duplex/)
  })

  test('one that never answers: a timeout of the phase, and its signal aborts', async () => {
    let signal: AbortSignal | undefined
    const error = await refusal(
      (target) => {
        signal = target.signal
        return new Promise(() => {})
      },
      { timeoutMs: 5 },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'connect', afterMs: 5 })
    expect(signal?.reason).toBe(error)
  })

  test('a socket that is not accepted in time is destroyed', async () => {
    const dead = await filteredPort('127.0.0.1')
    onTestFinished(() => dead.release())
    const sockets: Socket[] = []
    const connect: Connect = () => {
      const socket = connectTcp({ port: dead.port, host: '127.0.0.1' })
      sockets.push(socket)
      return socket
    }
    expect(await refusal(connect, { timeoutMs: 50 })).toMatchObject({ phase: 'connect' })
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true])
  })

  test.each(['before', 'meanwhile'])(
    'an abort %s: its reason, and what comes later is destroyed',
    async (when) => {
      const reason = new Error('enough')
      const stop = new AbortController()
      if (when === 'before') stop.abort(reason)
      const late = new Duplex()
      const hosts: string[] = []
      const connect: Connect = async ({ host }) => {
        hosts.push(host)
        stop.abort(reason)
        await new Promise((resolve) => setImmediate(resolve))
        return late
      }
      expect(await refusal(connect, { signal: stop.signal })).toBe(reason)
      expect(hosts).toHaveLength(when === 'before' ? 0 : 1)
      expect(late.destroyed).toBe(when !== 'before')
    },
  )

  test('data that cannot be connected: ERR_FTP_DATA, by both ways of asking for a port', async () => {
    await using server = await fakeServer()
    const connect: Connect = (target) => {
      if (target.purpose === 'data') throw new Error('data are not relayed')
      return toLoopback(target)
    }
    const error: unknown = await fetched(server, { connect, retry: { ...BRISK, attempts: 1 } }).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_DATA' })
    expect(inspect(error)).toContain('data are not relayed')
    expect(server.commands[0]).toEqual(expect.arrayContaining(['EPSV', 'PASV']))
  })

  test('a Duplex under TLS goes with its session', async () => {
    await using server = await fakeServer({ security: 'explicit' })
    const made: Duplex[] = []
    const connect: Connect = (target) => {
      const one = toWrapped(target) as Duplex
      made.push(one)
      return one
    }
    const { ca } = await certificate()
    const client = new FtpClient({
      ...{ host: 'localhost', port: server.port, connect, tls: { ca } },
    })
    await client.readFile('a.bin')
    client.destroy()
    await expect.poll(() => made.map(({ destroyed }) => destroyed)).toEqual([true, true])
  })
})
