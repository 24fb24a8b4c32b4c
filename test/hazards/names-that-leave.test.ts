/**
 * Names by which a server would have us write elsewhere than in the directory that is mirrored: refused one by one with
 * ERR_FTP_UNSAFE_PATH, by the rules of each system, and the rest is done. What only looks dangerous is a name like any
 * other, and stands in its directory under just that name.
 */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { posix, win32 } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { FtpClient, type MirrorResult } from '../../src/index.ts'
import { unsafeTarget } from '../../src/local/safe-link.ts'
import { unsafeName } from '../../src/local/safe-name.ts'
import { diff } from '../../src/mirror/diff.ts'
import { mirrorSettings } from '../../src/mirror/mirror-options.ts'
import { encodeText } from '../../src/protocol/text.ts'
import { contents } from '../mirror/support/trees.ts'
import { treeServer } from '../mirror/support/tree-server.ts'
import type { FakeFtpServer, FakeSession } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK } from './support/attempt.ts'

type Platform = 'linux' | 'darwin' | 'win32'

const ALL: readonly Platform[] = ['linux', 'darwin', 'win32']
const WINDOWS: readonly Platform[] = ['win32']
const COLON: readonly Platform[] = ['darwin', 'win32']
const NOT_TEXT: readonly Platform[] = ['darwin', 'win32']
const NOWHERE: readonly Platform[] = []

/** A way out, and the systems on which it would be one. */
const WAYS: readonly (readonly [name: string, refusedOn: readonly Platform[], comment?: string])[] = [
  ['../x', ALL],
  ['../../../../../../../../etc/x', ALL],
  ['x/../../y', ALL],
  ['x/y', ALL],
  ['./x', ALL],
  ['x/', ALL],
  ['/abs', ALL],
  ['//host/share', ALL],
  ['x\0.txt', ALL],
  ['..\\x', WINDOWS],
  ['x\\..\\..\\y', WINDOWS],
  ['\\abs', WINDOWS],
  ['\\\\server\\share', WINDOWS],
  ['\\\\?\\C\\x', WINDOWS],
  ['\\\\.\\PhysicalDrive0', WINDOWS],
  ['C:x', COLON],
  ['C:\\x', COLON],
  ['x:stream', COLON],
  ['x::$DATA', COLON],
  ['CON', WINDOWS],
  ['con.txt', WINDOWS],
  ['AUX ', WINDOWS],
  ['nul .tar.gz', WINDOWS],
  ['COM1.log', WINDOWS],
  ['COM¹', WINDOWS],
  ['lpt³.x', WINDOWS],
  ['CONOUT$', WINDOWS],
  ['x.', WINDOWS],
  ['x ', WINDOWS],
  ['...', WINDOWS],
  ['.. ', WINDOWS],
  ['. .', WINDOWS],
  ['x<y', WINDOWS],
  ['*', WINDOWS],
  ['\u001b]0;x', WINDOWS],
  ['\udcc0\udcaf..', NOT_TEXT, 'a slash in two bytes, as no UTF-8 has it'],
  ['\udce0\udc80\udcaf', NOT_TEXT, 'in three'],
  ['x'.repeat(256), ALL],
  ['..%2fx', NOWHERE],
  ['%2e%2e', NOWHERE],
  ['..%5cx', NOWHERE],
  ['~', NOWHERE],
  ['~root', NOWHERE],
  ['$HOME', NOWHERE],
  ['-rf', NOWHERE],
  ['..x', NOWHERE],
  ['x..', WINDOWS],
  ['\u202egnp.exe', NOWHERE, 'read from right to left'],
  ['.\u200d.', WINDOWS, 'dots with nothing to be seen between them'],
  ['\u2025', NOWHERE, 'two dots in one character'],
  ['x\uff0fy', NOWHERE, 'a wide slash'],
  ['\u2216x', NOWHERE, 'the backslash of mathematics'],
  // Another name of what stands in the same directory: a link of that name is not gone through either.
  ['PROGRA~1', NOWHERE],
]

const WINDOWS_TARGETS = ['C:\\x', 'C:x', '\\\\server\\share', '..\\x', 'NUL', 'x:stream']

const shown = (name: string): string => JSON.stringify(name.slice(0, 30))

