/** Any name that a file may have, there and back by every verb, on real servers; what they do to names is written here. */
import { chownSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FtpClient, FtpReplyError, type FtpSession, type RemotePath } from '../../src/index.ts'
import { textCodec } from '../../src/protocol/text-codec.ts'
import { sessionAccount } from '../servers/accounts.ts'
import { describeServers } from '../servers/vitest.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { ODD_NAMES } from '../support/odd-names.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const KINDS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']

const NAMES: readonly string[] = [
  ...ODD_NAMES,
  '"',
  '*?~`',
  '\ufeffmark',
  '日'.repeat(85),
  'n\udce9 \udcfeo',
  // What Telnet would take for a request and its option, were it not for the doubling.
  'w\udcff\udcfdw',
]

type Verb =
  | (
      | 'list'
      | 'stat'
      | 'exists'
      | 'size'
      | 'modified'
      | 'readFile'
      | 'download'
      | 'rename'
      | 'remove'
      | 'chmod'
    )
  | ('writeFile' | 'upload' | 'createWriteStream' | 'renameTo' | 'mkdir' | 'below')
  | ('session list' | 'session nameList' | 'session size' | 'session retrieve' | 'session rename')
  | ('session delete' | 'session store' | 'session makeDirectory' | 'session changeDirectory')

const READING: readonly Verb[] = [
  ...(['list', 'stat', 'exists', 'size', 'modified', 'readFile', 'download', 'rename', 'remove'] as const),
  ...(['chmod', 'session list', 'session nameList', 'session size', 'session retrieve'] as const),
  ...(['session rename', 'session delete'] as const),
]
const WRITING: readonly Verb[] = [
  ...(['writeFile', 'upload', 'createWriteStream', 'renameTo', 'mkdir', 'below', 'session store'] as const),
  ...(['session makeDirectory', 'session changeDirectory'] as const),
]
interface Limit {
  readonly kinds: readonly ServerKind[]
  readonly names: RegExp
  readonly verbs: readonly Verb[]
}

const LISTS: readonly Verb[] = ['list', 'session list', 'session nameList']

function allBut(...verbs: readonly Verb[]): readonly Verb[] {
  return [...READING, ...WRITING].filter((verb) => !verbs.includes(verb))
}

/** What no client can change. What they show, `stat` finds by the listing where there is no MLST. */
const LIMITS: readonly Limit[] = [
  // 0xFF goes out twice, as Telnet wants it (RFC 959 §3.3); these take it for two.
  { kinds: ['vsftpd'], names: /\udcff/, verbs: allBut(...LISTS, 'stat', 'exists') },
  { kinds: ['pure-ftpd'], names: /\udcff/, verbs: allBut(...LISTS) },
  // It puts U+FFFD or `?` where a name is not UTF-8.
  { kinds: ['pyftpdlib'], names: /[\udc80-\udcff]/, verbs: allBut() },
  // "553 Prohibited file name", but not to MLST and SIZE.
  {
    kinds: ['pure-ftpd'],
    names: /\\/,
    verbs: allBut(...LISTS, 'stat', 'exists', 'size', 'session size'),
  },
  // `_` for control characters, in what it reads and in what it shows.
  { kinds: ['pure-ftpd'], names: /\p{Cc}/u, verbs: allBut() },
  // `_` for blanks at the ends of what is written anew.
  { kinds: ['pure-ftpd'], names: / $/, verbs: WRITING },
  { kinds: ['pure-ftpd'], names: /^ /, verbs: WRITING.filter(isBare) },
  // Names that begin with a dot are shown to `-a` alone, which NLST goes without.
  { kinds: ['vsftpd', 'proftpd'], names: /^\./, verbs: ['session nameList'] },
  // It does not double 0xFF in what it says.
  { kinds: ['proftpd'], names: /\udcff\udcfd/, verbs: ['session makeDirectory', 'session changeDirectory'] },
  // "550 Invalid directory name".
  {
    kinds: ['proftpd'],
    names: /\*/,
    verbs: ['mkdir', 'below', 'session makeDirectory', 'session changeDirectory'],
  },
  // It takes the arguments of SITE for words, with quotes.
  { kinds: ['proftpd'], names: /".*"|\s$|\t/, verbs: ['chmod'] },
  // The home of the user, unless something stands before it.
  {
    kinds: ['vsftpd', 'proftpd'],
    names: /^~$/,
    verbs: allBut(...LISTS).filter(isBare),
  },
  { kinds: ['pure-ftpd'], names: /^~$/, verbs: ['session changeDirectory'] },
]

