/** A TLS handshake that never ends is bounded by `timeouts.tls`, on both channels. */
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK, CONTENT, fail, PASSWORD, REMOTE, succeed, USER } from './support/attempt.ts'

test.each(['explicit', 'implicit'] as const)(
  'of the control connection (%s): ERR_FTP_TIMEOUT, phase tls',
  async (security) => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      await using server = await scriptedServer(async (control) => {
        if (security === 'explicit') {
          control.reply('220 ready')
          await control.expect('AUTH TLS').reply('234 go on')
        }
        await control.silence()
      })
      const { host, port } = server
      const timeouts = { tls: 150 }
      const client = new FtpClient({
        host,
        port,
        security,
        user: USER,
        password: PASSWORD,
        retry: BRISK,
        timeouts,
      })
      const error: unknown = await client
        .download(REMOTE, folder.at('file'))
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({
        name: 'FtpTimeoutError',
        code: 'ERR_FTP_TIMEOUT',
        phase: 'tls',
        afterMs: 150,
        host: `${host}:${port}`,
      })
      expect((error as Error).message).toMatch(/TLS handshake/)
      await client.close()
    })
  },
)

test('of a data connection: phase tls', async () => {
  const { error } = await fail({
    server: {
      security: 'explicit',
      on: {
        EPSV: async (session) => {
          await session.control.answerPassive('EPSV', { tls: false })
        },
        RETR: (session) => session.reply('150 Here it comes'),
      },
    },
    client: { timeouts: { tls: 150, data: 5_000 }, retry: { attempts: 1 } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'tls', afterMs: 150 })
})

test('of a data connection that answers in clear: a typed error', async () => {
  const { error } = await fail({
    server: {
      security: 'explicit',
      on: {
        EPSV: async (session) => {
          const data = await session.control.answerPassive('EPSV', { tls: false })
          void data.accepted.then(() => data.write(CONTENT))
        },
        RETR: (session) => session.reply('150 Here it comes in clear'),
      },
    },
    client: { tls: { ca: (await certificate()).ca }, retry: { attempts: 1 } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
})

test('of a data connection, once: the next try brings the file', async () => {
  let stalled = 0
  await succeed({
    server: {
      security: 'explicit',
      on: {
        RETR: async (session, _argument, proceed) => {
          if (stalled++ > 0) return proceed()
          session.reply('150 Here it comes')
        },
      },
    },
    client: { timeouts: { tls: 150, data: 400 } },
    download: { connections: 1 },
  })
})
