/**
 * What other FTP clients were reported for, each by the number of its advisory: a listing that writes outside the
 * target, line ends that become commands, replies and listings that fill the memory, a data connection to somebody
 * else, expressions that take for ever, and passwords in messages.
 */
import { once } from 'node:events'
import { access, mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { download, FtpClient, parseSources, type FtpClientOptions, type FtpSession } from '../../src/index.ts'
import { contents } from '../mirror/support/trees.ts'
import { treeServer } from '../mirror/support/tree-server.ts'
import {
  fakeFtpServer,
  type FakeFtpOptions,
  type FakeFtpServer,
  type FakeSession,
} from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { foreignHost } from '../support/scripted-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK, clientOptions, CONTENT, PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'
import { runScript } from './support/child-process.ts'
import { findSecret } from './support/secrets.ts'

test('CVE-2026-27699, GHSA-5rq4-664w-9x2c: a listing does not write outside the target (basic-ftp 5.2.0)', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await treeServer({
      files: { '/tree/good': Buffer.from('good'), '/tree/../stolen': Buffer.from('bad') },
      listed: (_path, lines) => [
        ...lines,
        ...['../stolen', '../../stolen', '/stolen', 'sub/../../stolen', 'sub/below'].map(
          (name) => `type=file;size=3; ${name}`,
        ),
        'type=dir; ..',
      ],
    })
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, { retry: BRISK })
    await mkdir(folder.at('target'))
    const { failures } = await ftp.mirrorDown('/tree', folder.at('target'))
    expect(failures.map(({ error }) => (error as { code: string }).code)).toEqual(
      new Array(5).fill('ERR_FTP_UNSAFE_PATH'),
    )
    expect(Object.keys(contents(folder.path))).toEqual(['target', 'target/good'])
  })
})

const ENDS = ['\r\nDELE /victim', '\nDELE /victim', '\rDELE /victim', '\0DELE /victim']

test.each(ENDS)('GHSA-chqc-8p9q-pq6q: no command in a path, as by %j (basic-ftp 5.2.1)', async (end) => {
  await withServer({}, async (server, ftp) => {
    const path = `file${end}`
    for (const call of [
      () => ftp.download(path, 'nowhere').result,
      () => ftp.upload(Buffer.from('x'), path).result,
      () => pipeline(Readable.from(['x']), ftp.createWriteStream(path)),
      () => ftp.listAll(path),
      () => ftp.remove(path),
      () => ftp.rename('file', path),
      () => download(`ftp://${server.host}:${server.port}/${encodeURIComponent(path)}`, 'nowhere').result,
      () => inSession(ftp, (session) => session.changeDirectory(path)),
      () => inSession(ftp, (session) => session.delete(Buffer.from(path))),
      () => inSession(ftp, (session) => session.site(path)),
    ]) {
      await expect((async () => call())()).rejects.toThrow(TypeError)
    }
    expectNothingDeleted(server)
  })
})

test.each(ENDS)(
  'GHSA-6v7q-wjvx-w8wg: no command in credentials or in MKD, as by %j (basic-ftp 5.2.2)',
  async (end) => {
    await withServer({}, async (server, ftp) => {
      const { host, port } = server
      const given = { host, port, security: 'none', user: USER, password: PASSWORD } as const
      for (const bad of [{ user: `a${end}` }, { password: `a${end}` }, { account: `a${end}` }]) {
        expect(() => new FtpClient({ ...given, ...bad })).toThrow(RangeError)
      }
      for (const who of [`a${encodeURIComponent(end)}`, `a:b${encodeURIComponent(end)}`]) {
        expect(() => new FtpClient(`ftp://${who}@${host}:${port}`)).toThrow(TypeError)
        expect(() => parseSources(`ftp://${who}@${host}:${port}/file`)).toThrow(TypeError)
      }
      await using late = new FtpClient({ ...given, password: () => `a${end}` })
      await expect(late.connect()).rejects.toThrow(RangeError)
      await expect((async () => ftp.mkdir(`a${end}`, { recursive: true }))()).rejects.toThrow(TypeError)
      await expect(inSession(ftp, (session) => session.makeDirectory(`a${end}`))).rejects.toThrow(TypeError)
      await expect(inSession(ftp, (session) => session.command('MKD', `a${end}`))).rejects.toThrow(TypeError)
      await expect(inSession(ftp, (session) => session.command(`MKD a${end}`))).rejects.toThrow(TypeError)
      expectNothingDeleted(server)
    })
  },
)