/** Whether the name goes out without a directory before it. */
function isBare(verb: Verb): boolean {
  return verb.startsWith('session ')
}

function isLimited(kind: ServerKind, name: string, verb: Verb): boolean {
  return LIMITS.some(
    ({ kinds, names, verbs }) => kinds.includes(kind) && names.test(name) && verbs.includes(verb),
  )
}

const { decode, encode } = textCodec('utf-8')

/** A directory on the server, seen from the disk. */
class Place {
  readonly remote: string
  readonly #local: Buffer

  constructor(server: RunningServer, remote: string) {
    this.remote = remote
    this.#local = Buffer.from(`${server.makeDirectory(remote)}/`)
  }

  at(name: Uint8Array): Buffer {
    return Buffer.concat([this.#local, name])
  }

  /** Its names, as text that stands for their bytes. */
  names(): string[] {
    return readdirSync(this.#local, { encoding: 'buffer' }).map(decode)
  }

  put(name: Uint8Array): void {
    writeFileSync(this.at(name), 'content')
    const { uid, gid } = sessionAccount()
    chownSync(this.at(name), uid, gid)
  }

  clear(): void {
    for (const name of readdirSync(this.#local, { encoding: 'buffer' })) {
      rmSync(this.at(name), { recursive: true })
    }
  }
}

type Check = () => Promise<boolean | undefined>

/** What came of each verb: whether it did what it is for, on that very name. A refusal is a no. */
async function outcomes(checks: Partial<Record<Verb, Check>>, before: () => void): Promise<object> {
  const found: Partial<Record<Verb, boolean>> = {}
  for (const [verb, check] of Object.entries(checks) as [Verb, Check][]) {
    before()
    try {
      found[verb] = (await check()) === true
    } catch (error) {
      if (!(error instanceof FtpReplyError)) throw error
      found[verb] = false
    }
  }
  return found
}

function expected(kind: ServerKind, name: string, verbs: readonly Verb[]): object {
  return Object.fromEntries(verbs.map((verb) => [verb, !isLimited(kind, name, verb)]))
}

const TIME = new Date('2020-02-29T12:34:56Z')

describeServers({ kinds: KINDS, securities: ['none'] }, (server, { kind }) => {
  let ftp: FtpClient

  beforeAll(() => {
    const { url, user, password } = server()
    ftp = new FtpClient(url, { user, password, maxConnections: 16, retry: { attempts: 1 } })
  })

  afterAll(() => ftp.close())

  // A few at a time: most of the time is that of replies on their way.
  describe.concurrent.each(NAMES)('%j', (name) => {
    const bytes = encode(name)

    it('is read', async () => {
      await using folder = await temporaryDirectory()
      const place = new Place(server(), `read ${NAMES.indexOf(name)}`)
      const path = `${place.remote}/${name}`
      const asBytes = Buffer.concat([Buffer.from(`${place.remote}/`), bytes])
      await using session = await ftp.session()
      await session.changeDirectory(place.remote)
      const found = await outcomes(
        {
          list: async () => (await ftp.listAll(place.remote)).map((entry) => entry.name).join('/') === name,
          stat: async () => {
            const { type, size, name: told } = await ftp.stat(path)
            return type === 'file' && size === 7 && told === name
          },
          exists: () => ftp.exists(asBytes),
          size: async () => (await ftp.size(path)) === 7 && (await ftp.size(asBytes)) === 7,
          modified: async () => {
            await ftp.setModified(path, TIME)
            return (await ftp.modified(asBytes))?.getTime() === TIME.getTime()
          },
          readFile: async () =>
            String(await ftp.readFile(path)) + String(await ftp.readFile(asBytes)) === 'contentcontent',
          download: async () => {
            const { bytes: count } = await ftp.download(path, folder.at('file'))
            return count === 7
          },
          rename: async () => {
            await ftp.rename(asBytes, `${place.remote}/other`)
            return place.names().join('/') === 'other'
          },
          remove: async () => {
            await ftp.remove(path)
            return place.names().length === 0
          },
          chmod: async () => {
            await ftp.chmod(path, 0o604)
            return (statSync(place.at(bytes)).mode & 0o777) === 0o604
          },
          'session list': async () => (await session.list()).map((entry) => entry.name).join('/') === name,
          'session nameList': async () => (await session.nameList()).join('/') === name,
          'session size': async () => (await session.size(name)) === 7,
          'session retrieve': async () => String(await buffer(session.retrieve(bytes))) === 'content',
          'session rename': async () => {
            await session.rename(name, 'other')
            return place.names().join('/') === 'other'
          },
          'session delete': async () => {
            await session.delete(bytes)
            return place.names().length === 0
          },
        },
        () => {
          place.clear()
          place.put(bytes)
        },
      )
      expect(found).toEqual(expected(kind, name, READING))
    })

    it('is written', async () => {
      const place = new Place(server(), `written ${NAMES.indexOf(name)}`)
      const path = `${place.remote}/${name}`
      const asBytes = Buffer.concat([Buffer.from(`${place.remote}/`), bytes])
      const isThere = (): boolean => place.names().join('/') === name
      await using session = await ftp.session()
      await session.changeDirectory(place.remote)
      const found = await outcomes(
        {
          writeFile: async () => {
            await ftp.writeFile(path, 'written')
            return isThere() && readFileSync(place.at(bytes), 'latin1') === 'written'
          },
          upload: async () => {
            await ftp.upload(Buffer.from('sent'), asBytes)
            return isThere() && readFileSync(place.at(bytes), 'latin1') === 'sent'
          },
          createWriteStream: async () => {
            await pipeline(Readable.from(['streamed']), ftp.createWriteStream(path))
            return isThere() && readFileSync(place.at(bytes), 'latin1') === 'streamed'
          },
          renameTo: async () => {
            place.put(Buffer.from('other'))
            await ftp.rename(`${place.remote}/other`, path)
            return isThere()
          },
          mkdir: async () => {
            await ftp.mkdir(path)
            await ftp.mkdir(asBytes, { recursive: true })
            return isThere() && (await ftp.stat(path)).type === 'directory'
          },
          below: async () => {
            await ftp.mkdir(path, { recursive: true })
            if (!isThere()) return false
            await ftp.writeFile(`${path}/below`, 'x')
            const names = (await ftp.listAll(asBytes)).map((entry) => entry.name)
            await ftp.remove(path, { recursive: true })
            return names.join('/') === 'below' && place.names().length === 0
          },
          'session store': async () => {
            await session.store(name, 'sto')
            await session.append(bytes, 're')
            return isThere() && readFileSync(place.at(bytes), 'latin1') === 'store'
          },
          'session makeDirectory': async () => {
            const told = await session.makeDirectory(name)
            const isRight = isThere() && told?.endsWith(name) === true
            await session.removeDirectory(bytes)
            return isRight && place.names().length === 0
          },
          'session changeDirectory': async () => {
            await session.makeDirectory(bytes)
            if (!isThere()) return false
            await session.changeDirectory(name)
            const where = await session.workingDirectory()
            await session.changeDirectory('..')
            return where === `/${place.remote}/${name}`
          },
        },
        () => place.clear(),
      )
      expect(found).toEqual(expected(kind, name, WRITING))
    })
  })

  it('of directories that a pattern means as well, the one that is named is listed', async () => {
    const names = ['[x]', 'x', 'x?', 'xy', 'x*', '{x,y}', 'y', '~', '\\x', '-a', '-x']
    const place = new Place(server(), 'patterns')
    for (const name of names) server().write(`patterns/${name}/in ${name}`, '')
    await using session = await ftp.session()
    await session.changeDirectory('patterns')
    for (const name of names) {
      // "553 Prohibited file name".
      if (kind === 'pure-ftpd' && name === '\\x') continue
      expect((await ftp.listAll(`${place.remote}/${name}`)).map((entry) => entry.name)).toEqual([
        `in ${name}`,
      ])
      if (name === '~') continue
      expect((await session.list(name)).map((entry) => entry.name)).toEqual([`in ${name}`])
    }
  })
})

interface Encoded {
  readonly encoding: string
  readonly text: string
  /** In hexadecimal. */
  readonly bytes: string
}

const ENCODED: readonly Encoded[] = [
  { encoding: 'windows-1252', text: 'Grüße – 5 €', bytes: '4772fcdf65209620352080' },
  // Its second bytes are a backslash, and 0xFF is no byte of it.
  { encoding: 'shift_jis', text: '表ソ.txt', bytes: '955c835c2e747874' },
  { encoding: 'koi8-r', text: 'файл', bytes: 'c6c1cacc' },
]

// pyftpdlib has only UTF-8, unless it is told otherwise.
describeServers({ kinds: ['vsftpd', 'proftpd', 'pure-ftpd'], securities: ['none'] }, (server, { kind }) => {
  it.each(ENCODED)('names in $encoding are text', async ({ encoding, text, bytes }) => {
    const { url, user, password } = server()
    await using folder = await temporaryDirectory()
    await using ftp = new FtpClient(url, { user, password, encoding, maxConnections: 1 })
    const place = new Place(server(), encoding)
    const onDisk = Buffer.from(bytes, 'hex')
    place.put(onDisk)
    const path = `${encoding}/${text}`
    expect((await ftp.listAll(encoding)).map(({ name }) => name)).toEqual([text])
    // "553 Prohibited file name": there is a backslash in it.
    if (kind === 'pure-ftpd' && encoding === 'shift_jis') return
    expect(await ftp.stat(path)).toMatchObject({ name: text, size: 7 })
    expect(await ftp.readFile(path, { encoding: 'latin1' })).toBe('content')
    await ftp.download(path, folder.at('file'))
    await ftp.rename(path, `${encoding}/other`)
    await ftp.upload(folder.at('file'), path)
    await ftp.remove(`${encoding}/other`)
    expect(place.names()).toEqual([decode(onDisk)])
    await ftp.remove(path)
    await ftp.mkdir(path)
    {
      await using session = await ftp.session()
      await session.changeDirectory(path)
      expect(await session.workingDirectory()).toBe(`/${path}`)
      await session.store(text, 'below')
      expect(await session.nameList()).toEqual([text])
    }
    expect((await ftp.listAll(path)).map(({ name }) => name)).toEqual([text])
    await ftp.remove(path, { recursive: true })
    expect(place.names()).toEqual([])
    place.put(Buffer.from('other'))
    const lacking = `${encoding}/🐙`
    const calls = [
      ftp.rename(`${encoding}/other`, lacking),
      ftp.writeFile(lacking, 'x'),
      ftp.listAll(lacking),
    ]
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ reason: { name: 'TypeError' } })
    }
    expect(await ftp.size(`${encoding}/other`)).toBe(7)
    expect(place.names()).toEqual(['other'])
    expect(ftp.stats()).toMatchObject({ open: 1, idle: 1 })
  })
})

describe('what would be a second command', () => {
  const BAD = [
    'a\r\nDELE b',
    'a\nb',
    'a\rb',
    'a\0',
    Uint8Array.of(0x61, 0x0a),
    Buffer.from('a\r'),
    Uint8Array.of(0),
  ]
  const NOW = new Date()

  const calls: Record<string, (ftp: FtpClient, bad: RemotePath) => unknown> = {
    list: async (ftp, bad) => ftp.list(bad).next(),
    listAll: (ftp, bad) => ftp.listAll(bad),
    stat: (ftp, bad) => ftp.stat(bad),
    exists: (ftp, bad) => ftp.exists(bad),
    size: (ftp, bad) => ftp.size(bad),
    modified: (ftp, bad) => ftp.modified(bad),
    setModified: (ftp, bad) => ftp.setModified(bad, NOW),
    chmod: (ftp, bad) => ftp.chmod(bad, 0o600),
    checksum: (ftp, bad) => ftp.checksum(bad, 'sha256'),
    mkdir: (ftp, bad) => ftp.mkdir(bad, { recursive: true }),
    remove: (ftp, bad) => ftp.remove(bad, { recursive: true, force: true }),
    'rename from': (ftp, bad) => ftp.rename(bad, 'fine'),
    'rename to': (ftp, bad) => ftp.rename('fine', bad),
    readFile: (ftp, bad) => ftp.readFile(bad),
    writeFile: (ftp, bad) => ftp.writeFile(bad, 'x'),
    createReadStream: (ftp, bad) => buffer(ftp.createReadStream(bad)),
    createWriteStream: (ftp, bad) => pipeline(Readable.from(['x']), ftp.createWriteStream(bad)),
    download: (ftp, bad) => ftp.download(bad, 'nowhere'),
    upload: (ftp, bad) => ftp.upload(Buffer.from('x'), bad),
  }

  it.each(Object.keys(calls))('%s: refused before a connection is made', async (verb) => {
    await using server = await fakeFtpServer({ security: 'none' })
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`)
    for (const bad of BAD) {
      await expect((async () => calls[verb]?.(ftp, bad))()).rejects.toThrow(TypeError)
    }
    expect(server.commands).toEqual([])
  })

  const verbs: Record<string, (session: FtpSession, bad: RemotePath) => unknown> = {
    retrieve: (session, bad) => buffer(session.retrieve(bad)),
    store: (session, bad) => session.store(bad, 'x'),
    append: (session, bad) => session.append(bad, 'x'),
    storeUnique: (session, bad) => session.storeUnique('x', { path: bad }),
    list: (session, bad) => session.list(bad),
    machineList: (session, bad) => session.machineList(bad),
    nameList: (session, bad) => session.nameList(bad),
    rawList: (session, bad) => session.rawList(bad),
    size: (session, bad) => session.size(bad),
    modificationTime: (session, bad) => session.modificationTime(bad),
    makeDirectory: (session, bad) => session.makeDirectory(bad),
    removeDirectory: (session, bad) => session.removeDirectory(bad),
    delete: (session, bad) => session.delete(bad),
    'rename from': (session, bad) => session.rename(bad, 'fine'),
    'rename to': (session, bad) => session.rename('fine', bad),
    changeDirectory: (session, bad) => session.changeDirectory(bad),
    command: (session, bad) => session.command('CWD', bad),
    site: (session, bad) => session.site(bad),
  }

  it.each(Object.keys(verbs))('session.%s: refused before a byte is sent', async (verb) => {
    await using server = await fakeFtpServer({ security: 'none' })
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`)
    await using session = await ftp.session()
    const before = server.commands.flat()
    for (const bad of BAD) {
      await expect((async () => verbs[verb]?.(session, bad))()).rejects.toThrow(TypeError)
    }
    expect(server.commands.flat()).toEqual(before)
    await session.noop()
  })
})
