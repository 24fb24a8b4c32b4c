/** A wrong password is one failed login, whatever is going on: servers lock accounts. */
import { expect, test } from 'vitest'
import { download, FtpClient, type FtpReplyError } from '../../src/index.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
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
  USER,
} from './support/attempt.ts'
import { findSecret } from './support/secrets.ts'

const WRONG = 'wr0ng-guess/%'

test('one PASS for 8 connections; ERR_FTP_LOGIN, and no second try', async () => {
  const outcome = await fail({ client: { password: WRONG }, download: { connections: 8 } })
  expect(outcome.error).toMatchObject({
    name: 'FtpReplyError',
    code: 'ERR_FTP_LOGIN',
    retryable: false,
    transient: false,
    reply: { code: 530, lines: ['Login incorrect.'] },
    command: 'PASS ****',
    host: `127.0.0.1:${outcome.server.port}`,
  })
  expect((outcome.error as Error).message).toMatch(/Check user "octo" and the password/)
  expect(sent(outcome.server, 'PASS')).toBe(1)
  expect(eventsOf(outcome, 'retry')).toEqual([])
  expect(findSecret([outcome.error, outcome.events], WRONG)).toEqual([])
})

test('one PASS for 8 downloads at once by one client, and all of them are told', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await using client = new FtpClient(await clientOptions(server, { password: WRONG }))
    const downloads = Array.from(
      { length: 8 },
      (_, index) => client.download(REMOTE, folder.at(`${index}`)).result,
    )
    for (const outcome of await Promise.allSettled(downloads)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_FTP_LOGIN' } })
    }
    expect(sent(server, 'PASS')).toBe(1)
  })
})

test('one PASS for 8 one-shots at once', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    const url = `ftp://${USER}:${encodeURIComponent(WRONG)}@127.0.0.1:${server.port}/${REMOTE}`
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => download(url, folder.at(`${index}`), { retry: BRISK }).result),
    )
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_FTP_LOGIN' } })
      expect(findSecret(outcome, WRONG)).toEqual([])
    }
    expect(sent(server, 'PASS')).toBe(1)
  })
})

test('one login is tried before many: no second USER before the first 230', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    let usersBeforeLogin = 0
    await using server = await fakeFtpServer(
      serving(CONTENT, {
        on: {
          PASS: async (session, _argument, proceed) => {
            if (session.server.logins.length === 0) {
              await session.control.delay(150)
              usersBeforeLogin = sent(session.server, 'USER')
            }
            await proceed()
          },
        },
      }),
    )
    await using client = new FtpClient(await clientOptions(server))
    await Promise.all(Array.from({ length: 8 }, (_, index) => client.download(REMOTE, folder.at(`${index}`))))
    expect(usersBeforeLogin).toBe(1)
    expect(server.logins.every(({ accepted }) => accepted)).toBe(true)
    expect(server.maxControlConnections).toBeGreaterThan(1)
  })
})

test.each([
  ['530 to USER', { USER: '530 You are banned' }, 'USER octo'],
  ['no account given', { PASS: '332 Account, please' }, 'PASS ****'],
])('%s', async (_name, replies, command) => {
  const on = Object.fromEntries(
    Object.entries(replies).map(([verb, line]) => [
      verb,
      (session: { reply: (line: string) => void }) => session.reply(line),
    ]),
  )
  const { error, server } = await fail({ server: { on } })
  expect(error).toMatchObject({ code: 'ERR_FTP_LOGIN', retryable: false, command })
  expect(sent(server, 'USER')).toBe(1)
})

test('no password given: the error says so', async () => {
  await using folder = await temporaryDirectory()
  await using server = await fakeFtpServer(serving(CONTENT))
  await using client = new FtpClient(await clientOptions(server, { password: undefined }))
  const error = await client
    .download(REMOTE, folder.at('x'))
    .catch((reason: unknown) => reason as FtpReplyError)
  expect(error).toMatchObject({ code: 'ERR_FTP_LOGIN' })
  expect((error as Error).message).toMatch(/No password was given for user "octo"/)
})

test('the right password after a wrong one: the client of the wrong one does not stand in the way', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    const to = (password: string): Promise<unknown> =>
      download(`ftp://127.0.0.1:${server.port}/${REMOTE}`, folder.at('file'), {
        user: USER,
        password,
        retry: BRISK,
      }).result
    await expect(to(WRONG)).rejects.toMatchObject({ code: 'ERR_FTP_LOGIN' })
    await expect(to(PASSWORD)).resolves.toMatchObject({ bytes: CONTENT.length })
    expect(server.logins.map(({ accepted }) => accepted)).toEqual(expect.arrayContaining([false, true]))
  })
})
