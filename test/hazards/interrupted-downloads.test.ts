/** The server or the network goes away on the way, or the caller stops and starts: the file is right in the end. */
import fc from 'fast-check'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  FtpClient,
  type DownloadOptions,
  type DownloadResult,
  type FtpClientOptions,
  type Transfer,
} from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'
import { untilTrue } from '../support/eventually.ts'

const SIZE = 6_000_013
const CONTENT = randomBytes(SIZE, 'interrupted')
/** As many attempts as it takes, soon after one another. */
const PATIENT: FtpClientOptions['retry'] = {
  attempts: 30,
  minDelay: 50,
  maxDelay: 200,
  factor: 2,
  jitter: 0.5,
}
/** Of all connections together. */
const SLOW = 6_000_000
/** The fast one soon runs dry, and takes from the others. */
const UNEVEN = [4_000_000, 500_000, 500_000, 500_000]

/** One port that stays, with a server behind it that may go and come back; the data goes past it. */
class Gateway {
  port = 0
  server!: FakeFtpServer
  readonly #options: FakeFtpOptions
  readonly #sockets = new Set<Socket>()
  #listener: Server | undefined

  constructor(options: FakeFtpOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    this.server = await fakeFtpServer(this.#options)
    this.#listener = createServer((socket) => this.#pass(socket))
    this.#listener.listen(this.port, '127.0.0.1')
    await once(this.#listener, 'listening')
    const address = this.#listener.address()
    this.port = address !== null && typeof address === 'object' ? address.port : 0
  }

  /** Everything ends at once, and the port is refused. */
  async close(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    if (listener === undefined) return
    const closed = once(listener, 'close')
    listener.close()
    this.cutControl()
    await Promise.all([closed, this.server.close()])
  }

  /** All control connections die. */
  cutControl(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #pass(socket: Socket): void {
    const inner = connect(this.server.port, '127.0.0.1')
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      this.#sockets.add(one)
      one.setNoDelay(true).pipe(other)
      one
        .on('error', () => {})
        .on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
    }
  }
}

let folder: TemporaryDirectory
let target: string
let gateway: Gateway

beforeEach(async () => {
  folder = await temporaryDirectory()
  target = folder.at('file.bin')
})

afterEach(() => folder[Symbol.asyncDispose]())

/** A test that leaves nothing behind: neither what the library opens, nor servers that come and go. */
function play<Args extends unknown[]>(
  body: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  return (...args) =>
    expectNoLeaks(async () => {
      try {
        await body(...args)
      } finally {
        await gateway.close()
      }
    })
}

async function serve(options: FakeFtpOptions): Promise<void> {
  gateway = new Gateway(serving(CONTENT, options))
  await gateway.open()
}

type During = (transfer: Transfer<DownloadResult>, client: FtpClient) => unknown

interface FetchOptions extends DownloadOptions {
  readonly client?: FtpClientOptions
}

/** Fails if a session is not given back. */
async function fetch(
  { client: more = {}, ...options }: FetchOptions,
  during: During,
): Promise<DownloadResult> {
  const address: FtpClientOptions = { host: '127.0.0.1', port: gateway.port, security: 'none' }
  const login = { user: USER, password: PASSWORD, retry: PATIENT }
  await using client = new FtpClient({ ...address, ...login, ...more })
  const transfer = client.download(REMOTE, target, { minSegmentSize: 65_536, ...options })
  const [settled, done] = await Promise.allSettled([transfer.result, during(transfer, client)])
  expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
  if (settled.status === 'rejected') throw settled.reason
  if (done.status === 'rejected') throw done.reason
  return settled.value
}

async function expectWhole(content: Buffer = CONTENT): Promise<void> {
  expect(Buffer.compare(await readFile(target), content)).toBe(0)
  expect(await readdir(folder.path), 'nothing is left beside it').toEqual(['file.bin'])
}

const arrived = (transfer: Transfer<DownloadResult>, bytes: number): Promise<unknown> =>
  untilTrue(() => transfer.progress.bytes > bytes)

const split = (transfer: Transfer<DownloadResult>): Promise<void> =>
  new Promise((resolve) => {
    transfer.on('segment', ({ type }) => {
      if (type === 'split') resolve()
    })
  })

describe.each([1, 4])('%i connections', (connections) => {
  test(
    'all control connections die at once, three times',
    play(async () => {
      await serve({ bytesPerSecond: SLOW / connections })
      const result = await fetch({ connections }, async (transfer) => {
        for (const bytes of [1, 2, 3]) {
          await arrived(transfer, bytes * 800_000)
          gateway.cutControl()
        }
      })
      expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
      await expectWhole()
    }),
  )

  test(
    'the server is restarted',
    play(async () => {
      await serve({ bytesPerSecond: SLOW / connections })
      let before = 0
      const result = await fetch({ connections }, async (transfer) => {
        await arrived(transfer, 2_000_000)
        await gateway.close()
        before = transfer.progress.bytes
        await gateway.open()
      })
      expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
      const sent = gateway.server.retrievals.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
      // What each connection compares, at both ends of what it brings.
      expect(sent).toBeLessThan(SIZE - before + 200_000)
      await expectWhole()
    }),
  )

  test(
    'the server is gone for a while',
    play(async () => {
      await serve({ bytesPerSecond: SLOW / connections })
      const result = await fetch({ connections }, async (transfer) => {
        await arrived(transfer, 2_000_000)
        await gateway.close()
        await sleep(1_500)
        expect(transfer.state).toBe('transferring')
        await gateway.open()
      })
      expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
      await expectWhole()
    }),
  )

  test(
    'the server is gone for longer than it is asked: an error, and the next run goes on',
    play(async () => {
      await serve({ bytesPerSecond: SLOW / connections })
      const retry = { ...PATIENT, attempts: 3 }
      const failing = fetch({ connections, client: { retry } }, async (transfer) => {
        await arrived(transfer, 3_000_000)
        await gateway.close()
      })
      await expect(failing).rejects.toMatchObject({ retryable: true })
      await gateway.open()
      const { resumedBytes } = await fetch({ connections }, () => {})
      expect(resumedBytes).toBeGreaterThan(2_500_000)
      await expectWhole()
    }),
  )

  test(
    'the server is restarted while the transfer is paused',
    play(async () => {
      await serve({ bytesPerSecond: SLOW / connections })
      await fetch({ connections }, async (transfer) => {
        await arrived(transfer, 2_000_000)
        await transfer.pause()
        await gateway.close()
        await gateway.open()
        transfer.resume()
      })
      await expectWhole()
    }),
  )
})

describe('in the moment of a steal', () => {
  const interruptions: [string, During][] = [
    ['all control connections die', () => gateway.cutControl()],
    [
      'the server is restarted',
      async () => {
        await gateway.close()
        await gateway.open()
      },
    ],
    [
      'it is paused and goes on',
      async (transfer, client) => {
        await transfer.pause()
        expect(client.stats().leased).toBe(0)
        expect(transfer.state).toBe('paused')
        transfer.resume()
      },
    ],
    [
      'it is paused and goes on at once, many times',
      async (transfer) => {
        for (let round = 0; round < 20; round++) {
          void transfer.pause()
          if (round % 2 === 0) await sleep(round)
          transfer.resume()
        }
      },
    ],
  ]

  test.each(interruptions)(
    '%s',
    play(async (_what: string, interrupt: During) => {
      await serve({ bytesPerSecond: UNEVEN })
      const result = await fetch({ connections: 4 }, async (transfer, client) => {
        await split(transfer)
        await interrupt(transfer, client)
      })
      expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
      await expectWhole()
    }),
  )

  test(
    'it is paused and then cancelled; the next run goes on with every piece',
    play(async () => {
      await writeFile(target, 'older')
      await serve({ bytesPerSecond: UNEVEN })
      const reason = new Error('enough')
      let before = 0
      const cancelled = fetch({ connections: 4 }, async (transfer) => {
        await split(transfer)
        await transfer.pause()
        before = transfer.progress.bytes
        transfer.cancel(reason)
      })
      await expect(cancelled).rejects.toBe(reason)
      expect(await readFile(target, 'utf8')).toBe('older')
      const { resumedBytes } = await fetch({ connections: 3 }, () => {})
      // A few bytes at each seam may have to be compared first.
      expect(resumedBytes).toBeGreaterThan(before - 100_000)
      await expectWhole()
    }),
  )
})

/** Waits are in milliseconds. */
interface Step {
  readonly do: 'pause' | 'await pause' | 'resume' | 'cut' | 'wait'
  readonly ms: number
}

const step = fc.record<Step>({
  do: fc.constantFrom('pause', 'await pause', 'resume', 'cut', 'wait'),
  ms: fc.integer({ min: 0, max: 40 }),
})

test(
  'pause, resume, cancel and lost connections in any order: the right file, or the reason',
  play(async () => {
    await serve({ bytesPerSecond: UNEVEN.map((rate) => rate * 4) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, isCancelled) => {
        const reason = new Error('enough')
        const fetched = fetch({ connections: 4, keepPartial: false }, async (transfer, client) => {
          for (const one of steps) await take(one, transfer, client)
          if (isCancelled) transfer.cancel(reason)
          else transfer.resume()
        })
        const outcome = await fetched.catch((error: unknown) => error)
        if (outcome !== reason) {
          expect(outcome).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
          await expectWhole()
        }
        await folder[Symbol.asyncDispose]()
        folder = await temporaryDirectory()
        target = folder.at('file.bin')
      }),
      { numRuns: 30, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false },
    )
  }),
  90_000,
)

