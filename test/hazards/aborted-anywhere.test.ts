/** An abort, or cancel(), at any moment: the reason comes out untouched, and all is as before. */
import { getEventListeners, once } from 'node:events'
import { expect, test } from 'vitest'
import { download, FtpClient } from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { filteredPort } from '../support/scripted/dead-port.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import {
  attempt,
  BRISK,
  clientOptions,
  CONTENT,
  eventsOf,
  REMOTE,
  serving,
  SIZE,
  type AttemptOptions,
  type Scene,
} from './support/attempt.ts'
import { untilTrue } from '../support/eventually.ts'

const HOWS = ['signal', 'cancel'] as const
const VERBS = ['USER', 'PASS', 'FEAT', 'TYPE', 'SIZE', 'MDTM', 'EPSV', 'REST', 'RETR'] as const

test.each(VERBS.flatMap((verb) => HOWS.map((how) => [verb, how] as const)))(
  'while %s is unanswered, by %s',
  async (verb, how) => {
    const on: FakeFtpOptions['on'] = {}
    await abortWhen(how, { server: { on } }, (abort) => {
      on[verb] = () => abort()
    })
  },
)

test.each(HOWS)('while AUTH is unanswered, by %s', async (how) => {
  const on: FakeFtpOptions['on'] = {}
  await abortWhen(how, { server: { on, security: 'explicit' } }, (abort) => {
    on['AUTH'] = () => abort()
  })
})

test.each(HOWS)('before the greeting, by %s', async (how) => {
  await abortWhen(how, { server: { greeting: null } }, (abort) => void setTimeout(abort, 50))
})

test.each(HOWS)('in the middle of the data, by %s', async (how) => {
  for (const security of ['none', 'explicit'] as const) {
    for (const connections of [1, 4]) {
      const server: FakeFtpOptions = { security, fault: { kind: 'stall', afterBytes: 50_000 } }
      await abortWhen(how, { server, download: { connections } }, (abort, { transfer }) => {
        const poll = setInterval(() => {
          if (transfer.progress.bytes < 50_000) return
          clearInterval(poll)
          abort()
        }, 5)
      })
    }
  }
})

test.each(['none', 'explicit'] as const)(
  'in the middle of the data, security %s: the sessions are kept',
  async (security) => {
    const server: FakeFtpOptions = { security, bytesPerSecond: 500_000 }
    const outcome = await abortWhen(
      'cancel',
      { server, download: { connections: 4 } },
      (abort, { transfer }) => {
        transfer.on('progress', ({ activeConnections, bytes }) => {
          if (activeConnections === 4 && bytes > 100_000) abort()
        })
      },
    )
    expect(outcome.server.logins).toHaveLength(4)
  },
)

test.each(HOWS)('while the data connection is made (filtered port), by %s', async (how) => {
  for (const security of ['none', 'explicit'] as const) {
    const on: FakeFtpOptions['on'] = {}
    const server: FakeFtpOptions = { security, epsv: { port: 'filtered' }, on }
    await abortWhen(how, { server, download: { connections: 1 } }, (abort) => {
      on['EPSV'] = async (_session, _argument, proceed) => {
        await proceed()
        setTimeout(abort, 100)
      }
    })
  }
})

test.each(HOWS)('while it waits for another try, by %s', async (how) => {
  const server: FakeFtpOptions = { fault: { kind: 'cut', by: 'rst', afterBytes: 0 } }
  const client = { retry: { attempts: 5, minDelay: 60_000, jitter: 0 } }
  await abortWhen(
    how,
    { server, client, download: { connections: 1 } },
    (abort, { transfer }) => void transfer.once('retry', abort),
  )
})

test.each(HOWS)('while it waits for a free session, by %s', async (how) => {
  const reason = new Error('enough')
  const controller = new AbortController()
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 600_000 }))
    await using client = new FtpClient(await clientOptions(server, { maxConnections: 1 }))
    const first = client.download(REMOTE, folder.at('first'))
    // Only now: of two that begin together either may be the one that waits.
    await once(first, 'segment')
    const second = client.download(REMOTE, folder.at('second'), { signal: controller.signal })
    const failed = second.catch((error: unknown) => error)
    await untilTrue(() => client.stats().waiting === 1)
    if (how === 'signal') controller.abort(reason)
    else second.cancel(reason)
    expect(await failed).toBe(reason)
    expect(first.state).toBe('transferring')
    expect(client.stats()).toMatchObject({ waiting: 0, leased: 1 })
    expect((await first).bytes).toBe(SIZE)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})

test.each(HOWS)('while it is verified, by %s', async (how) => {
  await abortWhen(how, { download: { connections: 1 } }, (abort, { transfer }) => {
    transfer.on('state', ({ state }) => {
      if (state === 'verifying') abort()
    })
  })
})

test.each(HOWS)('at once, before it has begun, by %s: nothing is asked of the server', async (how) => {
  const { server, events } = await abortWhen(how, {}, (abort) => abort(), 'do not use it again')
  expect(server.commands).toEqual([])
  expect(events.map(({ name }) => name)).not.toContain('segment')
})

test('a signal that had aborted before', async () => {
  const reason = new Error('long ago')
  const { error, server } = await attempt({ download: { signal: AbortSignal.abort(reason) } })
  expect(error).toBe(reason)
  expect(server.commands).toEqual([])
})

test.each([undefined, null, 0, '', 'a string', Object.freeze({ any: 'thing' })])(
  'the reason %j comes out as it is',
  async (reason) => {
    const controller = new AbortController()
    const { error } = await attempt({
      server: { on: { SIZE: () => controller.abort(reason) } },
      download: { signal: controller.signal },
    })
    expect(error).toBe(controller.signal.reason)
    if (reason !== undefined) expect(error).toBe(reason)
    else expect(error).toMatchObject({ name: 'AbortError' })
  },
)

