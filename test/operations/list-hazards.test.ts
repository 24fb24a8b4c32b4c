/** Listings that are not what was asked for, and must not pass for it. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { letIn } from '../session/logged-in.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { closedPort } from '../support/scripted/dead-port.ts'
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
  test('MLSD that is refused in a directory with an odd name is LIST there', async () => {
    const names = await listing(
      async (control) => {
        await control.expect('PWD').reply('257 "/home" is it')
        await control.expect('CWD in [x]').reply('250 fine')
        await control.expect('TYPE I').reply('200 fine')
        await control.passive()
        await control.expect('MLSD').reply('502 what?')
        await control.expect('CWD /home').reply('250 fine')
        await control.expect('CWD in [x]').reply('250 fine')
        await control.expect('SYST').reply('215 UNIX')
        const data = await control.passive()
        await control.expect('LIST').reply('150 here it comes')
        await data.write('-rw-r--r-- 1 a a 1 Jan  2  2020 one\r\n')
        await data.end()
        control.reply('226 done')
        await control.expect('CWD /home').reply('250 fine')
      },
      async (ftp) => (await ftp.listAll('in [x]')).map(({ name }) => name),
    )
    expect(names).toEqual(['one'])
  })

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

  test.each(['451 local error', '500 no PWD here'])('%s does not say that it is missing', async (reply) => {
    const error = await listing(
      async (control) => {
        await control.expect('PWD').reply(reply.startsWith('500') ? reply : '257 "/home" is it')
        if (reply.startsWith('500')) return
        await control.expect('CWD in [x]').reply(reply)
      },
      (ftp) => failure(ftp.listAll('in [x]')),
    )
    expect(error).toMatchObject({ name: 'FtpReplyError', reply: { code: Number(reply.slice(0, 3)) } })
    expect(error).not.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
  })
})

test('a server that nobody has ever reached is not tried again and again', async () => {
  await using ftp = new FtpClient({
    host: '127.0.0.1',
    port: await closedPort('127.0.0.1'),
    security: 'none',
  })
  expect(await failure(ftp.listAll())).toMatchObject({ code: 'ERR_FTP_CONNECT' })
})