async function take(one: Step, transfer: Transfer<DownloadResult>, client: FtpClient): Promise<void> {
  switch (one.do) {
    case 'pause':
      void transfer.pause()
      break
    case 'await pause':
      await transfer.pause()
      // Whoever paused may rely on it: nothing moves, and nobody has a session.
      if (transfer.state === 'paused') expect(client.stats().leased).toBe(0)
      break
    case 'resume':
      transfer.resume()
      break
    case 'cut':
      gateway.cutControl()
      break
    case 'wait':
      break
    default:
      one.do satisfies never
  }
  await sleep(one.ms)
}

test(
  'a segment that is refused for a while is asked for at the pace of the retry policy, by however many',
  play(async () => {
    // The second half is refused for 1.5 s, while the connections of the first half soon have nothing else to do.
    let refusedUntil = Infinity
    let refusals = 0
    await serve({
      on: {
        RETR: async (session, _argument, proceed) => {
          if (session.restartOffset < SIZE / 2) return proceed()
          refusedUntil = Math.min(refusedUntil, performance.now() + 1_500)
          if (performance.now() > refusedUntil) return proceed()
          refusals += 1
          session.dropData()
          session.reply('450 The disk is busy')
        },
      },
    })
    // 100 + 200 + 400 + 800 ms, and one more.
    const retry = { attempts: 6, minDelay: 100, maxDelay: 10_000, factor: 2, jitter: 0 }
    const result = await fetch({ connections: 4, client: { retry } }, () => {})
    expect(result.bytes).toBe(SIZE)
    // Two segments, five times each, and what was begun in the last moment.
    expect(refusals).toBeLessThanOrEqual(12)
    await expectWhole()
  }),
)