test('AbortSignal.timeout: its TimeoutError', async () => {
  const { error } = await attempt({
    server: { on: { SIZE: () => undefined } },
    download: { signal: AbortSignal.timeout(100) },
  })
  expect(error).toMatchObject({ name: 'TimeoutError' })
})

test('cancel() without a reason: an AbortError; and again: the first stands', async () => {
  const { error } = await attempt({
    during: (transfer) => {
      transfer.cancel()
      transfer.cancel(new Error('too late'))
    },
  })
  expect(error).toMatchObject({ name: 'AbortError' })
})

test('after the end neither does anything', async () => {
  const controller = new AbortController()
  const transfers: { cancel: (reason?: unknown) => void; state: string }[] = []
  const { result } = await attempt({
    download: { signal: controller.signal },
    during: (transfer) => transfers.push(transfer),
    after: () => {
      transfers[0]?.cancel(new Error('too late'))
      controller.abort()
      expect(transfers[0]?.state).toBe('complete')
    },
  })
  expect(result?.bytes).toBe(SIZE)
})

test('one signal for many downloads: no listener stays, and no warning of a leak', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  const { signal } = new AbortController()
  try {
    await attempt({
      download: { signal },
      after: async ({ client, folder }) => {
        const many = Array.from({ length: 30 }, (_, index) =>
          client.download(REMOTE, folder.at(`${index}`), { signal, connections: 2 }),
        )
        await Promise.all(many)
      },
    })
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', note)
  }
})

test('one of two downloads by one client: the other is not disturbed', async () => {
  const { result } = await attempt({
    server: { bytesPerSecond: 4_000_000 },
    download: { connections: 2 },
    during: (_transfer, { client, folder }) => {
      const other = client.download(REMOTE, folder.at('other'), { connections: 2 })
      other.on('segment', () => setTimeout(() => other.cancel(), 20))
      other.catch(() => undefined)
    },
  })
  expect(result?.bytes).toBe(SIZE)
})

test('client.destroy(reason): every download rejects with it', async () => {
  const reason = new Error('power off')
  const { error } = await attempt({
    server: { fault: { kind: 'stall', afterBytes: 1_000 } },
    during: (transfer, { client }) =>
      void transfer.once('segment', () => setTimeout(() => client.destroy(reason), 50)),
  })
  expect(error).toBe(reason)
})

test('client.close(): what runs is finished, what comes is refused', async () => {
  const closings: Promise<void>[] = []
  const { result } = await attempt({
    server: { bytesPerSecond: 4_000_000 },
    download: { connections: 1 },
    during: (transfer, { client }) => void transfer.once('segment', () => closings.push(client.close())),
    after: async ({ client, folder }) => {
      await expect(client.download(REMOTE, folder.at('late'))).rejects.toMatchObject({
        code: 'ERR_FTP_CLOSED',
      })
    },
  })
  await Promise.all(closings)
  expect(result?.bytes).toBe(SIZE)
})

test('while a host does not answer at all', async () => {
  const { port, release } = await filteredPort('127.0.0.1')
  const reason = new Error('enough')
  try {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      const controller = new AbortController()
      const transfer = download(`ftp://127.0.0.1:${port}/x`, folder.at('x'), {
        retry: BRISK,
        signal: controller.signal,
      })
      setTimeout(() => controller.abort(reason), 50)
      expect(await transfer.catch((error: unknown) => error)).toBe(reason)
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    })
  } finally {
    await release()
  }
})

interface Running {
  readonly scene: Scene
  readonly transfer: Parameters<NonNullable<AttemptOptions['during']>>[0]
}

/** An attempt that is aborted when `arm` says so; `attempt` checks the rest. Afterwards the client is used again. */
async function abortWhen(
  how: 'signal' | 'cancel',
  options: AttemptOptions,
  arm: (abort: () => void, running: Running) => void,
  afterwards: 'use it again' | 'do not use it again' = 'use it again',
): ReturnType<typeof attempt> {
  const reason = { stopped: 'by the test' }
  const controller = new AbortController()
  let abortedAt = Infinity
  let tookMs = Infinity
  const outcome = await attempt({
    ...options,
    client: {
      timeouts: { reply: 20_000, data: 20_000, greeting: 20_000, connect: 20_000 },
      ...options.client,
    },
    download: { ...options.download, ...(how === 'signal' && { signal: controller.signal }) },
    during: (transfer, scene) => {
      const abort = (): void => {
        abortedAt = performance.now()
        if (how === 'signal') controller.abort(reason)
        else transfer.cancel(reason)
      }
      transfer.catch(() => {
        // Not how fast it is: that no time-out, the shortest of them four seconds, had to come first.
        tookMs = performance.now() - abortedAt
      })
      arm(abort, { scene, transfer })
    },
    after: async ({ server, client, folder }) => {
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
      if (afterwards === 'do not use it again') return
      for (const name of Object.keys(server.options.on ?? {})) delete server.options.on?.[name]
      Object.assign(server.options, { fault: undefined, greeting: '220 Better now', epsv: undefined })
      const again = await client.download(REMOTE, folder.at('again'), { connections: 2 })
      expect(again.bytes).toBe(SIZE)
    },
  })
  expect(outcome.error).toBe(reason)
  expect(tookMs).toBeLessThan(3_000)
  expect(eventsOf(outcome, 'state').at(-1)?.state).toBe('cancelled')
  return outcome
}