test('GHSA-rp42-5vxx-qpwr: a listing without an end does not fill the memory (basic-ftp 5.3.0)', async () => {
  // As long as a line may be: 300 of them are more than is kept. listing-never-ends.test.ts has the other calls.
  const line = `type=file; ${'x'.repeat(999_980)}\r\n`
  let sent = 0
  await expectNoLeaks(async () => {
    await using server = await treeServer({
      files: { '/tree/file': Buffer.from('x') },
      on: {
        MLSD: async (session) => {
          session.reply('150 Here it comes')
          const data = await session.openData()
          if ('refusal' in data) return session.reply(data.refusal)
          while (sent < 300 && (await data.write(line))) sent += 1
          await data.end()
          session.reply('226 That was all')
        },
      },
    })
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, { retry: BRISK })
    await expect(ftp.listAll('/tree')).rejects.toMatchObject({ code: 'ERR_FTP_LISTING_TOO_LARGE' })
  })
  expect(sent).toBeGreaterThan(100)
})

test.each([
  ['a line without an end', () => Buffer.alloc(65_536, 'x')],
  ['lines without an end', () => Buffer.from('230-and so on\r\n'.repeat(4_000))],
  ['empty lines without an end', () => Buffer.from('\r\n'.repeat(30_000))],
])(
  'CVE-2026-44240, GHSA-rpmf-866q-6p89: a reply without an end does not fill the memory: %s (basic-ftp 5.3.1)',
  async (_what, more) => {
    const most = 50_000_000
    let sent = 0
    const reply = async (session: FakeSession): Promise<void> => {
      const gone = new AbortController()
      void session.control.closed.then(() => gone.abort())
      session.control.send('230-Welcome\r\n')
      for (const chunk = more(); sent < most && !gone.signal.aborted; sent += chunk.length) {
        session.control.send(chunk)
        await session.control.flushed()
        await new Promise((resolve) => setImmediate(resolve))
      }
      session.reply('230 In')
    }
    await withServer({ on: { PASS: reply } }, async (_server, ftp) => {
      await expect(ftp.connect()).rejects.toMatchObject({
        name: 'FtpProtocolError',
        code: 'ERR_FTP_REPLY_TOO_LONG',
        retryable: false,
      })
    })
    expect(sent).toBeLessThan(most)
  },
)

test.runIf(process.platform === 'linux')(
  'CVE-2021-37533: PASV does not send us to another machine (commons-net, basic-ftp 5.1.0)',
  async () => {
    let connections = 0
    const other = createServer((socket) => {
      connections += 1
      socket.destroy()
    }).listen(0, '127.0.0.2')
    await once(other, 'listening')
    try {
      const pasv = { words: foreignHost('127.0.0.2') }
      await withServer({ epsv: { refused: '502 No' }, pasv }, async (server, ftp) => {
        await using folder = await temporaryDirectory()
        await ftp.download(REMOTE, folder.at('file'))
        expect((await readFile(folder.at('file'))).equals(CONTENT)).toBe(true)
        expect(server.commands.flat()).toContain('PASV')
      })
      expect(connections).toBe(0)
    } finally {
      await new Promise((resolve) => other.close(resolve))
    }
  },
)

test('basic-ftp 6.2.1, 6.2.2: no expression takes for ever on what a server sends', async () => {
  await using folder = await temporaryDirectory()
  // In a process of its own, which can be killed: one expression that is quadratic would take longer.
  const outcome = await runScript(folder, ENDLESS_EXPRESSIONS, { longestMs: 25_000 })
  expect(outcome).toEqual({ code: 0, signal: null, output: 'done', errorOutput: '' })
})

