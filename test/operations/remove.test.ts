/** Trees removed: nothing that a link leads to goes with them, whatever is refused on the way. */
import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'

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
