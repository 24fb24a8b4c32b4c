/** Trees walked: on real servers, and on what real ones will not do on demand. */
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { FtpClient, type Entry, type FtpClientOptions } from '../../src/index.ts'
import { entryOf } from '../../src/listing/entry.ts'
import { walk, walkSettings, type WalkOptions } from '../../src/operations/walk.ts'
import type { RunningServer } from '../servers/types.ts'
import { describeServers } from '../servers/vitest.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer, type ScriptedControl, type ScriptedServer } from '../support/scripted-server.ts'
import { untilPasses } from '../support/eventually.ts'

async function pathsOf(entries: AsyncIterable<Entry>): Promise<(string | undefined)[]> {
  const paths: (string | undefined)[] = []
  for await (const { path } of entries) paths.push(path)
  return paths
}

/** What a walk rejects with, and what it has given before. */
async function outcome(entries: AsyncIterable<Entry>): Promise<{ paths: string[]; error: unknown }> {
  const paths: string[] = []
  try {
    for await (const { path } of entries) paths.push(path ?? '')
    return { paths, error: undefined }
  } catch (error) {
    return { paths, error }
  }
}

interface Told {
  readonly failed: [string, string | undefined][]
  readonly onError: (error: unknown, path: string) => void
}

/** Collects what a walk tells of directories that failed. */
function told(): Told {
  const failed: [string, string | undefined][] = []
  const onError = (error: unknown, path: string): void => {
    failed.push([path, (error as { code?: string }).code])
  }
  return { failed, onError }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

const TREE = [
  ...['.hidden', '.hidden/.four', '.hidden/.deep', '.hidden/.deep/five', 'a', 'a/one', 'a/Grüße 文件'],
  ...['a/Grüße 文件/two', 'b', 'b/in [x] y', 'b/in [x] y/ odd "one"', 'b/in [x] y/ odd "one"/three', 'empty'],
]

function plant(server: RunningServer, root: string): void {
  for (const path of TREE) {
    const isDirectory = path.endsWith('empty') || TREE.some((other) => other.startsWith(`${path}/`))
    if (isDirectory) server.makeDirectory(`${root}/${path}`)
    else server.write(`${root}/${path}`, path)
  }
}

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none', 'explicit'] },
  (server, { kind }) => {
    const client = (options: FtpClientOptions = {}): FtpClient => {
      const { url, user, password, ca } = server()
      return new FtpClient(url, { user, password, tls: { ca }, maxConnections: 4, ...options })
    }

    it('gives all that there is with its path, wherever it begins', async () => {
      await using ftp = client()
      plant(server(), 'tree')
      const starts = ['tree', 'tree/', '/tree', Buffer.from('/tree/'), '', undefined, '/'] as const
      for (const start of starts) {
        const filter = ({ path = '' }: Entry): boolean => /(?:^|\/)tree(?:\/|$)/.test(path)
        const paths = (await pathsOf(ftp.walk(start, { filter }))).map(String)
        const isAbove = start === undefined || start === '' || start === '/'
        const root = isAbove ? `${start ?? ''}tree` : String(start).replace(/\/$/, '')
        const expected = [...(isAbove ? [root] : []), ...TREE.map((path) => `${root}/${path}`)]
        expect(paths.toSorted()).toEqual(expected.sort())
        // The entries of one directory come together.
        const parents = paths.map(parentOf).filter((parent, at, all) => parent !== all[at - 1])
        expect(parents).toHaveLength(new Set(parents).size)
      }
      const { open, idle } = ftp.stats()
      expect(open).toBe(idle)
    })

    it('paths mean what they are of, byte for byte', async () => {
      await using ftp = client({ maxConnections: 1 })
      const name = Buffer.from([0x6e, 0xe9, 0x20, 0xfe, 0x6f])
      const at = Buffer.concat([Buffer.from(`${server().makeDirectory('bytes')}/`), name])
      server().write('bytes/below/deeper/file', 'found')
      // pyftpdlib replaces what is not UTF-8 before it sends it.
      if (kind !== 'pyftpdlib') writeFileSync(at, 'found')
      const root = Buffer.from('bytes')
      const read: string[] = []
      for await (const { type, path = '' } of ftp.walk(root)) {
        if (type === 'file') read.push(await ftp.readFile(path, { encoding: 'utf8' }))
      }
      expect(read).toEqual(kind === 'pyftpdlib' ? ['found'] : ['found', 'found'])
      expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
    })

    it('leaves out what is filtered, and goes no deeper than it is told', async () => {
      await using ftp = client()
      plant(server(), 'part')
      const paths = await pathsOf(ftp.walk('part', { maxDepth: 1, filter: ({ name }) => name !== '.hidden' }))
      const expected = ['a', 'a/one', 'a/Grüße 文件', 'b', 'b/in [x] y', 'empty']
      expect(paths.sort()).toEqual(expected.map((path) => `part/${path}`).sort())
      expect((await pathsOf(ftp.walk('part', { maxDepth: 0 }))).sort()).toEqual(
        ['.hidden', 'a', 'b', 'empty'].map((path) => `part/${path}`),
      )
    })

    it('a directory that cannot be read, or is not there, is an error', async () => {
      await using ftp = client({ retry: { attempts: 1 } })
      server().write('closed/one/file', 'x')
      server().write('closed/two/file', 'x')
      chmodSync(join(server().root, 'closed/one'), 0o311)
      const { failed, onError } = told()
      const paths = await pathsOf(ftp.walk('closed', { onError }))
      const strict = await outcome(ftp.walk('closed'))
      chmodSync(join(server().root, 'closed/one'), 0o755)
      expect(paths.sort()).toEqual(['closed/one', 'closed/two', 'closed/two/file'])
      expect(failed).toEqual([['closed/one', 'ERR_FTP_NOT_PERMITTED']])
      expect(strict.error).toMatchObject({ code: 'ERR_FTP_NOT_PERMITTED' })
      expect((await outcome(ftp.walk('missing'))).error).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
      const { open, idle } = ftp.stats()
      expect(open).toBe(idle)
    })

    it('links are entries; followed, each directory is entered once', async () => {
      await using ftp = client()
      server().write('links/tree/a/file', 'x')
      server().write('links/outside/b/file', 'x')
      const link = (target: string, path: string): void =>
        symlinkSync(target, join(server().root, 'links', path))
      link('../outside', 'tree/there')
      link('../outside/b', 'tree/also')
      link('a', 'tree/inside')
      link('a/file', 'tree/file')
      if (kind !== 'pyftpdlib') {
        link('nowhere', 'tree/dangling')
        link('..', 'outside/up')
        link('.', 'tree/loop')
        link('../../tree', 'outside/b/back')
      }
      const given = await pathsOf(ftp.walk('links/tree', { followLinks: false }))
      const followed = await pathsOf(ftp.walk('links/tree', { followLinks: true, connections: 1 }))
      // pyftpdlib tells of links what they lead to: they are directories.
      if (kind === 'pyftpdlib') {
        expect(given).toContain('links/tree/there/b/file')
        return
      }
      const links = kind === 'vsftpd' || kind === 'pure-ftpd' ? ['dangling', 'loop'] : ['loop']
      const own = ['a', 'a/file', 'also', 'file', 'inside', 'there', ...links]
      expect(
        given.filter((path) => path !== 'links/tree/dangling' || links.includes('dangling')).sort(),
      ).toEqual(own.map((path) => `links/tree/${path}`).sort())
      const once = followed.filter((path) => /outside|there|also/.test(path ?? '') && path?.endsWith('/file'))
      expect(once).toHaveLength(1)
      expect(followed.filter((path) => path?.endsWith('/a/file'))).toEqual(['links/tree/a/file'])
    })

    it('left early, it gives everything back', async () => {
      await using ftp = client()
      plant(server(), 'early')
      for await (const { type } of ftp.walk('early')) if (type === 'file') break
      await untilPasses(() => expect(ftp.stats().idle).toBe(ftp.stats().open))
      const controller = new AbortController()
      const filter = (): boolean => {
        controller.abort()
        return true
      }
      const stopped = outcome(ftp.walk('early', { signal: controller.signal, filter }))
      expect((await stopped).error).toBe(controller.signal.reason)
      await untilPasses(() => expect(ftp.stats().idle).toBe(ftp.stats().open))
      expect(await pathsOf(ftp.walk('early/empty'))).toEqual([])
    })
  },
)

