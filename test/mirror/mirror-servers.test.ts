/** A tree of everything that a file may be called, mirrored down, up and down again, on every real server. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FtpClient, type MirrorResult, type Transfer } from '../../src/index.ts'
import { whyUnavailable } from '../servers/installation.ts'
import { describeServers, useServer } from '../servers/vitest.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { ODD_NAMES } from '../support/odd-names.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { inspect, LONG_AGO, plant, plantLink, type Found, type Tree } from './support/trees.ts'

/** LIST tells no more than the day of what is old. */
const LATER = new Date(LONG_AGO.getTime() + 2 * 86_400_000)

/** Not ftp-srv: it shows neither all names nor exact times, and is no server for trees. */
const KINDS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']

const NAMES: readonly string[] = ['plain.txt', ...ODD_NAMES]

/** What a server cannot give or take, whatever the client does (see test/operations/names.test.ts). */
const UNFIT: Readonly<Partial<Record<ServerKind, { file?: RegExp; directory?: RegExp }>>> = {
  vsftpd: { file: /\udcff/ },
  // "550 Invalid directory name".
  proftpd: { directory: /\*/ },
  // It takes 0xFF twice, prohibits backslashes, and writes `_` for control characters and for blanks at the end.
  'pure-ftpd': { file: /\udcff|\\|\p{Cc}| $/u },
  pyftpdlib: { file: /[\udc80-\udcff]/ },
}

function isFit(kind: ServerKind, name: string, type: 'file' | 'directory'): boolean {
  const { file, directory } = UNFIT[kind] ?? {}
  if (file?.test(name) === true) return false
  return type === 'file' || directory?.test(name) !== true
}

/** Of names that all of these can give and take. */
function treeOf(...kinds: readonly ServerKind[]): Tree {
  const tree: Record<string, string | Buffer | null> = {
    'empty file': '',
    'empty directory': null,
    'deep/er/and/deep/er/still/down/here/file': 'deep',
    'deep/er/and/empty': null,
    'one MiB and more': randomBytes(1_048_577, 'one'),
    'large/eight MiB and more': randomBytes(8_388_608 + 4_321, 'eight'),
  }
  for (const [index, name] of NAMES.entries()) {
    if (kinds.every((kind) => isFit(kind, name, 'file'))) tree[`files/${name}`] = `content of ${index}`
    if (kinds.every((kind) => isFit(kind, name, 'directory')))
      tree[`directories/${name}/inside ${index}`] = randomBytes(index, index)
  }
  for (let index = 0; index < 60; index++) tree[`many/${index}`] = randomBytes(index * 997, index)
  return tree
}

function withoutTimes(found: Record<string, Found>): object {
  return Object.fromEntries(
    Object.entries(found).map(([path, one]) => [path, { ...one, modified: undefined }]),
  )
}

async function done(transfer: Transfer<MirrorResult>): Promise<MirrorResult> {
  const result = await transfer
  expect(result.failures).toEqual([])
  return result
}

