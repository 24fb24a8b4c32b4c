/** Directories listed: on real servers, and by what servers do that real ones will not do on demand. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { FtpClient, type Entry } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import { letIn } from '../session/logged-in.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer, type Dialogue, type ScriptedControl } from '../support/scripted-server.ts'

const NAMES = [
  'plain',
  '.begins with a dot',
  ' leading blank',
  'two  blanks',
  'semi; colon',
  'Grüße-文件-🐙',
  '-dash',
  'br[a]ckets',
  'a "quote"',
  'arrow -> in name',
]
const MODIFIED = new Date('2021-02-28T23:59:00Z')

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none', 'explicit'] },
  (server, { kind }) => {
    const client = (): FtpClient => {
      const { url, user, password, ca } = server()
      return new FtpClient(url, { user, password, tls: { ca }, maxConnections: 1 })
    }

    it('tells names, types, sizes and times, of any directory', async () => {
      await using ftp = client()
      for (const directory of ['names', 'in [x] y', ' odd "one"']) {
        const at = (name: string): string => join(server().root, directory, name)
        mkdirSync(at('.'))
        for (const name of NAMES) writeFileSync(at(name), name)
        for (const name of NAMES) utimesSync(at(name), MODIFIED, MODIFIED)
        mkdirSync(at('folder'))
        const entries = await ftp.listAll(directory)
        const files = entries.filter(({ type }) => type === 'file')
        expect(files.map(({ name }) => name).sort()).toEqual([...NAMES].sort())
        for (const { name, size, modifiedAt, modifiedPrecision } of files) {
          expect([name, size]).toEqual([name, Buffer.byteLength(name)])
          const precision = modifiedPrecision === 'day' ? 86_400_000 : 1
          expect(Math.floor((modifiedAt?.getTime() ?? 0) / precision)).toBe(
            Math.floor(MODIFIED.getTime() / precision),
          )
        }
        expect(entries.filter(({ type }) => type === 'directory').map(({ name }) => name)).toEqual(['folder'])
        expect(entries).toHaveLength(NAMES.length + 1)
      }
    })

    it('a name that is not UTF-8 is kept byte for byte, there and back', async () => {
      await using ftp = client()
      const name = Buffer.from([0x6e, 0xe9, 0x20, 0xfe, 0x6f])
      mkdirSync(join(server().root, 'bytes'))
      writeFileSync(Buffer.concat([Buffer.from(join(server().root, 'bytes/')), name]), 'found')
      const [entry] = await ftp.listAll('bytes')
      // pyftpdlib replaces what is not UTF-8 before it sends it.
      if (kind === 'pyftpdlib') return
      expect(await ftp.readFile(`bytes/${entry?.name ?? ''}`, { encoding: 'utf8' })).toBe('found')
    })

    it('an empty directory is empty; what is missing, or is a file, is not there', async () => {
      await using ftp = client()
      mkdirSync(join(server().root, 'empty'))
      server().write('file', 'x')
      expect(await ftp.listAll('empty')).toEqual([])
      await expect(ftp.listAll('missing')).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      await expect(ftp.listAll('file')).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      expect(await ftp.listAll('empty')).toEqual([])
    })

    it('other calls are made on the same connection while a listing is gone through', async () => {
      await using ftp = client()
      for (const name of NAMES) server().write(`many/${name}`, name)
      const read: string[] = []
      for await (const { name } of ftp.list('many')) {
        read.push(await ftp.readFile(`many/${name}`, { encoding: 'utf8' }))
      }
      expect(read.sort()).toEqual([...NAMES].sort())
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })

    it('links are no directories', async () => {
      await using ftp = client()
      server().write('links/file', 'x')
      symlinkSync('file', join(server().root, 'links/link'))
      const link = (await ftp.listAll('links')).find(({ name }) => name === 'link')
      // pyftpdlib tells of MLSD links what they lead to.
      expect(link?.type).toBe(kind === 'pyftpdlib' ? 'file' : 'symlink')
      if (kind === 'vsftpd') expect(link?.target).toBe('file')
    })
  },
)

function listing<T>(dialogue: Dialogue, use: (ftp: FtpClient) => Promise<T>): Promise<T> {
  return expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control, index) => {
      await letIn(control)
      await control.expect('TYPE I').reply('200 fine')
      await dialogue(control, index)
    })
    const { host, port } = server
    const retry = { attempts: 1 }
    await using ftp = new FtpClient({ host, port, security: 'none', retry, maxConnections: 1 })
    return await use(ftp)
  })
}

async function sends(control: ScriptedControl, verb: string, text: string): Promise<void> {
  const data = await control.passive()
  await control.expect(verb).reply('150 here it comes')
  await data.write(text)
  await data.end()
  control.reply('226 done')
}

const UNIX = '-rw-r--r-- 1 a a 1 Jan  2  2020 one\r\n'

describe('a listing', () => {
  test('MLSD that is refused is LIST from then on', async () => {
    const names = await listing(
      async (control) => {
        await control.passive()
        await control.expect('MLSD').reply('502 what?')
        await control.expect('SYST').reply('215 UNIX')
        await sends(control, 'LIST', UNIX)
        await sends(control, 'LIST', UNIX)
      },
      async (ftp) => [...(await ftp.listAll()), ...(await ftp.listAll())].map(({ name }) => name),
    )
    expect(names).toEqual(['one', 'one'])
  })

  test('MLSD that breaks off is an error: it is not finished by a LIST, and does not end', async () => {
    const seen: Entry[] = []
    const failure = await listing(
      async (control) => {
        const data = await control.passive()
        await control.expect('MLSD').reply('150 here it comes')
        await data.write('type=file;size=1; one\r\n')
        await data.end()
        control.reply('426 broken off')
      },
      async (ftp) => {
        try {
          for await (const entry of ftp.list()) seen.push(entry)
          return undefined
        } catch (error) {
          return error
        }
      },
    )
    expect(failure).toMatchObject({ name: 'FtpReplyError', reply: { code: 426 } })
    expect(seen.length).toBeLessThanOrEqual(1)
  })

  test.each(['450 No files found', '550 No files found.'])('%s is an empty one', async (reply) => {
    const entries = await listing(
      async (control) => {
        await control.passive()
        await control.expect('MLSD').reply(reply)
      },
      (ftp) => ftp.listAll(),
    )
    expect(entries).toEqual([])
  })

  test('a 226 without a data connection is an empty one', async () => {
    const entries = await listing(
      async (control) => {
        const data = await control.passive()
        await control.expect('MLSD').reply('150 here it comes')
        await data.end()
        control.reply('226 done')
      },
      (ftp) => ftp.listAll(),
    )
    expect(entries).toEqual([])
  })

  test('leaving it early cuts it, and the next call has a connection', async () => {
    const line = `type=file;size=1; ${'x'.repeat(100)}\r\n`
    const first = await listing(
      async (control) => {
        const data = await control.passive()
        await control.expect('MLSD').reply('150 here it comes')
        while (await data.write(line.repeat(1_000)));
        control.reply('426 cut')
        await control.expect('SIZE file').reply('213 5')
      },
      async (ftp) => {
        for await (const { size } of ftp.list()) {
          if (size === 1) break
        }
        return ftp.size('file')
      },
    )
    expect(first).toBe(5)
  })

  test('a line without an end is refused long before memory is short', async () => {
    const failure = await listing(
      async (control) => {
        const data = await control.passive()
        await control.expect('MLSD').reply('150 here it comes')
        while (await data.write(Buffer.alloc(65_536, 'x')));
        control.reply('426 cut')
      },
      (ftp) => ftp.listAll().catch((error: unknown) => error),
    )
    expect(failure).toMatchObject({ code: 'ERR_FTP_LISTING_TOO_LARGE' })
  })

  test('a million entries: held as bytes, and no more of them than the bound', async () => {
    const block = Array.from(
      { length: 1_000 },
      (_, index) => `type=file;size=${index};modify=20260102030405; file number ${index}\r\n`,
    ).join('')
    const { count, most } = await listing(
      async (control) => {
        const data = await control.passive()
        await control.expect('MLSD').reply('150 here it comes')
        for (let blocks = 0; blocks < 1_000; blocks++) await data.write(block)
        await data.end()
        control.reply('226 done')
      },
      async (ftp) => {
        let [number, highest] = [0, 0]
        const before = process.memoryUsage().arrayBuffers
        for await (const { name, size } of ftp.list()) {
          if (name !== `file number ${size}`) throw new Error(name)
          number += 1
          if (number % 20_000 === 0) {
            await new Promise((resolve) => setTimeout(resolve, 1))
            highest = Math.max(highest, process.memoryUsage().arrayBuffers - before)
          }
        }
        return { count: number, most: highest }
      },
    )
    expect(count).toBe(1_000_000)
    // 60 MB came, of which at most 32 MiB are held; buffers that are not collected yet come on top.
    expect(most).toBeLessThan(120_000_000)
  }, 60_000)
})
