/** A server that says nothing more, at every point where something is waited for: an error that tells which. */
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeSession } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { filteredPort } from '../support/scripted/dead-port.ts'
import {
  BRISK,
  clientOptions,
  CONTENT,
  eventsOf,
  fail,
  PASSWORD,
  REMOTE,
  sent,
  serving,
  SIZE,
  succeed,
  USER,
} from './support/attempt.ts'

test('before the connection stands (filtered port): phase connect', async () => {
  const { port, release } = await filteredPort('127.0.0.1')
  try {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      const timeouts = { connect: 100 }
      const client = new FtpClient({
        host: '127.0.0.1',
        port,
        security: 'none',
        user: USER,
        password: PASSWORD,
        retry: BRISK,
        timeouts,
      })
      await expect(client.download(REMOTE, folder.at('file'))).rejects.toMatchObject({
        name: 'FtpTimeoutError',
        code: 'ERR_FTP_TIMEOUT',
        phase: 'connect',
        afterMs: 100,
        host: `127.0.0.1:${port}`,
        message: expect.stringMatching(/did not accept a connection within 100 ms/) as unknown,
      })
      await client.close()
    })
  } finally {
    await release()
  }
})

test('before the greeting: phase greeting', async () => {
  const { error, server } = await fail({
    server: { greeting: null },
    client: { timeouts: { greeting: 100 } },
  })
  expect(error).toMatchObject({
    code: 'ERR_FTP_TIMEOUT',
    phase: 'greeting',
    afterMs: 100,
    host: `127.0.0.1:${server.port}`,
  })
  expect((error as Error).message).toMatch(/did not greet within 100 ms/)
})

test.each([
  ['USER', `USER ${USER}`],
  ['PASS', 'PASS ****'],
  ['FEAT', 'FEAT'],
  ['TYPE', 'TYPE I'],
  ['SIZE', `SIZE ${REMOTE}`],
  ['MDTM', `MDTM ${REMOTE}`],
  ['EPSV', 'EPSV'],
  ['REST', /^REST \d+$/],
  ['RETR', `RETR ${REMOTE}`],
])('to %s: phase reply', async (verb, command) => {
  const { error } = await fail({
    server: { on: { [verb]: () => undefined } },
    client: { timeouts: { reply: 100, data: 1_500 } },
    download: { connections: 2 },
  })
  expect(error).toMatchObject({
    name: 'FtpTimeoutError',
    code: 'ERR_FTP_TIMEOUT',
    phase: 'reply',
    afterMs: 100,
    retryable: true,
    command: typeof command === 'string' ? command : (expect.stringMatching(command) as unknown),
  })
  expect((error as Error).message).toMatch(/did not answer .* within 100 ms/)
})

test.each(['AUTH', 'PBSZ', 'PROT'])('to %s: phase reply', async (verb) => {
  const { error } = await fail({
    server: { security: 'explicit', on: { [verb]: () => undefined } },
    client: { timeouts: { reply: 100 } },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'reply', afterMs: 100 })
})

test('in the middle of a reply', async () => {
  const { error } = await fail({
    server: { on: { SIZE: (session) => session.control.send('213-') } },
    client: { timeouts: { reply: 100 } },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'reply' })
})

test('in the middle of the data, once: another session goes on', async () => {
  for (const connections of [1, 4]) {
    const outcome = await succeed({
      server: { fault: ({ number }) => (number === 0 ? { kind: 'stall', afterBytes: 100_000 } : undefined) },
      client: { timeouts: { data: 150 } },
      download: { connections },
    })
    const [lost] = eventsOf(outcome, 'connection').filter(({ type }) => type === 'lost')
    expect(lost?.error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'data', afterMs: 150 })
    expect(outcome.result.refetchedBytes).toBe(0)
  }
})

test('in the middle of the data, always: phase data', async () => {
  const { error } = await fail({
    server: { fault: ({ start }) => ({ kind: 'stall', afterBytes: Math.max(0, 100_000 - start) }) },
    client: { timeouts: { data: 100 } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({
    name: 'FtpTimeoutError',
    code: 'ERR_FTP_TIMEOUT',
    phase: 'data',
    afterMs: 100,
  })
  expect((error as Error).message).toMatch(/No data came from .* for 100 ms/)
})

test('behind the data, without SIZE: phase completion', async () => {
  const { error } = await fail({
    server: { unsupported: ['SIZE'], completion: 'never' },
    client: { timeouts: { completion: 100 } },
  })
  expect(error).toMatchObject({
    code: 'ERR_FTP_TIMEOUT',
    phase: 'completion',
    afterMs: 100,
    command: `RETR ${REMOTE}`,
  })
})

test("a pause shorter than the deadline is nobody's business", async () => {
  const outcome = await succeed({
    server: { fault: { kind: 'stall', afterBytes: 50_000, forMs: 60 } },
    client: { timeouts: { data: 2_000 } },
    download: { connections: 4 },
  })
  expect(eventsOf(outcome, 'retry')).toEqual([])
})

test('to the QUIT: close() ends all the same', async () => {
  await succeed({ server: { on: { QUIT: () => undefined } } })
})

test('while idle: the session is asked (NOOP) before it is used again, and replaced unseen', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const on: FakeFtpOptions['on'] = {
      NOOP: async (session, _argument, proceed) => (session.index === 0 ? undefined : proceed()),
    }
    await using server = await fakeFtpServer(serving(CONTENT, { on }))
    await using client = new FtpClient(await clientOptions(server, { timeouts: { idle: 1, reply: 100 } }))
    for (const name of ['first', 'second']) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      const result = await client.download(REMOTE, folder.at(name), { connections: 1 })
      expect(result.bytes).toBe(SIZE)
    }
    expect(sent(server, 'NOOP')).toBeGreaterThan(0)
    expect(server.commands).toHaveLength(2)
  })
})

test('closed while idle, with a word (421) or without: replaced unseen', async () => {
  for (const farewell of ['421 Timeout', undefined]) {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      const sessions: FakeSession[] = []
      const on: FakeFtpOptions['on'] = {
        PASS: async (session, _argument, proceed) => {
          sessions.push(session)
          await proceed()
        },
      }
      await using server = await fakeFtpServer(serving(CONTENT, { on }))
      await using client = new FtpClient(await clientOptions(server))
      await client.download(REMOTE, folder.at('first'), { connections: 1 })
      if (farewell !== undefined) sessions[0]?.reply(farewell)
      await sessions[0]?.end()
      const retries: unknown[] = []
      await client.download(REMOTE, folder.at('second'), {
        connections: 1,
        on: { retry: (event) => retries.push(event) },
      })
      expect(server.logins).toHaveLength(2)
      expect(client.stats()).toMatchObject({ open: 1, idle: 1 })
    })
  }
})
