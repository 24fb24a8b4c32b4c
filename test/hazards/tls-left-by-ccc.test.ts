/** CCC: commands in clear behind the login, by option only. What is secret went before; data connections stay protected. */
import { expect, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { readFile } from 'node:fs/promises'
import { certificate } from '../support/certificates.ts'
import {
  fakeFtpServer,
  type FakeFtpOptions,
  type FakeFtpServer,
  type FakeSession,
} from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { wiretap } from '../support/wiretap.ts'
import { BRISK, CONTENT, PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'

type Answer = NonNullable<FakeFtpOptions['on']>[string]

const agree: Answer = async (session) => {
  session.reply('200 In clear from here on')
  await session.control.leaveTls()
}

interface Outcome {
  readonly error: unknown
  /** What each control connection has sent outside of TLS. */
  readonly inClear: readonly string[]
  readonly server: FakeFtpServer
}

function download(
  ccc: Answer,
  server: FakeFtpOptions = {},
  options: FtpClientOptions = {},
  connections: number = 2,
): Promise<Outcome> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using fake = await fakeFtpServer(
      serving(CONTENT, {
        security: 'explicit',
        ...server,
        tls: { leavable: true, ...server.tls },
        on: { CCC: ccc, ...server.on },
      }),
    )
    await using tap = await wiretap(fake.port)
    const client = new FtpClient({
      ...{ host: '127.0.0.1', port: tap.port, security: fake.security, user: USER, password: PASSWORD },
      ...{ tls: { ca: (await certificate()).ca }, retry: BRISK, clearCommandChannel: true, ...options },
    })
    const error: unknown = await client
      .download(REMOTE, folder.at('file'), { connections, minSegmentSize: 1_024 })
      .then(() => undefined)
      .catch((reason: unknown) => reason)
    if (error === undefined) expect((await readFile(folder.at('file'))).equals(CONTENT)).toBe(true)
    await client.close()
    return { error, inClear: tap.inClear, server: fake }
  })
}

test.each([
  ['explicit', 'TLSv1.2'],
  ['explicit', 'TLSv1.3'],
  ['implicit', 'TLSv1.2'],
  ['implicit', 'TLSv1.3'],
] as const)('%s, %s: the file, each login under TLS', async (security, maxVersion) => {
  const { error, inClear, server } = await download(agree, {
    security,
    tls: { maxVersion },
    requireReuse: true,
  })
  expect(error).toBeUndefined()
  for (const said of inClear) {
    expect(said).toMatch(security === 'explicit' ? /^AUTH TLS\r\n/ : /^[A-Z]/)
    expect(said).not.toMatch(/USER|PASS|PROT|FEAT|CCC/)
    expect(said).not.toContain(PASSWORD)
  }
  expect(inClear.join('')).toMatch(/EPSV\r\n/)
  expect(inClear.join('')).toContain(`RETR ${REMOTE}\r\n`)
  expect(server.dataConnections.length).toBeGreaterThan(0)
  expect(server.dataConnections.every(({ reused }) => reused === true)).toBe(true)
})

test('active mode: the address is told in clear', async () => {
  const { error, inClear } = await download(agree, {}, { mode: 'active' })
  expect(error).toBeUndefined()
  expect(inClear.join('')).toMatch(/PORT 127,0,0,1,\d+,\d+\r\n/)
})

test.each(['533 Not allowed', '534 Unwilling', '500 Unknown command.', '502 No'])(
  '%s: ERR_FTP_TLS_REFUSED, and nothing in clear',
  async (reply) => {
    const { error, inClear } = await download((session) => session.reply(reply))
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_REFUSED', command: 'CCC' })
    expect((error as Error).message).toContain(`refuses CCC: ${reply.replace(/\.$/, '')}. `)
    expect(inClear).toEqual(['AUTH TLS\r\n'])
  },
)

test('without the option it is not asked for', async () => {
  const { error, inClear, server } = await download(agree, {}, { clearCommandChannel: false })
  expect(error).toBeUndefined()
  expect(new Set(inClear)).toEqual(new Set(['AUTH TLS\r\n']))
  expect(server.commands.flat()).not.toContain('CCC')
})

test('what comes in the packet of the close_notify is read: here a reply that is over only later', async () => {
  const { error } = await download(
    async (session) => {
      session.reply('200 In clear from here on')
      await session.control.leaveTls('550-This was for somebody else\r\n')
      const next = await session.control.nextCommand()
      expect(next).toBe('TYPE I')
      session.reply('550 and is over', '200 Binary')
    },
    {},
    {},
    1,
  )
  expect(error).toBeUndefined()
})

test.each([
  ['silence', () => {}],
  ['words in clear at once', (session) => session.control.sendInClear('220 Hello\r\n')],
] satisfies [string, (session: FakeSession) => unknown][])(
  'agreed, and then %s: ERR_FTP_TIMEOUT',
  async (_name, next) => {
    const { error, inClear } = await download(
      async (session) => {
        session.reply('200 In clear from here on')
        await next(session)
      },
      {},
      { timeouts: { tls: 200 } },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'tls', afterMs: 200, command: 'CCC' })
    expect(new Set(inClear)).toEqual(new Set(['AUTH TLS\r\n']))
  },
)

test.each(['fin', 'rst'] as const)('agreed, and then gone by %s: ERR_FTP_CONTROL_CLOSED', async (by) => {
  const { error, inClear } = await download(async (session) => {
    session.reply('200 In clear from here on')
    await session.die(by)
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_CONTROL_CLOSED' })
  // Ended in order, it may have been asked something before the FIN was seen.
  for (const said of inClear) expect(said).toMatch(/^AUTH TLS\r\n(TYPE I\r\n)?$/)
})

test('without TLS there is nothing to leave', () => {
  const options = { host: '127.0.0.1', security: 'none', clearCommandChannel: true } as const
  expect(() => new FtpClient(options)).toThrow(/"clearCommandChannel" is true; that needs TLS/)
})
