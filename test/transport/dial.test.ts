import type * as dns from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FtpConnectionError } from '../../src/errors.ts'
import { dial, type DialTarget } from '../../src/transport/dial.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { closedPort, filteredPort, type FilteredPort } from '../support/scripted/dead-port.ts'

/** What the resolver answers, where a test needs more than this machine's names. */
const resolved = vi.hoisted(() => new Map<string, string[] | Error>())

vi.mock('node:dns/promises', async (original) => {
  const real = await original<typeof dns>()
  const { isIP } = await import('node:net')
  const lookup = async (host: string, options: { all: true; family: number }): Promise<unknown> => {
    const addresses = resolved.get(host)
    if (addresses === undefined) return real.lookup(host, options)
    if (addresses instanceof Error) throw addresses
    return addresses.map((address) => ({ address, family: isIP(address) }))
  }
  return { ...real, lookup }
})

let server: Server
let port: number
const accepted: Socket[] = []

beforeEach(async () => {
  server = createServer((socket) => accepted.push(socket.on('error', () => undefined).resume()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterEach(async () => {
  resolved.clear()
  for (const socket of accepted.splice(0)) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

function to(host: string, more: Partial<DialTarget> = {}): DialTarget {
  return { host, port, family: 0, localAddress: undefined, timeoutMs: 10_000, signal: undefined, ...more }
}

/** Dials, tells where it got to, and closes. */
async function reached(
  target: DialTarget,
): Promise<{ remote: string | undefined; local: string | undefined }> {
  const socket = await dial(target)
  const { remoteAddress: remote, localAddress: local } = socket
  socket.destroy()
  await once(socket, 'close')
  return { remote, local }
}

const failure = (target: DialTarget): Promise<FtpConnectionError> =>
  dial(target).then(
    () => Promise.reject(new Error('it connected')),
    (error: unknown) => error as FtpConnectionError,
  )

describe('dial', () => {
  test('connects by address and by name, and leaves nothing but the socket', async () => {
    const { signal } = new AbortController()
    await expectNoLeaks(
      async () => {
        expect(await reached(to('127.0.0.1', { signal }))).toEqual({
          remote: '127.0.0.1',
          local: '127.0.0.1',
        })
        expect((await reached(to('localhost', { signal }))).remote).toBe('127.0.0.1')
        for (const socket of accepted.splice(0)) socket.destroy()
      },
      { watch: [signal] },
    )
  })

  test('goes on to the next address at once where one refuses', async () => {
    resolved.set('twice.test', ['::1', '127.0.0.1'])
    expect((await reached(to('twice.test'))).remote).toBe('127.0.0.1')
  })

  test('every address refuses: each attempt is listed with its reason, the families in turn', async () => {
    const dead = await closedPort('127.0.0.1')
    resolved.set('dead.test', ['127.0.0.1', '127.0.0.2', '::1', '::1'])
    const error = await failure(to('dead.test', { port: dead }))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', host: `dead.test:${dead}`, retryable: true })
    expect(error.attempts.map(({ address }) => address)).toEqual(['127.0.0.1', '::1', '127.0.0.2', '::1'])
    expect(error.attempts.every((attempt) => attempt.port === dead)).toBe(true)
    expect(error.message).toContain('(127.0.0.1: connection refused; ::1: connection refused; 127.0.0.2: ')
  })

  test.each([
    ['ENOTFOUND', false, /"gone\.test" was not found: check the name/],
    ['EAI_AGAIN', true, /"gone\.test" could not be looked up: the name server did not answer/],
  ])('a look-up that fails with %s', async (code, retryable, message) => {
    const cause = Object.assign(new Error(code), { code })
    resolved.set('gone.test', cause)
    const error = await failure(to('gone.test'))
    expect(error).toMatchObject({ code: 'ERR_FTP_CONNECT', retryable, cause, attempts: [] })
    expect(error.message).toMatch(message)
  })

  test('aborted before it begins, and while it runs: the reason, untouched, and nothing left', async () => {
    const reason = { not: 'an error' }
    const controller = new AbortController()
    await expectNoLeaks(
      async () => {
        const before = dial(to('127.0.0.1', { signal: AbortSignal.abort(reason) }))
        await expect(before).rejects.toBe(reason)
        const during = dial(to('localhost', { signal: controller.signal }))
        controller.abort(reason)
        await expect(during).rejects.toBe(reason)
      },
      { watch: [controller.signal] },
    )
  })

  test('leaves by the local address that it is given', async () => {
    expect((await reached(to('127.0.0.1', { localAddress: '127.0.0.9' }))).local).toBe('127.0.0.9')
  })

  test('never leaves by another address than the one it is given', async () => {
    const error = await failure(to('127.0.0.1', { localAddress: '::1' }))
    expect(error.code).toBe('ERR_FTP_CONNECT')
    resolved.set('both.test', ['127.0.0.1', '::1'])
    const attempts = (await failure(to('both.test', { localAddress: '::1' }))).attempts
    expect(attempts.map(({ address }) => address)).toEqual(['::1'])
  })
})

describe.runIf(process.platform === 'linux')('an address that never answers', () => {
  let filtered: FilteredPort

  beforeEach(async () => {
    filtered = await filteredPort('127.0.0.1')
  })

  afterEach(async () => {
    await filtered.release()
  })

  test('the deadline holds for all of it, and nothing stays open', async () => {
    await expectNoLeaks(async () => {
      const error = await failure(to('127.0.0.1', { port: filtered.port, timeoutMs: 100 }))
      expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'connect', afterMs: 100 })
    })
  })

  test('the deadline tells which of the addresses had failed before', async () => {
    resolved.set('half.test', ['127.0.0.2', '127.0.0.1'])
    const error = await failure(to('half.test', { port: filtered.port, timeoutMs: 400 }))
    expect(error.message).toContain('127.0.0.2: connection refused')
  })

  test('another address is tried beside it, and wins', async () => {
    const other = createServer((socket) => accepted.push(socket.on('error', () => undefined)))
    other.listen(filtered.port, '127.0.0.3')
    await once(other, 'listening')
    resolved.set('slow.test', ['127.0.0.1', '127.0.0.3'])
    await expectNoLeaks(async () => {
      expect((await reached(to('slow.test', { port: filtered.port }))).remote).toBe('127.0.0.3')
      for (const socket of accepted.splice(0)) socket.destroy()
    })
    await new Promise((resolve) => other.close(resolve))
  })

  test('an abort cuts the attempt', async () => {
    const controller = new AbortController()
    await expectNoLeaks(async () => {
      const dialling = dial(to('127.0.0.1', { port: filtered.port, signal: controller.signal }))
      await new Promise((resolve) => setImmediate(resolve))
      controller.abort(new Error('enough'))
      await expect(dialling).rejects.toThrow('enough')
    })
  })
})