describeServers({ kinds: KINDS }, (server, { kind }) => {
  let ftp: FtpClient
  const tree = treeOf(kind)
  const files = Object.values(tree).filter((content) => content !== null).length

  beforeAll(() => {
    ftp = clientOf(server())
    plant(server().makeDirectory('there'), tree)
  })

  afterAll(() => ftp.close())

  test('down, up to another directory, and down again: the same, and nothing to do the second time', async () => {
    await using folder = await temporaryDirectory()
    const { root } = server()
    const original = inspect(join(root, 'there'))
    const first = folder.at('first')

    const down = await done(ftp.mirrorDown('there', first))
    expect(down).toMatchObject({ transferred: files, equal: 0, skipped: 0 })
    expect(inspect(first)).toEqual(original)
    expect(await done(ftp.mirrorDown('there', first, { delete: true }))).toMatchObject({
      ...{ transferred: 0, equal: files, deleted: 0, directoriesMade: 0, bytes: 0 },
    })

    const up = await done(ftp.mirrorUp(first, 'new/there'))
    expect(up).toMatchObject({ transferred: files, equal: 0, bytes: down.bytes })
    const copy = inspect(join(root, 'new', 'there'))
    expect(copy).toEqual(original)
    expect(await done(ftp.mirrorUp(first, 'new/there', { delete: true }))).toMatchObject({
      ...{ transferred: 0, equal: files, deleted: 0, directoriesMade: 0, bytes: 0 },
    })

    const second = folder.at('second')
    expect(await done(ftp.mirrorDown('new/there', second))).toMatchObject({ transferred: files })
    expect(inspect(second)).toEqual(copy)
    expect(await done(ftp.mirrorDown('new/there', second))).toMatchObject({ transferred: 0, equal: files })
    expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
  }, 120_000)

  test('what has changed, and nothing else, is brought over', async () => {
    await using folder = await temporaryDirectory()
    const here = folder.at('here')
    plant(server().makeDirectory('changing'), { same: 'same', longer: 'a', newer: 'a', 'sub/gone': 'a' })
    await done(ftp.mirrorDown('changing', here))
    plant(join(server().root, 'changing'), { longer: 'abc', 'sub/added': 'a' })
    plant(join(server().root, 'changing'), { newer: 'b' }, LATER)
    expect(await done(ftp.mirrorDown('changing', here))).toMatchObject({ transferred: 3, equal: 2 })
    expect(inspect(here)).toEqual(inspect(join(server().root, 'changing')))

    plant(here, { longer: 'abcde', 'sub/more': 'a' })
    plant(here, { newer: 'c' }, new Date())
    // Its time on the server is that of the upload, where no time can be set: a newer one shows.
    expect(await done(ftp.mirrorUp(here, 'changing'))).toMatchObject({ transferred: 3, equal: 3 })
    expect(withoutTimes(inspect(join(server().root, 'changing')))).toEqual(withoutTimes(inspect(here)))
  })

  test('links of the server are left out, unless it shows what they lead to in their place', async () => {
    await using folder = await temporaryDirectory()
    const here = folder.at('here')
    plant(server().makeDirectory('links'), { 'a/file': 'a' })
    plant(server().makeDirectory('elsewhere'), { 'not to be seen': 'x' })
    plantLink(server().root, 'links/to a file', 'a/file')
    plantLink(server().root, 'links/to a directory', '../elsewhere')
    plantLink(server().root, 'links/to nothing', 'nowhere')
    const { skipped } = await done(ftp.mirrorDown('links', here))
    // Those that lead nowhere are in no MLSD of theirs.
    const shown = { vsftpd: 3, proftpd: 2, 'pure-ftpd': 3, pyftpdlib: 0, 'ftp-srv': 0 }
    expect(skipped).toBe(shown[kind])
    const followed =
      kind === 'pyftpdlib' ? ['to a directory', 'to a directory/not to be seen', 'to a file'] : []
    expect(Object.keys(inspect(here))).toEqual(['a', 'a/file', ...followed])
    expect(Object.values(inspect(here)).map(({ type }) => type)).not.toContain('symlink')

    plantLink(folder.path, 'up/link', '../here')
    plant(folder.at('up'), { file: 'a' })
    expect(await done(ftp.mirrorUp(folder.at('up'), 'up'))).toMatchObject({ transferred: 1, skipped: 1 })
    expect(Object.keys(inspect(join(server().root, 'up')))).toEqual(['file'])
  })

  test('an empty directory, and the root of the login', async () => {
    await using folder = await temporaryDirectory()
    mkdirSync(folder.at('empty'))
    server().makeDirectory('empty')
    expect(await done(ftp.mirrorDown('empty', folder.at('new')))).toMatchObject({ transferred: 0 })
    expect(await done(ftp.mirrorUp(folder.at('empty'), 'empty up'))).toMatchObject({ transferred: 0 })
    expect(inspect(folder.path)).toMatchObject({ empty: {}, new: {} })
    const result = await done(ftp.mirrorDown('', folder.at('all'), { include: ['deep/**'], maxDepth: 0 }))
    expect(result).toMatchObject({ transferred: 0, failures: [] })
  })
})

describeServers({ kinds: KINDS, securities: ['none'] }, (server, { kind }) => {
  const other = KINDS[(KINDS.indexOf(kind) + 1) % KINDS.length] ?? kind

  test(`down, up to ${other}, and down again: the same`, async (context) => {
    context.skip(whyUnavailable(other) !== undefined, `there is no ${other} here`)
    await using folder = await temporaryDirectory()
    plant(server().makeDirectory('there'), treeOf(kind, other))
    const original = inspect(join(server().root, 'there'))
    const there = await useServer(other)
    await using from = clientOf(server())
    await using to = clientOf(there)
    const down = await done(from.mirrorDown('there', folder.at('first')))
    const up = await done(to.mirrorUp(folder.at('first'), 'new/there'))
    expect(inspect(join(there.root, 'new', 'there'))).toEqual(original)
    const again = await done(to.mirrorDown('new/there', folder.at('second')))
    expect(inspect(folder.at('second'))).toEqual(original)
    expect([up, again].map(({ bytes, transferred }) => [bytes, transferred])).toEqual(
      [down, down].map(({ bytes, transferred }) => [bytes, transferred]),
    )
  }, 120_000)
})

// ftp-srv sets no times.
describeServers({ kinds: [...KINDS, 'ftp-srv'], securities: ['none'] }, (server) => {
  test('a program that knows nothing of what another has mirrored finds nothing to do', async () => {
    await using folder = await temporaryDirectory()
    const tree = { a: 'a', 'b/c': 'c', 'b/d/e': 'e', 'b/empty': '' }
    plant(folder.at('here'), tree)
    const up = { transferred: 4, equal: 0 }
    const again = { transferred: 0, equal: 4, deleted: 0, directoriesMade: 0 }
    for (const expected of [up, again, again]) {
      await using ftp = clientOf(server())
      expect(await done(ftp.mirrorUp(folder.at('here'), 'up', { delete: true }))).toMatchObject(expected)
    }
    for (const expected of [up, again, again]) {
      await using ftp = clientOf(server())
      const down = ftp.mirrorDown('up', folder.at('down'), { delete: true })
      expect(await done(down)).toMatchObject(expected)
    }
    expect(inspect(folder.at('down'))).toEqual(inspect(join(server().root, 'up')))
    expect(withoutTimes(inspect(folder.at('down')))).toEqual(withoutTimes(inspect(folder.at('here'))))
  })
})

function clientOf({ url, user, password, ca }: RunningServer): FtpClient {
  return new FtpClient(url, { user, password, tls: { ca }, maxConnections: 8 })
}
