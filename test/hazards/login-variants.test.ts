/** Logins that are not USER, 331, PASS, 230. */
import { expect, test } from 'vitest'
import { download, FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { fakeFtpServer, type FakeSession } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import {
  BRISK,
  CONTENT,
  eventsOf,
  fail,
  PASSWORD,
  REMOTE,
  sent,
  serving,
  succeed,
  USER,
} from './support/attempt.ts'
import { findSecret } from './support/secrets.ts'

test('anonymous, without a word of the user', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { users: { anonymous: 'anonymous@' } }))
    await download(`ftp://127.0.0.1:${server.port}/${REMOTE}`, folder.at('file'), { retry: BRISK })
    expect(server.commands[0]?.slice(0, 2)).toEqual(['USER anonymous', 'PASS anonymous@'])
  })
})

test('230 to USER: no PASS is sent', async () => {
  const { server } = await succeed({
    server: { on: { USER: (session, user) => letIn(session, user, '230 Come in') } },
  })
  expect(sent(server, 'PASS')).toBe(0)
})

test('332 to PASS: the account is sent then, and is a secret like the password', async () => {
  const { server } = await succeed({
    server: {
      on: {
        PASS: (session) => session.reply('332 Account?'),
        ACCT: (session, account) => letIn(session, USER, account === 'department-7' ? '230 Fine' : '530 No'),
      },
    },
    client: { account: 'department-7' },
  })
  expect(server.commands[0]?.slice(0, 3)).toEqual([`USER ${USER}`, `PASS ${PASSWORD}`, 'ACCT department-7'])
})

test('332 to USER: the account without a password', async () => {
  const { server } = await succeed({
    server: {
      on: {
        USER: (session) => session.reply('332 Account only'),
        ACCT: (session) => letIn(session, USER, '230 Fine'),
      },
    },
    client: { account: 'department-7' },
  })
  expect(sent(server, 'PASS')).toBe(0)
})

test('202 to PASS (superfluous) is a login', async () => {
  await succeed({ server: { on: { PASS: (session) => letIn(session, USER, '202 Not needed here') } } })
})

test('a greeting of many lines, after a 120', async () => {
  await succeed({
    server: { greeting: '120 Ready in a minute\r\n220-Welcome\r\n 220 not yet\r\n\r\n220 Now' },
  })
})

test('the password is asked for by function, once for each login', async () => {
  let asked = 0
  const password = (): Promise<string> => {
    asked += 1
    return Promise.resolve(PASSWORD)
  }
  const { server } = await succeed({ client: { password }, download: { connections: 4 } })
  expect(asked).toBe(server.logins.length)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('vault is sealed')
    },
  ],
  ['rejects', () => Promise.reject(new Error('vault is sealed'))],
] as const)(
  'a password function that %s: its error comes out untouched, and nothing is sent',
  async (_how, password) => {
    const outcome = await fail({ client: { password } })
    expect(outcome.error).toBeInstanceOf(Error)
    expect(outcome.error).toMatchObject({ name: 'Error', message: 'vault is sealed' })
    expect(outcome.server.commands).toEqual([])
    expect(eventsOf(outcome, 'retry')).toEqual([])
  },
)

test('a password function that gives no string: a TypeError that does not show what it gave', async () => {
  const { error } = await fail({ client: { password: (() => 20_261_120) as unknown as () => string } })
  expect(error).toBeInstanceOf(TypeError)
  expect(String(error)).not.toContain('20261120')
})

test('a password with CR LF is no way to send a second command', async () => {
  const password = 'x\r\nDELE /pub/file.bin'
  expect(() => new FtpClient({ host: 'localhost', user: USER, password })).toThrow(RangeError)
  const { error, server } = await fail({ client: { password: () => password } })
  expect(error).toBeInstanceOf(RangeError)
  expect(String(error)).toContain('The function in option "password"')
  expect(findSecret(error, 'DELE')).toEqual([])
  expect(server.commands.flat().filter((line) => !line.startsWith('USER'))).toEqual([])
})

test('a password that never comes can be given up, and the client closes', { timeout: 5_000 }, async () => {
  const reason = new Error('never mind')
  const controller = new AbortController()
  const { error, server } = await fail({
    client: { password: () => new Promise<string>(() => setTimeout(() => controller.abort(reason), 20)) },
    download: { signal: controller.signal },
  })
  expect(error).toBe(reason)
  expect(server.commands).toEqual([])
})

test('FEAT unknown: not asked again either', async () => {
  const { server } = await succeed({ server: { unsupported: ['FEAT'] }, download: { connections: 4 } })
  expect(sent(server, 'FEAT')).toBe(1)
})

test('FEAT is asked once for a server, not once for a session', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    const options: FtpClientOptions = {
      host: '127.0.0.1',
      port: server.port,
      user: USER,
      password: PASSWORD,
      security: 'none',
    }
    await using client = new FtpClient(options)
    for (const name of ['a', 'b'])
      await client.download(REMOTE, folder.at(name), { connections: 4, minSegmentSize: 1_024 })
    expect(sent(server, 'FEAT')).toBe(1)
  })
})

function letIn(session: FakeSession, user: string, reply: string): void {
  session.user = user
  session.loggedIn = reply.startsWith('2')
  session.reply(reply)
}