/**
 * A directory by its lines, without their ends; `cut` is broken off behind them, `endless` has them again and again, a
 * text is a refusal.
 */
type Directory =
  readonly string[] | { readonly cut: readonly string[] } | { readonly endless: string } | string

/** Answers MLSD for any path by `directory`, on any number of connections. */
function tree(directory: (path: string) => Directory | Promise<Directory>): Promise<ScriptedServer> {
  return scriptedServer(async (control) => {
    control.reply('220 ready')
    let data: Awaited<ReturnType<ScriptedControl['answerPassive']>> | undefined
    for (let line = await control.nextCommand(); line !== undefined; line = await control.nextCommand()) {
      const [verb = '', ...words] = line.split(' ')
      if (verb === 'USER') control.reply('230 come in')
      else if (verb === 'TYPE') control.reply('200 fine')
      else if (verb === 'EPSV') data = await control.answerPassive(line)
      else if (verb === 'QUIT') {
        control.reply('221 bye')
        await control.end()
      } else if (verb !== 'MLSD') control.reply('502 what?')
      else {
        const given = await directory(words.join(' '))
        if (typeof given === 'string') control.reply(given)
        else if ('endless' in given) {
          control.reply('150 here it comes')
          while (await data?.write(`${given.endless}\r\n`.repeat(1_000)));
          control.reply('426 cut')
        } else {
          control.reply('150 here it comes')
          const lines = 'cut' in given ? given.cut : given
          await data?.write(lines.map((text) => `${text}\r\n`).join(''))
          await data?.end()
          control.reply('cut' in given ? '426 broken off' : '226 done')
        }
      }
    }
  })
}

