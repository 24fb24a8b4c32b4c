/** Words in clear behind the 234: whoever put them there, they are not taken for the server's protected ones. */
import { expect, test } from 'vitest'
import { scriptedServer } from '../support/scripted-server.ts'
import { FtpClient } from '../../src/index.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK, fail, PASSWORD, REMOTE, USER } from './support/attempt.ts'

test.each(['220 Welcome\r\n', '331 Password, please\r\n230 Fine\r\n', '2', '230-', '\r\n', '\0'])(
  '%j in the packet of the 234: ERR_FTP_TLS_INJECTED, and no USER',
  async (injectedBehindAuth) => {
    const { error, server } = await fail({ server: { security: 'explicit', injectedBehindAuth } })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_INJECTED', retryable: false })
    expect((error as Error).message).toMatch(/in clear/)
    expect(server.commands).toEqual([['AUTH TLS']])
  },
)

test('in a packet of its own, before the handshake can begin: never taken for a reply', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready')
      await control.expect('AUTH TLS').reply('234 go on')
      await control.flushed()
      control.send('331 Password, please\r\n230 Fine\r\n')
      await control.silence()
    })
    const client = new FtpClient({
      host: server.host,
      port: server.port,
      user: USER,
      password: PASSWORD,
      retry: BRISK,
    })
    await expect(client.download(REMOTE, folder.at('file'))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_FTP_TLS_(INJECTED|HANDSHAKE)$/) as unknown,
    })
    await client.close()
    expect(server.commands).toEqual([['AUTH TLS']])
  })
})