describe('a seam not yet compared when the run ends is compared by the next', () => {
  test(
    'without MDTM, the source replaced between two segments: never a mix',
    play(async () => {
      const other = randomBytes(SIZE, 'replaced')
      // One connection: the second half is begun when the first is done, and too soon for it to go on by itself.
      await serve({
        unsupported: ['MDTM'],
        limit: { connections: 1 },
        fault: ({ number }) => (number === 1 ? { kind: 'stall', afterBytes: 2_000_000 } : undefined),
      })
      const reason = new Error('enough')
      const cancelled = fetch({ connections: 2, keepPartial: true }, (transfer) => {
        transfer.on('segment', ({ type }) => {
          if (type === 'finish') gateway.server.files.set(REMOTE, other)
        })
        transfer.on('progress', ({ bytes }) => {
          if (bytes > SIZE / 2 + 1_500_000) transfer.cancel(reason)
        })
      })
      await expect(cancelled).rejects.toBe(reason)
      const { resumedBytes } = await fetch({ connections: 2 }, () => {})
      await expectWhole(other)
      expect(resumedBytes).toBe(0)
    }),
  )

  test(
    'without MDTM, replaced in one run: found at the seam',
    play(async () => {
      const other = randomBytes(SIZE, 'replaced')
      await serve({ unsupported: ['MDTM'], limit: { connections: 1 } })
      const restarts: string[] = []
      await fetch({ connections: 2 }, (transfer) => {
        transfer.on('restart', ({ reason }) => restarts.push(reason))
        transfer.on('segment', ({ type }) => {
          if (type === 'finish') gateway.server.files.set(REMOTE, other)
        })
      })
      expect(restarts).toHaveLength(1)
      await expectWhole(other)
    }),
  )
})