function walked<T>(
  directory: Parameters<typeof tree>[0],
  use: (ftp: FtpClient, server: ScriptedServer) => Promise<T>,
  options: FtpClientOptions = {},
): Promise<T> {
  return expectNoLeaks(async () => {
    await using server = await tree(directory)
    const { host, port } = server
    const retry = { attempts: 1 }
    await using ftp = new FtpClient({ host, port, security: 'none', retry, maxConnections: 2, ...options })
    return await use(ftp, server)
  })
}

describe('a walk', () => {
  const root = ['type=dir; a', 'type=dir; b', 'type=file; c']

  test('a listing that breaks off is an error, and no part of it passes for the whole', async () => {
    const directory = (path: string): Directory =>
      path === '' ? root : path === 'a' ? { cut: ['type=file; one'] } : ['type=file; two']
    await walked(directory, async (ftp) => {
      const { failed, onError } = told()
      expect((await pathsOf(ftp.walk('', { onError }))).sort()).toEqual(['a', 'b', 'b/two', 'c'])
      expect(failed).toEqual([['a', 'ERR_FTP_REPLY']])
      expect((await outcome(ftp.walk())).error).toMatchObject({ reply: { code: 426 } })
    })
  })

  test('a listing that breaks off is tried again, by itself', async () => {
    let times = 0
    const directory = (path: string): Directory => {
      if (path === '') return root
      if (path === 'b') return []
      times += 1
      return times < 3 ? { cut: ['type=file; one'] } : ['type=file; one', 'type=file; two']
    }
    const retry = { attempts: 3, minDelay: 1, maxDelay: 1 }
    const paths = await walked(directory, (ftp) => pathsOf(ftp.walk()), { retry })
    expect(paths.sort()).toEqual(['a', 'a/one', 'a/two', 'b', 'c'])
  })

  test('a directory that has gone meanwhile is an error', async () => {
    const directory = (path: string): Directory =>
      path === '' ? root : path === 'a' ? '550 No such directory' : []
    const { failed, onError } = told()
    const paths = await walked(directory, (ftp) => pathsOf(ftp.walk('', { onError })))
    expect(paths).toEqual(['a', 'b', 'c'])
    expect(failed).toEqual([['a', 'ERR_FTP_NOT_FOUND']])
  })

  test('what onError throws is what it rejects with', async () => {
    const thrown = new Error('enough')
    const onError = (): never => {
      throw thrown
    }
    const directory = (path: string): Directory => (path === '' ? root : '550 No such directory')
    const { error } = await walked(directory, (ftp) => outcome(ftp.walk('', { onError })))
    expect(error).toBe(thrown)
  })

  test('names that lead elsewhere are neither given nor entered', async () => {
    const asked: string[] = []
    const directory = (path: string): Directory => {
      asked.push(path)
      const names = ['../up', 'x/y', '/etc', 'a\rb', 'fine']
      return path === 'at' ? names.map((name) => `type=dir; ${name}`) : []
    }
    const { failed, onError } = told()
    const paths = await walked(directory, (ftp) => pathsOf(ftp.walk('at', { onError })))
    expect(paths).toEqual(['at/a\rb', 'at/fine'])
    expect(failed).toEqual(['at', 'at', 'at', 'at/a\rb'].map((path) => [path, 'ERR_FTP_UNSAFE_PATH']))
    expect(asked).toEqual(['at', 'at/fine'])
  })

  test('directories without an end are an error in the end', async () => {
    const deep = await walked(
      () => ['type=dir; x'],
      async (ftp) => {
        const { failed, onError } = told()
        const paths = await pathsOf(ftp.walk('', { onError }))
        return { failed, deepest: paths.at(-1), count: paths.length }
      },
    )
    const deepest = Array.from({ length: 65 }, () => 'x').join('/')
    expect(deep).toEqual({ failed: [[deepest, 'ERR_FTP_LISTING_TOO_LARGE']], deepest, count: 65 })
    const shallow = await walked(
      () => ['type=dir; x'],
      (ftp) => pathsOf(ftp.walk('', { maxDepth: 2 })),
    )
    expect(shallow).toEqual(['x', 'x/x', 'x/x/x'])
  })

  test('a link that the server does not tell, and that leads back, is found by its unique', async () => {
    const directory = (path: string): Directory =>
      path.endsWith('b') ? ['type=dir;unique=1; back'] : ['type=dir;unique=2; b', 'type=dir;unique=3; back']
    const { failed, onError } = told()
    const paths = await walked(
      (path) => (path === '' ? ['type=dir;unique=1; a'] : directory(path)),
      (ftp) => pathsOf(ftp.walk('', { onError, maxDepth: 4 })),
    )
    expect(paths).toContain('a/b/back')
    expect(failed).toContainEqual(['a/b/back', 'ERR_FTP_LISTING_TOO_LARGE'])
    expect(paths.filter((path) => path?.startsWith('a/b/back/'))).toEqual([])
  })

  test('several directories are listed at once, and no more than are asked for', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `type=dir; d${index}`)
    for (const connections of [1, 3]) {
      let [now, most] = [0, 0]
      let meet = (): void => {}
      const met = new Promise<void>((resolve) => (meet = resolve))
      const directory = async (path: string): Promise<Directory> => {
        if (path === '') return names
        now += 1
        most = Math.max(most, now)
        if (now === connections) meet()
        await met
        now -= 1
        return []
      }
      await walked(directory, (ftp) => pathsOf(ftp.walk('', { connections })), { maxConnections: 4 })
      expect(most).toBe(connections)
    }
  })

  test('left early or stopped, it ends its listings and gives back its sessions', async () => {
    const endless = (path: string): Directory =>
      path === '' ? root : path === 'a' ? { endless: 'type=file; one' } : ['type=file; two']
    await walked(endless, async (ftp) => {
      for await (const { path } of ftp.walk()) if (path === 'a/one') break
      await untilPasses(() => expect(ftp.stats().idle).toBe(ftp.stats().open))
      const controller = new AbortController()
      const { signal } = controller
      const reason = new Error('stopped')
      const stopped = outcome(
        ftp.walk('', {
          signal,
          filter: ({ path }) => {
            if (path === 'a/one') controller.abort(reason)
            return true
          },
        }),
      )
      expect((await stopped).error).toBe(reason)
      await untilPasses(() => expect(ftp.stats().idle).toBe(ftp.stats().open))
    })
  })

  test('a refused login, and the end of the client, are no failures of one directory', async () => {
    const { failed, onError } = told()
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready')
      await control.expect(/^USER /).reply('530 no')
    })
    const { host, port } = server
    const ftp = new FtpClient({ host, port, security: 'none' })
    expect((await outcome(ftp.walk('', { onError }))).error).toMatchObject({ code: 'ERR_FTP_LOGIN' })
    await ftp.close()
    expect((await outcome(ftp.walk('', { onError }))).error).toMatchObject({ code: 'ERR_FTP_CLOSED' })
    expect(failed).toEqual([])
  })

  test('bad options are refused at once', async () => {
    await using ftp = new FtpClient({ host: '127.0.0.1', security: 'none', maxConnections: 2 })
    const bad: [unknown, RegExp][] = [
      [{ connections: 3 }, /"connections" is 3; it must be a whole number from 1 to 2/],
      [{ maxDepth: -1 }, /"maxDepth" is -1/],
      [{ filter: 'x' }, /"filter"/],
      [{ onError: 'x' }, /"onError"/],
      [{ followLinks: 1 }, /"followLinks"/],
      [{ timeZone: 'Nowhere' }, /"timeZone"/],
      [{ signal: 1 }, /"signal"/],
    ]
    for (const [options, message] of bad) expect(() => ftp.walk('', options as WalkOptions)).toThrow(message)
    expect(() => ftp.walk('a\nb')).toThrow(TypeError)
  })
})

