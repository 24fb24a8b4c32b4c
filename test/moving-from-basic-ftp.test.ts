/** docs/moving-from-basic-ftp.md leaves out nothing that basic-ftp's client has, and what it tells of both is so. */
import { readFile } from 'node:fs/promises'
import { Client, FileInfo } from 'basic-ftp'
import { describe, expect, it } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from './support/fake-ftp-server.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

/** What the first cells of its tables name. */
async function named(): Promise<string[]> {
  const text = await readFile(new URL('../docs/moving-from-basic-ftp.md', import.meta.url), 'utf8')
  const cells = [...text.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name = '']) => name))
}

/** Its own names and those of its class, but for what begins with an underscore. */
function publicNames(object: object): string[] {
  const names = [object, Object.getPrototypeOf(object) as object].flatMap((one) =>
    Object.getOwnPropertyNames(one),
  )
  return names.filter((name) => !name.startsWith('_') && !['constructor', 'options', 'name'].includes(name))
}

it.each([
  ['Client', new Client()],
  ['FileInfo', new FileInfo('a')],
])('every public name of its %s is there', async (_class, object) => {
  const names = publicNames(object)
  expect(names.length).toBeGreaterThan(8)
  const told = await named()
  expect(names.filter((name) => !told.includes(name))).toEqual([])
})

describe('both on one server', () => {
  const FILE = Buffer.alloc(100_000, 'one line of a log\n')

  interface Both extends AsyncDisposable {
    readonly server: FakeFtpServer
    readonly before: Client
    readonly after: FtpClient
  }

  async function both(options: FakeFtpOptions, settings: FtpClientOptions = {}): Promise<Both> {
    const server = await fakeFtpServer({ security: 'none', ...options })
    const { host, port } = server
    const before = new Client()
    await before.access({ host, port })
    const after = new FtpClient({ host, port, security: 'none', ...settings })
    return {
      ...{ server, before, after },
      [Symbol.asyncDispose]: async () => {
        before.close()
        await after.close()
        await server.close()
      },
    }
  }

  it('a file that grows is a success of the one, and for the other if it is told so', async () => {
    await using folder = await temporaryDirectory()
    let grown = 0
    await using clients = await both(
      {
        files: { '/access.log': FILE },
        sizeTold: (_path, size) => size - 1000 + (grown += 10),
        modified: (_path, timesAsked) => new Date(Date.UTC(2024, 0, 1, 0, 0, timesAsked)),
      },
      { retry: { attempts: 1 } },
    )
    const { before, after } = clients
    await before.downloadTo(folder.at('before'), '/access.log')
    expect((await readFile(folder.at('before'))).equals(FILE)).toBe(true)
    await expect(after.download('/access.log', folder.at('after'))).rejects.toMatchObject({
      code: 'ERR_FTP_SOURCE_CHANGED',
    })
    await after.download('/access.log', folder.at('after'), { verify: { size: false, modified: false } })
    expect((await readFile(folder.at('after'))).equals(FILE)).toBe(true)
    expect(await after.readFile('/access.log', { end: 999 })).toEqual(FILE.subarray(0, 1000))
  })

  it('`list` of the other takes a directory, and `stat` a file', async () => {
    await using clients = await both({ files: { '/notes.txt': FILE } })
    const { server, before, after } = clients
    const asked = ['*.txt', 'notes.txt', '-la']
    for (const argument of asked) {
      await expect(before.list(argument)).rejects.toMatchObject({ code: 502 }) // This server lists nothing.
      await expect(after.listAll(argument)).rejects.toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
    }
    const [ofBefore = []] = server.commands
    expect(ofBefore).toEqual(expect.arrayContaining(asked.map((argument) => `LIST ${argument}`)))
    expect(await after.stat('notes.txt')).toMatchObject({ type: 'file', size: FILE.length })
  })

  it('latin1 is not the same for both', async () => {
    const listing = Buffer.from('type=file; \xe9\x80\r\n', 'latin1')
    await using clients = await both(
      {
        on: {
          MLSD: async (session) => {
            session.reply('150 here it comes')
            const data = await session.openData()
            if ('refusal' in data) return session.reply(data.refusal)
            await data.write(listing)
            await data.end()
            session.reply('226 done')
          },
        },
      },
      { encoding: 'latin1' },
    )
    const { before, after } = clients
    before.ftp.encoding = 'latin1'
    expect((await before.list()).map(({ name }) => name)).toEqual(['\xe9\x80'])
    expect((await after.listAll()).map(({ name }) => name)).toEqual(['é€'])
  })

  it('what the one takes for a default is refused by the other', () => {
    expect(new Client(0).ftp.timeout).toBe(0)
    expect(() => new FtpClient({ host: 'localhost', timeouts: { reply: 0 } })).toThrow(RangeError)
    expect(() => new FtpClient({ host: 'localhost', timeouts: { reply: Infinity } })).not.toThrow()
    expect(() => new FtpClient({})).toThrow(/"host" is missing/)
    expect(() => new FtpClient({ host: 'localhost', encoding: 'binary' })).toThrow(RangeError)
  })
})
