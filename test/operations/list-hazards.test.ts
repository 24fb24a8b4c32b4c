/** Listings that are not what was asked for, and must not pass for it. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { letIn } from '../session/logged-in.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer, type Dialogue } from '../support/scripted-server.ts'

const failure = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none'] },
  (server) => {
    it('a directory that may be entered and not be read is no empty one', async () => {
      const { url, user, password, root } = server()
      await using ftp = new FtpClient(url, { user, password, maxConnections: 1, retry: { attempts: 1 } })
      server().write('unreadable/file', 'x')
      chmodSync(join(root, 'unreadable'), 0o311)
      const outcome = await failure(ftp.listAll('unreadable'))
      chmodSync(join(root, 'unreadable'), 0o755)
      expect(outcome).toMatchObject({ code: 'ERR_FTP_NOT_PERMITTED' })
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })
  },
)

function listing<T>(
  dialogue: Dialogue,
  use: (ftp: FtpClient) => Promise<T>,
  options: FtpClientOptions = {},
): Promise<T> {
  return expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control, index) => {
      await letIn(control)
      await dialogue(control, index)
    })
    const { host, port } = server
    const retry = { attempts: 1 }
    const settings = { host, port, retry, maxConnections: 1, ...options }
    await using ftp = new FtpClient({ security: 'none', ...settings })
    return await use(ftp)
  })
}

describe('a listing', () => {
  test.each(['450 .: Permission denied', '550 Permission denied'])('%s is no empty one', async (reply) => {
    const error = await listing(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        await control.passive()
        await control.expect('MLSD').reply(reply)
      },
      (ftp) => failure(ftp.listAll()),
    )
    expect(error).toMatchObject({ name: 'FtpReplyError', code: 'ERR_FTP_NOT_PERMITTED' })
  })
})
