/** Directories, names, permissions and times on real servers. */
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none', 'explicit'] },
  (server) => {
    const remote = (name: string): string => join(server().root, name)
    const client = (): FtpClient => {
      const { url, user, password, ca } = server()
      return new FtpClient(url, { user, password, tls: { ca }, maxConnections: 1 })
    }
    const failure = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)

    it('makes directories, those above them too, with any name', async () => {
      await using ftp = client()
      await ftp.mkdir('plain')
      expect(await failure(ftp.mkdir('plain'))).toMatchObject({ code: 'ERR_FTP_EXISTS', retryable: false })
      expect(await failure(ftp.mkdir('no/such'))).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      // Pure-FTPd makes `_` of a blank at the end.
      const deep = 'deep/a "quoted" name/Grüße/ [x]'
      await ftp.mkdir(deep, { recursive: true })
      await ftp.mkdir(deep, { recursive: true })
      await ftp.mkdir(`${deep}/one more/`, { recursive: true })
      expect((await stat(remote(`${deep}/one more`))).isDirectory()).toBe(true)
      server().write('a file', 'x')
      expect(await failure(ftp.mkdir('a file/below', { recursive: true }))).toMatchObject({
        name: 'FtpReplyError',
      })
      expect(await failure(ftp.mkdir('a file', { recursive: true }))).toMatchObject({
        code: 'ERR_FTP_EXISTS',
      })
    })

    it('tells what is there', async () => {
      await using ftp = client()
      server().write('told/a "file"', 'eleven byte')
      symlinkSync('nowhere', remote('told/dangling'))
      expect(await ftp.stat('told/a "file"')).toMatchObject({ name: 'a "file"', type: 'file', size: 11 })
      expect(await ftp.stat('told')).toMatchObject({ name: 'told', type: 'directory' })
      for (const path of ['/', '.', 'told/..']) expect((await ftp.stat(path)).type).toBe('directory')
      expect(await ftp.exists('told/missing')).toBe(false)
      expect(await ftp.exists('missing/missing')).toBe(false)
      expect(await ftp.exists('told/a "file"')).toBe(true)
      expect(await failure(ftp.stat('told/missing'))).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    })

    it('removes files and trees, and no file that a link in them leads to', async () => {
      await using ftp = client()
      await ftp.mkdir('tree/a/b', { recursive: true })
      await ftp.mkdir('kept')
      await ftp.writeFile('kept/file', 'x')
      await ftp.writeFile('tree/a/file', 'x')
      await ftp.writeFile('tree/a/b/ [x] "y"', 'x')
      symlinkSync('../kept', remote('tree/link'))
      symlinkSync('../kept/file', remote('tree/a/b/link'))
      expect(await failure(ftp.remove('tree'))).toMatchObject({ code: 'ERR_FTP_IS_DIRECTORY' })
      expect(await failure(ftp.remove('missing'))).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      await ftp.remove('missing', { force: true })
      await ftp.remove('tree/a/file')
      expect(existsSync(remote('tree/a/file'))).toBe(false)
      await ftp.remove('tree', { recursive: true })
      expect(existsSync(remote('tree'))).toBe(false)
      expect(readdirSync(remote('kept'))).toEqual(['file'])
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })

    it('renames and moves', async () => {
      await using ftp = client()
      server().write('from "here"', 'moved')
      await ftp.mkdir('moved')
      await ftp.rename('from "here"', 'moved/to there')
      expect((await stat(remote('moved/to there'))).size).toBe(5)
      expect(await failure(ftp.rename('from "here"', 'x'))).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      await ftp.rename('moved', 'moved again')
      expect((await stat(remote('moved again'))).isDirectory()).toBe(true)
    })

    it('tells and sets times, sizes and permissions', async () => {
      await using ftp = client()
      server().write('a file.txt', 'twelve bytes')
      const time = new Date('2020-02-29T12:34:56Z')
      await ftp.setModified('a file.txt', time)
      expect(await ftp.modified('a file.txt')).toEqual(time)
      expect((await stat(remote('a file.txt'))).mtime).toEqual(time)
      await ftp.chmod('a file.txt', 0o604)
      expect((await stat(remote('a file.txt'))).mode & 0o777).toBe(0o604)
      expect(await ftp.size('a file.txt')).toBe(12)
      expect(await ftp.size('missing')).toBeUndefined()
      expect(await ftp.modified('missing')).toBeUndefined()
      expect(await failure(ftp.setModified('missing', time))).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      expect(await failure(ftp.chmod('missing', 0o600))).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      // All of it on one connection, which is as it was.
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
      expect(await ftp.size('a file.txt')).toBe(12)
    })
  },
)