/** Many thousand characters of whatever an expression repeats, to all that reads what servers send. */
const ENDLESS_EXPRESSIONS = `
  import { parseListing, parseSources } from './octoftp/index.js'
  import { redact } from './octoftp/protocol/command.js'
  import { parseAnyPassiveReply } from './octoftp/protocol/endpoint.js'
  import { parseFeatures } from './octoftp/protocol/features.js'
  import { parsePathReply } from './octoftp/protocol/path.js'
  import { parseSizeReply } from './octoftp/protocol/size.js'
  import { parseModificationTime } from './octoftp/protocol/time.js'
  import { uniqueNameIn } from './octoftp/protocol/unique-name.js'
  import { parseDigestReply, parseHashReply } from './octoftp/protocol/checksum.js'
  import { meaningOf } from './octoftp/session/refusal.js'

  const parts = [' ', '\\t', '1', '1,', '1 , ', '|', '(|||', '(', '"', '""', 'a', 'a=b;', ';', '-', '- ', 'x -> ', '.', '0 ', 'd',
    'does ', 'is ', 'can', 'file:x', '<DIR> ', '#', ' #', '12-31-99  ', 'Jan 1 ', 'rwx', '+', '\\u00a0', '*', '{', '/', '%', ':', '@']
  const beginnings = ['', '1', '(1,1,1,1,1,', '-rw-r--r-- 1 a a 1 Jan 1 2020 ', 'drwx', '01-01-20  01:00PM ', '+i1,', 'type=file;', '"',
    'total ', '257 ', 'MD5 ']
  const readers = {
    227: (text) => parseAnyPassiveReply({ code: 227, lines: [text] }),
    229: (text) => parseAnyPassiveReply({ code: 229, lines: [text] }),
    257: (text) => parsePathReply({ code: 257, lines: [text] }),
    211: (text) => parseFeatures({ code: 211, lines: ['Features', text, 'End'] }),
    213: (text) => parseSizeReply({ code: 213, lines: [text] }),
    250: uniqueNameIn,
    time: parseModificationTime,
    hash: (text) => parseHashReply({ code: 213, lines: [text] }),
    digest: (text) => parseDigestReply({ code: 250, lines: [text] }, 'md5', 'file'),
    550: (text) => meaningOf({ code: 550, lines: [text] }),
    secrets: (text) => redact(text, ['a', 'pa', 'password', '1']),
    list: (text) => parseListing(text, { format: 'list' }),
    machine: (text) => parseListing(text, { format: 'mlsd' }),
    sources: parseSources,
  }
  for (const part of parts) {
    for (const beginning of beginnings) {
      const text = beginning + part.repeat(Math.ceil(50_000 / part.length))
      for (const read of Object.values(readers)) {
        // What makes no sense is refused, which is not the question here.
        try { read(text) } catch {}
      }
    }
  }
  process.stdout.write('done')
`

test('basic-ftp 6.2.3: a password that is refused for what it holds is not shown', async () => {
  const secret = 'sw0rdfish\r\n'
  const options: FtpClientOptions = { host: '127.0.0.1', user: USER, security: 'none' }
  const errors: unknown[] = []
  for (const attempt of [
    () => new FtpClient({ ...options, password: secret }),
    () => new FtpClient({ ...options, password: PASSWORD, account: secret }),
    () => new FtpClient(`ftp://${USER}:${encodeURIComponent(secret)}@127.0.0.1`),
    () => download(`ftp://${USER}:${encodeURIComponent(secret)}@127.0.0.1/file`, 'nowhere').result,
    () => parseSources(`ftp://${USER}:${encodeURIComponent(secret)}@127.0.0.1/file`),
    async () => {
      await using server = await fakeFtpServer(serving(CONTENT))
      await using ftp = new FtpClient(await clientOptions(server, { password: () => secret }))
      await ftp.connect()
    },
  ]) {
    errors.push(await (async () => attempt())().catch((error: unknown) => error))
  }
  for (const error of errors) {
    expect(error).toBeInstanceOf(Error)
    expect(findSecret(error, 'sw0rdfish')).toEqual([])
  }
})

test('SECURITY.md names tests that are there, and each of these numbers', async () => {
  const [document, own] = await Promise.all(
    ['../../SECURITY.md', './advisories.test.ts'].map((path) =>
      readFile(new URL(path, import.meta.url), 'utf8'),
    ),
  )
  const paths = [...(document ?? '').matchAll(/\((test\/[^)]+)\)/g)].map(([, path = '']) => path)
  expect(paths.length).toBeGreaterThan(20)
  for (const path of paths) await access(new URL(`../../${path}`, import.meta.url))
  const numbers = (own ?? '').match(/CVE-[\d-]+|GHSA-\w{4}-\w{4}-\w{4}/g) ?? []
  for (const number of numbers) expect(document).toContain(number)
})

function expectNothingDeleted(server: FakeFtpServer): void {
  for (const line of server.commands.flat()) expect(line).not.toMatch(/DELE/)
}

async function inSession(ftp: FtpClient, work: (session: FtpSession) => Promise<unknown>): Promise<void> {
  await using session = await ftp.session()
  await work(session)
}

async function withServer(
  options: FakeFtpOptions,
  work: (server: FakeFtpServer, ftp: FtpClient) => Promise<void>,
): Promise<void> {
  await expectNoLeaks(async () => {
    await using server = await fakeFtpServer(serving(CONTENT, options))
    await using ftp = new FtpClient(await clientOptions(server))
    await work(server, ftp)
  })
}
