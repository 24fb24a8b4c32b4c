/** Links in mirrors: what they lead to, links at the other side, and those that lead round in a circle. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FtpClient, type MirrorResult } from '../../src/index.ts'
import { describeServers } from '../servers/vitest.ts'
import type { RunningServer } from '../servers/types.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const kinds = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'] as const

function clientOf({ url, user, password, ca }: RunningServer): FtpClient {
  return new FtpClient(url, { user, password, tls: { ca } })
}

function failuresOf({ failures }: MirrorResult): Record<string, string> {
  return Object.fromEntries(
    failures.map(({ path, error }) => [path, (error as { code: string }).code] as const).sort(),
  )
}

describeServers({ kinds, securities: ['none', 'explicit'] }, (server, { kind }) => {
  const showsLinks = kind !== 'pyftpdlib'

  function makeTree(name: string): string {
    server().write(`${name}/real/file.txt`, 'hello')
    server().write(`${name}/real/sub/deep.txt`, 'deep')
    server().write(`${name}-outside/far.txt`, 'far')
    const root = join(server().root, name)
    symlinkSync('real/file.txt', join(root, 'to-file'))
    symlinkSync('real/sub', join(root, 'to-directory'))
    symlinkSync(`../${name}-outside`, join(root, 'outside'))
    symlinkSync('nowhere', join(root, 'dead'))
    symlinkSync('..', join(root, 'real/up'))
    symlinkSync('.', join(root, 'real/.here'))
    symlinkSync('../..', join(root, 'real/sub/far-up'))
    return root
  }

  it.each([1, 4])('follows links down, over %i connections', async (connections) => {
    const root = `follow ${connections}`
    makeTree(root)
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    const result = await ftp.mirrorDown(`/${root}`, folder.path, { symlinks: 'follow', connections })
    const text = (path: string): string => readFileSync(folder.at(path), 'utf8')
    expect(text('to-file')).toBe('hello')
    expect(text('to-directory/deep.txt')).toBe('deep')
    expect(text('outside/far.txt')).toBe('far')
    expect(lstatSync(folder.at('to-file')).isFile()).toBe(true)
    expect(lstatSync(folder.at('to-directory')).isDirectory()).toBe(true)
    for (const path of ['real/up', 'real/.here', 'real/sub/far-up'])
      expect(existsSync(folder.at(path))).toBe(false)
    const codes = failuresOf(result)
    // vsftpd and Pure-FTPd show a link that leads nowhere, the others leave it out.
    delete codes['dead']
    expect(codes).toEqual({
      'real/.here': 'ERR_FTP_UNSAFE_PATH',
      'real/sub/far-up': 'ERR_FTP_UNSAFE_PATH',
      'real/up': 'ERR_FTP_UNSAFE_PATH',
      'to-directory/far-up': 'ERR_FTP_UNSAFE_PATH',
    })
    const again = await ftp.mirrorDown(`/${root}`, folder.path, { symlinks: 'follow', connections })
    expect(again.transferred).toBe(0)
    expect(again.equal).toBe(5)
  })

  it('makes links of links, but for those that lead elsewhere', async () => {
    const root = makeTree('recreate')
    symlinkSync('/etc/passwd', join(root, 'absolute'))
    await using folder = await temporaryDirectory()
    // What stands in the place of a link that is refused stays.
    mkdirSync(folder.at('absolute'))
    writeFileSync(folder.at('absolute/precious'), '')
    await using ftp = clientOf(server())
    const options = { symlinks: 'recreate', delete: true } as const
    const result = await ftp.mirrorDown('/recreate', folder.path, options)
    expect(readlinkSync(folder.at('to-file'))).toBe('real/file.txt')
    expect(readlinkSync(folder.at('to-directory'))).toBe('real/sub')
    expect(readlinkSync(folder.at('dead'))).toBe('nowhere')
    expect(existsSync(folder.at('absolute/precious'))).toBe(true)
    // ProFTPD leaves links to `.`, `..` and `../..` out of LIST, and so tells of none where they lead.
    const unknown = kind === 'proftpd' ? ['real/.here', 'real/sub/far-up', 'real/up'] : []
    for (const path of ['real/.here', 'real/up', 'real/sub/far-up'])
      expect(existsSync(folder.at(path))).toBe(!unknown.includes(path))
    expect(Object.keys(failuresOf(result))).toEqual(['absolute', 'outside', ...unknown])
    expect(new Set(Object.values(failuresOf(result)))).toEqual(new Set(['ERR_FTP_UNSAFE_PATH']))
    expect(result).toMatchObject({ transferred: 2, linksMade: 6 - unknown.length })
    const again = await ftp.mirrorDown('/recreate', folder.path, options)
    expect(again).toMatchObject({ transferred: 0, linksMade: 0 })
  })

  it('leaves links alone, as it is told by default', async () => {
    makeTree('skip')
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    const result = await ftp.mirrorDown('/skip', folder.path)
    expect(readFileSync(folder.at('real/sub/deep.txt'), 'utf8')).toBe('deep')
    expect(existsSync(folder.at('to-file'))).toBe(!showsLinks)
    // It comes to an end though the links are told as directories.
    expect(existsSync(folder.at('real/up'))).toBe(false)
    expect(Object.keys(failuresOf(result)).length > 0).toBe(!showsLinks)
  })

  it('never enters, writes through or deletes through a link at the target', async () => {
    await using folder = await temporaryDirectory()
    mkdirSync(folder.at('shared'))
    writeFileSync(folder.at('shared/new'), 'new')
    writeFileSync(folder.at('file'), 'ours')
    writeFileSync(folder.at('dead'), 'ours')
    server().write('elsewhere/precious', 'precious')
    server().write('up/plain', 'extra')
    const root = join(server().root, 'up')
    symlinkSync('../elsewhere', join(root, 'shared'))
    symlinkSync('../elsewhere', join(root, 'extra'))
    symlinkSync('../elsewhere/precious', join(root, 'file'))
    symlinkSync('../elsewhere/made', join(root, 'dead'))
    server().write('up/tree/inner', 'extra')
    symlinkSync('../../elsewhere', join(root, 'tree/hidden'))
    await using ftp = clientOf(server())

    const kept = await ftp.mirrorUp(folder.path, '/up')
    expect(failuresOf(kept)).toEqual({ shared: 'ERR_FTP_EXISTS' })
    const gone = await ftp.mirrorUp(folder.path, '/up', { delete: true })
    expect(gone.failures).toEqual([])
    expect(readFileSync(join(server().root, 'elsewhere/precious'), 'utf8')).toBe('precious')
    expect(existsSync(join(server().root, 'elsewhere/new'))).toBe(false)
    expect(existsSync(join(server().root, 'elsewhere/made'))).toBe(false)
    expect(lstatSync(join(root, 'shared')).isDirectory()).toBe(true)
    expect(lstatSync(join(root, 'file')).isFile()).toBe(true)
    for (const path of ['extra', 'plain', 'tree']) expect(existsSync(join(root, path))).toBe(false)
  })

  it('follows links up, and refuses to make them', async () => {
    await using folder = await temporaryDirectory()
    mkdirSync(folder.at('real'))
    writeFileSync(folder.at('real/file'), 'ours')
    writeFileSync(folder.at('large'), Buffer.alloc(1_500_000, 'x'))
    symlinkSync('real', folder.at('to-directory'))
    symlinkSync('large', folder.at('to-large'))
    symlinkSync('real/file', folder.at('to-file'))
    symlinkSync('nowhere', folder.at('dead'))
    symlinkSync('..', folder.at('real/up'))
    await using ftp = clientOf(server())

    const followed = await ftp.mirrorUp(folder.path, '/followed', { symlinks: 'follow' })
    expect(failuresOf(followed)).toEqual({
      dead: 'ERR_FTP_LOCAL_FILE',
      'real/up': 'ERR_FTP_LOCAL_FILE',
      'to-directory/up': 'ERR_FTP_LOCAL_FILE',
    })
    const there = (path: string): string => join(server().root, 'followed', path)
    expect(readFileSync(there('to-directory/file'), 'utf8')).toBe('ours')
    expect(readFileSync(there('to-file'), 'utf8')).toBe('ours')
    expect(lstatSync(there('to-large'))).toMatchObject({ size: 1_500_000 })
    const options = { symlinks: 'follow', compare: 'checksum' } as const
    expect((await ftp.mirrorUp(folder.path, '/followed', options)).transferred).toBe(0)

    server().write('made/to-directory/precious', 'precious')
    const made = await ftp.mirrorUp(folder.path, '/made', { symlinks: 'recreate', delete: true })
    expect(Object.keys(failuresOf(made))).toEqual(['dead', 'real/up', 'to-directory', 'to-file', 'to-large'])
    expect(existsSync(join(server().root, 'made/to-directory/precious'))).toBe(true)
  })
})

describeServers({ kinds: ['vsftpd', 'pyftpdlib'], securities: ['none'] }, (server) => {
  const deep = Array.from({ length: 66 }, () => 'd').join('/')
  const tooDeep = Array.from({ length: 65 }, () => 'd').join('/')

  it('goes down 64 directories, and further if it is told how far', async () => {
    server().write(`deep/${deep}/file`, 'deep')
    await using folder = await temporaryDirectory()
    await using ftp = clientOf(server())
    const result = await ftp.mirrorDown('/deep', folder.path)
    expect(failuresOf(result)).toEqual({ [tooDeep]: 'ERR_FTP_LISTING_TOO_LARGE' })
    expect(result.directoriesMade).toBe(64)
    const further = await ftp.mirrorDown('/deep', folder.path, { maxDepth: 66 })
    expect(further).toMatchObject({ transferred: 1, failures: [] })
  })

  it('deletes nothing where it does not go down', async () => {
    server().write(`kept/${deep}/file`, 'deep')
    server().write('kept/wide/file', 'extra')
    await using folder = await temporaryDirectory()
    writeFileSync(folder.at('ours'), 'ours')
    await using ftp = clientOf(server())
    const options = { delete: true, maxDelete: Infinity }
    const result = await ftp.mirrorUp(folder.path, '/kept', options)
    expect(failuresOf(result)).toEqual({ [tooDeep]: 'ERR_FTP_LISTING_TOO_LARGE' })
    expect(result.deleted).toBe(2)
    expect(existsSync(join(server().root, 'kept', deep, 'file'))).toBe(true)
  })
})
