/** Trees removed: nothing that a link leads to goes with them, whatever is refused on the way. */
import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { scriptedServer } from '../support/scripted-server.ts'

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none'] },
  (server) => {
    it('a link that may not be removed is not followed', async () => {
      const { url, user, password, root } = server()
      await using ftp = new FtpClient(url, { user, password, maxConnections: 1 })
      server().write('kept/file', 'precious')
      await ftp.mkdir('tree')
      symlinkSync('../kept', join(root, 'tree/link'))
      chmodSync(join(root, 'tree'), 0o555)
      for (const path of ['tree', 'tree/link']) {
        await expect(ftp.remove(path, { recursive: true })).rejects.toMatchObject({ name: 'FtpReplyError' })
        expect(readdirSync(join(root, 'kept'))).toEqual(['file'])
      }
      chmodSync(join(root, 'tree'), 0o755)
      await ftp.remove('tree', { recursive: true })
      expect(existsSync(join(root, 'tree'))).toBe(false)
      expect(readdirSync(join(root, 'kept'))).toEqual(['file'])
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })

    it('what a plain listing does not show goes too', async () => {
      const { url, user, password, root } = server()
      await using ftp = new FtpClient(url, { user, password, maxConnections: 1 })
      server().write('hidden/.file', 'x')
      server().write('hidden/.directory/.deep/file', 'x')
      server().write('hidden/below/..also', 'x')
      symlinkSync('nowhere', join(root, 'hidden/.directory/.dangling'))
      await ftp.remove('hidden', { recursive: true })
      expect(existsSync(join(root, 'hidden'))).toBe(false)
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })
  },
)

test.each(['../precious', 'x/y', '/etc'])('a name such as %s removes nothing', async (name) => {
  const answers: Record<string, string> = {
    ...{ USER: '230 come in', TYPE: '200 fine', PWD: '257 "/"', CWD: '250 fine', DELE: '550 Is a directory' },
  }
  await using server = await scriptedServer(async (control) => {
    control.reply('220 ready')
    let data: Awaited<ReturnType<typeof control.answerPassive>> | undefined
    for (let line = await control.nextCommand(); line !== undefined; line = await control.nextCommand()) {
      const [verb = ''] = line.split(' ')
      if (verb === 'EPSV') data = await control.answerPassive(line)
      else if (verb === 'MLSD' || verb === 'LIST') {
        control.reply('150 here it comes')
        if (verb === 'MLSD') await data?.write(`type=file; fine\r\ntype=file; ${name}\r\n`)
        await data?.end()
        control.reply('226 done')
      } else if (verb === 'QUIT') await control.end()
      else control.reply(answers[verb] ?? '502 what?')
    }
  })
  await using ftp = new FtpClient({ host: server.host, port: server.port, security: 'none' })
  await expect(ftp.remove('tree', { recursive: true })).rejects.toMatchObject({
    ...{ name: 'FtpTransferError', code: 'ERR_FTP_UNSAFE_PATH', path: 'tree', actual: name },
  })
  expect(server.commands.flat().filter((line) => /^(?:DELE|RMD)/.test(line))).toEqual(['DELE tree'])
})
