import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listenForData } from '../../src/connection/active.ts'
import { passiveSocket, type DataSecurity, type DataTarget } from '../../src/connection/data-socket.ts'
import { DataConnection, type DataOptions, type OpenDataSocket } from '../../src/connection/data.ts'
import type { DataReceiver } from '../../src/connection/receiver.ts'
import { secureIdentity } from '../../src/tls/secure-options.ts'
import { Tickets } from '../../src/tls/tickets.ts'
import { deferred } from '../../src/util/deferred.ts'
import { certificate, shownBy } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { OpenSockets } from '../support/scripted/open-sockets.ts'
import { ScriptedData } from '../support/scripted/script-data.ts'
import { ServerTls } from '../support/scripted/server-tls.ts'
import { filteredPort } from '../support/scripted/dead-port.ts'

const SOURCE = randomBytes(2_000_000, 'data')
const LIMITS: DataOptions = {
  label: 'ftp.test:2000',
  connectMs: 10_000,
  tlsMs: undefined,
  stallMs: 10_000,
  isSending: false,
}

/** Takes everything into rooms of one size; pauses after so many reads, until it is told to go on. */
class Taker implements DataReceiver {
  readonly chunks: Buffer[] = []
  readonly room: Buffer
  pauseEvery = Infinity
  stopAt = Infinity
  reads = 0
  /** Reads that came although it had asked for a pause. */
  late = 0
  isPaused = false
  goOn: () => void = () => undefined
  /** Called at each pause. */
  onPause: () => void = () => setImmediate(() => this.resume())

  constructor(roomSize: number = 65_536) {
    this.room = Buffer.alloc(roomSize)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  space(): Uint8Array {
    return this.room
  }

  received(bytes: number): 'more' | 'pause' | 'stop' {
    this.chunks.push(Buffer.from(this.room.subarray(0, bytes)))
    this.reads += 1
    if (this.isPaused) this.late += 1
    if (this.reads >= this.stopAt) return 'stop'
    if (this.reads % this.pauseEvery !== 0) return 'more'
    if (!this.isPaused) {
      this.isPaused = true
      this.onPause()
    }
    return 'pause'
  }

  resume(): void {
    this.isPaused = false
    this.goOn()
  }

  onResume(resume: () => void): void {
    this.goOn = resume
  }
}

interface Peer {
  readonly data: ScriptedData
  readonly open: OpenDataSocket
  readonly security: DataSecurity | undefined
}

class NotedTickets extends Tickets {
  readonly added: Uint8Array[] = []