describe.each(ALL)('by the rules of %s', (platform) => {
  test.each(WAYS.map(([name, refusedOn]) => [shown(name), refusedOn.includes(platform), name] as const))(
    '%s: refused %s',
    (_shown, isRefused, name) => {
      expect(unsafeName(name, platform) !== undefined).toBe(isRefused)
    },
  )

  test('what is not refused is one step down from where it is listed', () => {
    const system = platform === 'win32' ? win32 : posix
    const root = platform === 'win32' ? 'D:\\root' : '/root'
    for (const [name, refusedOn] of WAYS) {
      if (refusedOn.includes(platform)) continue
      expect(system.dirname(system.join(root, name))).toBe(system.resolve(root))
      expect(system.basename(system.join(root, name))).toBe(name)
    }
  })

  test.each([
    '/abs',
    '..',
    '../../x',
    'x/../../y',
    'x\0',
    '',
    ...(platform === 'win32' ? WINDOWS_TARGETS : []),
  ])('a link to %j is not made', (target) => {
    expect(unsafeTarget('link', target, platform)).toBeDefined()
  })
})

describe.each(['MLSD', 'LIST'] as const)('listed by %s', (verb) => {
  describe.each(['linux', 'win32', 'darwin'] as const)('to a system like %s', (platform) => {
    const actual = process.platform
    afterEach(() => {
      Object.defineProperty(process, 'platform', { value: actual })
    })

    test.each(['file', 'directory'] as const)('each as a %s', async (type) => {
      // Where no such name can be made, nothing is shown by it that has not come.
      const ways = WAYS.filter(([name]) => actual === 'linux' || unsafeName(name, actual) === undefined)
      const refused = ways.filter(([, refusedOn]) => refusedOn.includes(platform)).map(([name]) => name)
      const kept = ways.filter(([, refusedOn]) => !refusedOn.includes(platform)).map(([name]) => name)
      await inRoot(async (folder, root) => {
        const names = [...refused, ...kept, 'good', `${folder.path}/stolen`]
        await using server = await listing(verb, names, type)
        await using ftp = clientOf(server)
        Object.defineProperty(process, 'platform', { value: platform })
        const { failures } = await ftp.mirrorDown('/tree', root)
        Object.defineProperty(process, 'platform', { value: actual })
        expectUnsafe(failures, [...refused, `${folder.path}/stolen`])
        expect(Object.keys(contents(root)).sort()).toEqual([...kept, 'good'].sort())
        if (type === 'directory') return
        for (const name of kept) {
          const bytes = Buffer.from(encodeText(name))
          expect(await readFile(Buffer.concat([Buffer.from(`${root}/`), bytes]))).toEqual(bytes)
        }
      })
    })
  })

  test('".", ".." and nothing at all are no entries: nothing is asked for by them', async () => {
    await inRoot(async (_folder, root) => {
      for (const type of ['file', 'directory'] as const) {
        await using server = await listing(verb, ['.', '..', '', 'good'], type)
        await using ftp = clientOf(server)
        await ftp.mirrorDown('/tree', root)
        expect(Object.keys(contents(root))).toEqual(['good'])
        for (const line of server.commands.flat()) expect(line).not.toMatch(/\/tree\/(\.\.?)?$/)
      }
    })
  })
})

describe('through a link that stands in the root', () => {
  const FILES = { '/tree/to-file': Buffer.from('new'), '/tree/to-directory/x': Buffer.from('new') }

  test.each([false, true])('a file takes its place, a directory does not; delete %s', async (isDeleting) => {
    await inRoot(async (folder, root) => {
      await mkdir(folder.at('outside'))
      await writeFile(folder.at('outside', 'file'), 'precious')
      await symlink('../outside/file', folder.at('root', 'to-file'))
      await symlink('../outside', folder.at('root', 'to-directory'))
      await symlink('/dev/null', folder.at('root', 'null'))
      await using server = await treeServer({ files: { ...FILES, '/tree/null': Buffer.from('new') } })
      await using ftp = clientOf(server)
      const { failures } = await ftp.mirrorDown('/tree', root, { delete: isDeleting, maxDelete: 100 })
      expect(await readFile(folder.at('outside', 'file'), 'utf8')).toBe('precious')
      expect(Object.keys(contents(folder.at('outside')))).toEqual(['file'])
      expect(contents(root)['to-file']).toMatch(/^file /)
      expect(contents(root)['null']).toMatch(/^file /)
      if (isDeleting) expect(contents(root)['to-directory/x']).toMatch(/^file /)
      else expect(failures).toMatchObject([{ path: 'to-directory', error: { code: 'ERR_FTP_LOCAL_FILE' } }])
    })
  })

  // One that takes the place of a directory after it has been looked at is beyond us: see `real-directories.ts`.
  test.each([
    ['for a directory, before it is looked at', 'MLSD', 'to-directory', '../outside'],
    ['for a file', 'RETR', 'to-file', '../outside/file'],
    ['for its temporary name', 'RETR', 'to-file.octoftp-part', '../outside/file'],
  ])('one that is planted while the mirror runs, %s', async (_where, at, name, target) => {
    await inRoot(async (folder, root) => {
      await mkdir(folder.at('outside'))
      await writeFile(folder.at('outside', 'file'), 'precious')
      await using server = await treeServer({
        files: FILES,
        around: async (verb, _session, proceed) => {
          // The second time it is there.
          if (verb === at) await symlink(target, folder.at('root', name)).catch(() => {})
          await proceed()
        },
      })
      await using ftp = clientOf(server)
      const { failures } = await ftp.mirrorDown('/tree', root)
      const code: unknown = expect.stringMatching(/^ERR_FTP_(UNSAFE_PATH|LOCAL_FILE)$/)
      for (const { error } of failures) expect(error).toMatchObject({ code })
      expect(await readFile(folder.at('outside', 'file'), 'utf8')).toBe('precious')
      expect(Object.keys(contents(folder.at('outside')))).toEqual(['file'])
      const [made] = ['to-file', 'to-directory/x'].filter((path) => contents(root)[path]?.startsWith('file '))
      expect(made, 'the rest is done').toBeDefined()
    })
  })
})