/** A walk over directories that are made up. */
function imagined(
  listDirectory: (path: string) => AsyncIterable<Entry> | Promise<Entry[]>,
  options: WalkOptions = {},
): AsyncGenerator<Entry, void> {
  const realPath = (): Promise<undefined> => Promise.resolve(undefined)
  return walk({
    ...walkSettings(options, 8),
    path: '',
    listDirectory: async (path) => listDirectory(path),
    onEnd: () => Promise.resolve(),
    realPath,
    signal: options.signal,
  })
}

function named(name: string, type: Entry['type'] = 'file'): Entry {
  return entryOf({ name, type, raw: '' })
}

describe('a slow reader', () => {
  test('has a bounded number of entries waiting, whatever there is', async () => {
    let made = 0
    async function* endless(path: string): AsyncGenerator<Entry, void> {
      if (path === '') for (let at = 0; at < 100; at++) yield named(`d${at}`, 'directory')
      else for (;;) yield named(`f${made++}`)
    }
    let read = 0
    for await (const { type } of imagined(endless)) {
      read += type === 'file' ? 1 : 0
      if (read === 100) await new Promise((resolve) => setTimeout(resolve, 20))
      if (read % 5_000 === 0) expect(made - read).toBeLessThan(20_000)
      if (read === 50_000) break
    }
    expect(made - read).toBeLessThan(20_000)
  })

  test('has no more directories listed ahead', async () => {
    let listed = 0
    const directories = Array.from({ length: 1_000 }, (_, at) => named(`d${at}`, 'directory'))
    const files = Array.from({ length: 1_000 }, (_, at) => named(`f${at}`))
    const entries = imagined((path) => Promise.resolve(path === '' ? directories : (listed++, files)))
    await entries.next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(listed).toBeLessThan(30)
    await entries.return()
  })

  test('a hostile server cannot fill the memory with directories', async () => {
    async function* wide(): AsyncGenerator<Entry, void> {
      const entry = named('x', 'directory')
      for (;;) yield entry
    }
    const entries = imagined(wide)
    let count = 0
    const readAll = async (): Promise<void> => {
      while ((await entries.next()).done !== true) count += 1
    }
    await expect(readAll()).rejects.toMatchObject({ code: 'ERR_FTP_LISTING_TOO_LARGE' })
    expect(count).toBe(1_000_001)
  }, 30_000)
})

test('a line that nobody can read is given, without a path', async () => {
  const unread = entryOf({ name: 'ls: /etc: denied', type: 'other', raw: 'ls: /etc: denied' })
  const entries = imagined(() => Promise.resolve([unread]))
  expect(await entries.next()).toMatchObject({ value: { name: unread.name, path: undefined } })
  expect(await entries.next()).toEqual({ done: true, value: undefined })
})