  override add(session: Uint8Array, origin: number): void {
    this.added.push(session)
    super.add(session, origin)
  }
}

type Kind = 'passive, plain' | 'passive, TLS' | 'passive, TLS adopted' | 'active, plain' | 'active, TLS'

let sockets: OpenSockets

beforeEach(() => {
  sockets = new OpenSockets()
})

afterEach(() => sockets.closeAll())

/** A scripted server's end of a data connection, and what opens ours. */
async function peer(
  kind: Kind,
  { trusts = true, tickets = new Tickets() }: { trusts?: boolean; tickets?: Tickets } = {},
): Promise<Peer> {
  const isTls = kind.includes('TLS')
  const data = new ScriptedData({ sockets, host: '127.0.0.1', tls: isTls ? new ServerTls() : undefined })
  // With a literal address that is not the peer's, the TCP connection has to be made first.
  const host = kind === 'passive, TLS adopted' ? '::1' : 'localhost'
  const tls = trusts ? { ca: (await certificate()).ca, servername: 'localhost' } : {}
  const shown = shownBy(await certificate())
  const security = isTls
    ? { identity: secureIdentity(tls, host), tickets, certificate: shown, watchesEnd: false }
    : undefined
  if (kind.startsWith('active')) {
    const options = { listenAddress: '127.0.0.1', ports: undefined, peerAddress: '127.0.0.1' }
    const { port, open } = await listenForData(options, security)
    await data.connectTo(port, '127.0.0.1')
    return { data, open, security }
  }
  await data.listen()
  return { data, open: passiveSocket(targetAt(data.port), security), security }
}

function targetAt(port: number): DataTarget {
  return {
    address: '127.0.0.1',
    port,
    localAddress: undefined,
    family: 0,
    connect: undefined,
    multipath: undefined,
  }
}

function start(
  open: OpenDataSocket,
  receiver: DataReceiver,
  options: Partial<DataOptions> = {},
): DataConnection {
  const connection = new DataConnection(open, receiver, { ...LIMITS, ...options })
  connection.start()
  return connection
}

const KINDS: Kind[] = [
  'passive, plain',
  'passive, TLS',
  'passive, TLS adopted',
  'active, plain',
  'active, TLS',
]

describe.each(KINDS)('%s', (kind) => {
  const isTls = kind.includes('TLS')
  const tlsMs = isTls ? 10_000 : undefined

  test('brings every byte and an orderly end, and leaves nothing', async () => {
    await expectNoLeaks(async () => {
      const { data, open } = await peer(kind)
      const taker = new Taker()
      const connection = start(open, taker, { tlsMs })
      await data.write(SOURCE)
      await data.end()
      expect(await connection.end).toEqual({ is: 'ended' })
      expect(taker.bytes.equals(SOURCE)).toBe(true)
      expect(connection.bytes).toBe(SOURCE.length)
      expect(connection.tls).toEqual(isTls ? { protocol: 'TLSv1.3', resumed: false } : undefined)
      expect(await data.departed).toBe('end')
    })
  })

  test.each([1, 2, 7])(
    'a receiver that pauses after every %i reads of little room loses nothing',
    async (pauseEvery) => {
      const { data, open } = await peer(kind)
      const taker = new Taker(5_000)
      taker.pauseEvery = pauseEvery
      const connection = start(open, taker, { tlsMs })
      const some = SOURCE.subarray(0, 300_001)
      await data.write(some)
      await data.end()
      expect(await connection.end).toEqual({ is: 'ended' })
      expect(taker.bytes.equals(some)).toBe(true)
    },
  )

  test('a pause holds the source back until the receiver goes on', async () => {
    const { data, open } = await peer(kind)
    const taker = new Taker(16_384)
    let pauses = 0
    taker.pauseEvery = 1
    // The second pause comes in the middle of what the first one held back.
    taker.onPause = () => void (pauses += 1)
    const connection = start(open, taker, { tlsMs })
    void data.write(SOURCE)
    for (let round = 1; round <= 10; round++) {
      while (pauses < round) await new Promise((resolve) => setImmediate(resolve))
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      taker.resume()
    }
    // What is decrypted already is delivered all the same; it is never more than one read of TCP.
    expect(taker.reads).toBeLessThan(isTls ? 100 : 12)
    connection.cut()
  })

  test("'stop' resets the connection: the server notices, nothing more comes, nothing is left", async () => {
    await expectNoLeaks(async () => {
      const { data, open } = await peer(kind)
      const taker = new Taker(16_384)
      taker.stopAt = 3
      const connection = start(open, taker, { tlsMs })
      void data.write(SOURCE)
      expect(await connection.end).toEqual({ is: 'cut' })
      expect(await data.departed).toBe('reset')
      expect(taker.reads).toBe(3)
    })
  })

  test('a reset by the server is a loss, after the bytes before it', async () => {
    const { data, open } = await peer(kind)
    const taker = new Taker()
    const connection = start(open, taker, { tlsMs })
    await data.write(SOURCE.subarray(0, 50_000))
    await data.reset()
    expect(await connection.end).toMatchObject({
      is: 'lost',
      error: { code: 'ERR_FTP_DATA', retryable: true },
    })
    expect(taker.bytes.equals(SOURCE.subarray(0, 50_000))).toBe(true)
  })

  test('silence is a loss when it lasts too long, unless the receiver is the slow one', async () => {
    const { data, open } = await peer(kind)
    const taker = new Taker()
    const paused = deferred<undefined>()
    taker.pauseEvery = 1
    taker.onPause = () => paused.resolve(undefined)
    const connection = start(open, taker, { tlsMs, stallMs: 250, isSending: false })
    await data.write('first')
    await paused.promise
    await data.write('second')
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(taker.bytes.toString()).toBe('first')
    taker.onPause = () => setImmediate(() => taker.resume())
    taker.resume()
    expect(await connection.end).toMatchObject({
      is: 'lost',
      error: { code: 'ERR_FTP_TIMEOUT', phase: 'data', afterMs: 250 },
    })
    expect(taker.bytes.toString()).toBe('firstsecond')
    expect(await data.departed).toBe('reset')
  })
})

describe('the stall clock', () => {
  test('starts anew with each read', async () => {
    const { data, open } = await peer('passive, plain')
    const connection = start(open, new Taker(), { stallMs: 800, isSending: false })
    for (let round = 0; round < 10; round++) {
      await data.write('x')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await data.end()
    expect(await connection.end).toEqual({ is: 'ended' })
  })
})

describe('a connection that cannot be made', () => {
  test('is lost, with the reason', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    await expectNoLeaks(async () => {
      const connection = start(passiveSocket(targetAt(port), undefined), new Taker())
      expect(await connection.end).toMatchObject({ is: 'lost', error: { code: 'ERR_FTP_DATA' } })
      await expect(connection.connected).rejects.toThrow(/could not be made.*ECONNREFUSED/)
    })
  })

  test.runIf(process.platform === 'linux').each([
    ['passive', undefined],
    ['TLS', 10_000],
  ])('to a filtered port (%s): the deadline holds, and nothing is left', async (_kind, tlsMs) => {
    const { port, release } = await filteredPort('127.0.0.1')
    const { security } = await peer(tlsMs === undefined ? 'passive, plain' : 'passive, TLS')
    await expectNoLeaks(async () => {
      const connection = start(passiveSocket(targetAt(port), security), new Taker(), { tlsMs, connectMs: 80 })
      expect(await connection.end).toMatchObject({
        is: 'lost',
        error: { code: 'ERR_FTP_TIMEOUT', phase: 'data-connect', afterMs: 80 },
      })
    })
    await release()
  })

  test('in active mode the deadline closes the listener', async () => {
    await expectNoLeaks(async () => {
      const options = { listenAddress: '127.0.0.1', ports: undefined, peerAddress: '127.0.0.1' }
      const { open } = await listenForData(options, undefined)
      const connection = start(open, new Taker(), { connectMs: 30 })
      expect(await connection.end).toMatchObject({ is: 'lost', error: { phase: 'data-connect' } })
    })
  })

  test('never started and cut: it ends, and start() does nothing any more', async () => {
    const connection = new DataConnection(() => expect.unreachable(), new Taker(), LIMITS)
    connection.cut()
    connection.start()
    expect(await connection.end).toEqual({ is: 'cut' })
  })
})

describe('TLS', () => {
  let server: Server
  let accepted: Promise<Socket>

  beforeEach(async () => {
    server = createServer()
    accepted = once(server, 'connection').then(([socket]) => sockets.hold(socket as Socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(async () => {
    await sockets.closeAll()
    await new Promise((resolve) => server.close(resolve))
  })

  async function begin(ca: string, options: Partial<DataOptions> = {}): Promise<DataConnection> {
    const { port } = server.address() as AddressInfo
    const security = {
      identity: secureIdentity({ ca }, 'localhost'),
      tickets: new Tickets(),
      certificate: shownBy(await certificate()),
      watchesEnd: false,
    }
    return start(passiveSocket(targetAt(port), security), new Taker(), { tlsMs: 10_000, ...options })
  }

  test('an end before the handshake is no end of file', async () => {
    const connection = await begin((await certificate()).ca)
    ;(await accepted).end()
    expect(await connection.end).toMatchObject({ is: 'lost', error: { code: 'ERR_FTP_TLS_HANDSHAKE' } })
  })

  test('a handshake that does not come on: the deadline holds', async () => {
    const connection = await begin((await certificate()).ca, { tlsMs: 60 })
    const socket = await accepted
    expect(await connection.end).toMatchObject({
      is: 'lost',
      error: { code: 'ERR_FTP_TIMEOUT', phase: 'tls', afterMs: 60 },
    })
    socket.destroy()
  })

  test.each(['passive, TLS', 'passive, TLS adopted', 'active, TLS'] as const)(
    'a certificate that is not trusted (%s): a loss that says so',
    async (kind) => {
      const { data, open } = await peer(kind, { trusts: false })
      const connection = start(open, new Taker(), { tlsMs: 10_000 })
      void data.secure().catch(() => undefined)
      expect(await connection.end).toMatchObject({
        is: 'lost',
        error: {
          code: 'ERR_FTP_TLS_HANDSHAKE',
          retryable: false,
          message: expect.stringContaining('tls.ca') as unknown,
        },
      })
    },
  )

  test.each(['passive, TLS', 'passive, TLS adopted', 'active, TLS'] as const)(
    'the tickets of a connection that was cut come after older ones, those of one that ended before (%s)',
    async (kind) => {
      const tickets = new NotedTickets()
      /** One data connection; gives the tickets that it brought. */
      const use = async (isCut: boolean): Promise<Uint8Array[]> => {
        const { data, open } = await peer(kind, { tickets })
        const before = tickets.added.length
        const taker = new Taker()
        const connection = start(open, taker, { tlsMs: 10_000 })
        await data.write('some')
        while (taker.bytes.length < 4) await new Promise((resolve) => setImmediate(resolve))
        if (isCut) connection.cut()
        else await data.end()
        await connection.end
        return tickets.added.slice(before)
      }
      await use(false)
      const older = await use(false)
      expect(older.length).toBeGreaterThan(1)
      expect(older).toContain(tickets.take())
      const doubtful = await use(true)
      expect(doubtful.length).toBeGreaterThan(0)
      expect(doubtful).not.toContain(tickets.take())
    },
  )
})

describe('an active listener', () => {
  const at = (ports: [number, number] | undefined, peerAddress = '127.0.0.1') =>
    listenForData({ listenAddress: '127.0.0.1', ports, peerAddress }, undefined)

  test('takes the first that comes from the right address, and nobody else', async () => {
    const { port, open } = await at(undefined, '127.0.0.2')
    const stranger = connect({ port, host: '127.0.0.1' }).on('error', () => undefined)
    await once(stranger, 'close')
    const taker = new Taker()
    const connection = start(open, taker)
    const server = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    await once(server, 'connect')
    server.end('from the server')
    expect(await connection.end).toEqual({ is: 'ended' })
    expect(taker.bytes.toString()).toBe('from the server')
    const second = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    expect(await once(second, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  })

  test('loses nothing of a server that connects and sends before we ask for the data', async () => {
    const { port, open } = await at(undefined)
    const server = connect({ port, host: '127.0.0.1' })
    await once(server, 'connect')
    server.end('early')
    await new Promise((resolve) => setTimeout(resolve, 30))
    const taker = new Taker()
    expect(await start(open, taker).end).toEqual({ is: 'ended' })
    expect(taker.bytes.toString()).toBe('early')
  })

  test('listens within its ports, and says which when none is free', async () => {
    const first = await at(undefined)
    const range: [number, number] = [first.port, first.port]
    await expect(at(range)).rejects.toMatchObject({
      code: 'ERR_FTP_DATA',
      message: expect.stringContaining(`ports ${first.port} to ${first.port}`) as unknown,
    })
    first.close()
    const again = await at(range)
    expect(again.port).toBe(first.port)
    again.close()
  })

  test('closed before it is used, with a guest in or without: nothing is left', async () => {
    await expectNoLeaks(async () => {
      ;(await at(undefined)).close()
      const listener = await at(undefined)
      const server = connect({ port: listener.port, host: '127.0.0.1' }).on('error', () => undefined)
      await once(server, 'connect')
      await new Promise((resolve) => setImmediate(resolve))
      listener.close()
      await once(server.resume(), 'close')
    })
  })
})