test('names that differ in case alone, where the disk takes them for one: the second is refused', () => {
  const unknown = { modifiedMs: undefined, precision: undefined, target: undefined }
  const entry = (name: string) => ({ ...unknown, name, type: 'file', size: 1 }) as const
  const { actions } = diff([entry('a'), entry('A'), entry('\u00e9'), entry('e\u0301')], [], {
    ...{ settings: mirrorSettings({}, 4), path: '', direction: 'down', keepsTimes: true },
    isCaseInsensitive: true,
  })
  expect(actions).toMatchObject([
    { type: 'transfer', path: 'a' },
    { type: 'refuse', path: 'A', error: { code: 'ERR_FTP_UNSAFE_PATH' } },
    { type: 'transfer', path: '\u00e9' },
    { type: 'refuse', path: 'e\u0301', error: { code: 'ERR_FTP_UNSAFE_PATH' } },
  ])
})

function expectUnsafe(failures: MirrorResult['failures'], names: readonly string[]): void {
  for (const { error } of failures) expect(error).toMatchObject({ code: 'ERR_FTP_UNSAFE_PATH' })
  expect(failures.map(({ path }) => path).sort()).toEqual([...names].sort())
}

/** An empty root beside a file, which has to be all that is there afterwards. */
async function inRoot(use: (folder: TemporaryDirectory, root: string) => Promise<void>): Promise<void> {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await mkdir(folder.at('root'))
    await writeFile(folder.at('beside'), 'precious')
    await use(folder, folder.at('root'))
    const outside = Object.keys(contents(folder.path)).filter((path) => !/^(root|outside)(\/|$)/.test(path))
    expect(outside).toEqual(['beside'])
    expect(await readFile(folder.at('beside'), 'utf8')).toBe('precious')
  })
}

/** A server that lists these names in /tree, and gives each of them; the directories among them are empty. */
function listing(
  verb: 'MLSD' | 'LIST',
  names: readonly string[],
  type: 'file' | 'directory',
): Promise<FakeFtpServer> {
  const line = (name: string): string => {
    const size = encodeText(name).length
    if (verb === 'LIST') return `${type === 'file' ? '-' : 'd'}rw-r--r-- 1 a a ${size} Jan  2  2020 ${name}`
    return type === 'file' ? `type=file;size=${size};modify=20200102030405; ${name}` : `type=dir; ${name}`
  }
  const send = async (session: FakeSession, path: string): Promise<void> => {
    session.reply('150 Here it comes')
    const data = await session.openData()
    if ('refusal' in data) return session.reply(data.refusal)
    const lines = path === '/tree' ? names.map(line) : []
    await data.write(Buffer.concat(lines.map((text) => encodeText(`${text}\r\n`))))
    await data.end()
    session.reply('226 Done')
  }
  // The server reads commands as UTF-8, whatever they are.
  const asked = (name: string): string => `/tree/${Buffer.from(encodeText(name)).toString()}`
  const files =
    type === 'file' ? names.map((name) => [asked(name), Buffer.from(encodeText(name))] as const) : []
  return treeServer({
    files: { '/tree/good': Buffer.from('good'), ...Object.fromEntries(files) },
    ...(verb === 'LIST' && { unsupported: ['MLST', 'MLSD'] }),
    on: {
      CWD: (session, argument) => {
        session.directory = session.resolve(argument)
        session.reply('250 Fine')
      },
      MLSD: (session, argument) => send(session, session.resolve(argument)),
      LIST: (session) => send(session, session.directory),
    },
  })
}

function clientOf(server: FakeFtpServer): FtpClient {
  return new FtpClient(`ftp://${server.host}:${server.port}`, { retry: BRISK, maxConnections: 2 })
}
