/** The errors that a person meets, each with its code, its fields and words to act on; and bad options, before any I/O. */
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { expect, test, describe } from 'vitest'
import { download, FtpClient, FtpError, type DownloadOptions } from '../src/index.ts'
import {
  BRISK,
  clientOptions,
  CONTENT,
  fail,
  PASSWORD,
  REMOTE,
  sent,
  serving,
  succeed,
  USER,
} from './hazards/support/attempt.ts'
import { fakeFtpServer, type FakeFtpServer } from './support/fake-ftp-server.ts'
import { expectNoLeaks } from './support/leaks.ts'
import { closedPort } from './support/scripted/dead-port.ts'
import { temporaryDirectory, type TemporaryDirectory } from './support/temporary-directory.ts'

const CREDENTIALS = { user: USER, password: PASSWORD, retry: BRISK } as const

describe('the server', () => {
  test('host not found', async () => {
    await expectFailure('ftp://no-such-host.invalid/file.bin', {
      name: 'FtpConnectionError',
      code: 'ERR_FTP_CONNECT',
      host: 'no-such-host.invalid:21',
      message: expect.stringMatching(
        /Host "no-such-host\.invalid" (was not found: check the name|could not be looked up)/,
      ) as unknown,
    })
  })

  test('refused, by one address', async () => {
    const port = await closedPort('127.0.0.1')
    await expectFailure(`ftp://127.0.0.1:${port}/file.bin`, {
      name: 'FtpConnectionError',
      code: 'ERR_FTP_CONNECT',
      host: `127.0.0.1:${port}`,
      retryable: true,
      message: `Cannot connect to 127.0.0.1:${port} (127.0.0.1: connection refused)`,
      attempts: [
        { address: '127.0.0.1', port, error: expect.objectContaining({ code: 'ECONNREFUSED' }) as unknown },
      ],
    })
  })

  test('refused, by every address of a name: each is listed', async () => {
    const addresses = (await lookup('localhost', { all: true })).map(({ address }) => address)
    const port = await closedPort('127.0.0.1')
    const error = await expectFailure(`ftp://localhost:${port}/file.bin`, { code: 'ERR_FTP_CONNECT' })
    const { attempts, message } = error as FtpError & { attempts: { address: string }[] }
    expect(attempts.map(({ address }) => address).sort()).toEqual([...addresses].sort())
    for (const address of addresses) expect(message).toContain(`${address}: connection refused`)
  })

  test('not an FTP server', async () => {
    await using server = await speaking('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    const error = await expectFailure(`ftp://127.0.0.1:${server.port}/file.bin`, {
      name: 'FtpProtocolError',
      code: 'ERR_FTP_MALFORMED_REPLY',
    })
    expect((error as FtpError & { received: string }).received).toContain('HTTP/1.1')
  })

  test('a reply without end', async () => {
    await using server = await speaking(`220-${'x'.repeat(600_000)}`)
    await expectFailure(`ftp://127.0.0.1:${server.port}/file.bin`, {
      name: 'FtpProtocolError',
      code: 'ERR_FTP_REPLY_TOO_LONG',
    })
  })
})

describe('the file', () => {
  test('is not there', async () => {
    const { error, server } = await fail({ remote: '/pub/other.bin', download: { connections: 4 } })
    expect(error).toMatchObject({
      name: 'FtpReplyError',
      code: 'ERR_FTP_NOT_FOUND',
      reply: { code: 550 },
      command: 'RETR /pub/other.bin',
      host: `127.0.0.1:${server.port}`,
      retryable: false,
      transient: false,
    })
    expect((error as Error).message).toContain('There is no file "/pub/other.bin"')
    expect(sent(server, 'RETR')).toBe(1)
  })

  test.each([[[]], [['MLST']]])('is a directory (unknown to the server: %j)', async (unsupported) => {
    const { error } = await fail({ remote: '/pub', server: { unsupported } })
    expect(error).toMatchObject({ code: 'ERR_FTP_IS_DIRECTORY', reply: { code: 550 }, command: 'RETR /pub' })
    expect((error as Error).message).toMatch(/"\/pub" is a directory/)
  })

  test.each([[[]], [['MLST']], [['MLST', 'SIZE']]])(
    'may not be read (unknown to the server: %j)',
    async (unsupported) => {
      const { error } = await fail({
        server: {
          unsupported,
          on: {
            RETR: (session) => {
              session.dropData()
              session.reply('550 Permission denied.')
            },
          },
        },
      })
      expect(error).toMatchObject({
        code: 'ERR_FTP_NOT_PERMITTED',
        reply: { code: 550, lines: ['Permission denied.'] },
      })
      expect((error as Error).message).toContain('Permission denied.')
    },
  )

  test.each([
    [451, 'ERR_FTP_REPLY', true],
    [450, 'ERR_FTP_REPLY', true],
    [553, 'ERR_FTP_NOT_PERMITTED', false],
    [502, 'ERR_FTP_UNSUPPORTED', false],
    [530, 'ERR_FTP_LOGIN', false],
  ])('%i to RETR: %s', async (code, expected, transient) => {
    const { error, server } = await fail({
      server: {
        on: {
          RETR: (session) => {
            session.dropData()
            session.reply(`${code} For a reason`)
          },
        },
      },
      download: { connections: 1 },
    })
    expect(error).toMatchObject({
      code: expected,
      reply: { code, lines: ['For a reason'] },
      transient,
      retryable: transient,
    })
    expect((error as Error).message).toContain('For a reason')
    expect(sent(server, 'RETR')).toBe(transient ? 3 : 1)
  })
})

describe('the target', () => {
  test('its folder is missing: nothing is asked of the server', async () => {
    await expectLocalFailure(
      (folder) => folder.at('missing', 'file.bin'),
      /its folder does not exist/,
      'nothing asked',
    )
  })

  test('it is a folder', async () => {
    await expectLocalFailure((folder) => folder.path, /it is a folder: name the file in it/, 'nothing asked')
  })

  test('a part of its path is a file', async () => {
    const place = async (folder: TemporaryDirectory): Promise<string> => {
      await writeFile(folder.at('plain'), 'text')
      return folder.at('plain', 'file.bin')
    }
    await expectLocalFailure(place, /not a folder/, 'nothing asked')
  })

  test.skipIf(process.platform === 'win32')('it is a device', async () => {
    await expectLocalFailure(() => '/dev/null', /not a regular file/, 'nothing asked')
  })

  test('its name is too long', async () => {
    await expectLocalFailure((folder) => folder.at('x'.repeat(300)), /too long/, 'whatever')
  })

  test('its name leaves no room for a suffix: it is written all the same', async () => {
    await withServer(async (server, client, folder) => {
      await client.download(REMOTE, folder.at('x'.repeat(250)))
      expect(await readdir(folder.path)).toEqual(['x'.repeat(250)])
      expect((await readFile(folder.at('x'.repeat(250)))).equals(CONTENT)).toBe(true)
      expect(server.retrievals.length).toBeGreaterThan(0)
    })
  })

  test('a link to a file: the file behind it is replaced, the link stays', async () => {
    await withServer(async (_server, client, folder) => {
      await mkdir(folder.at('real'))
      await writeFile(folder.at('real', 'file.bin'), 'old')
      await symlink(folder.at('real', 'file.bin'), folder.at('link'))
      const result = await client.download(REMOTE, folder.at('link'))
      expect(result.path).toBe(folder.at('real', 'file.bin'))
      expect((await readFile(folder.at('real', 'file.bin'))).equals(CONTENT)).toBe(true)
      expect(await readdir(folder.path)).toEqual(['link', 'real'])
      expect(await readdir(folder.at('real'))).toEqual(['file.bin'])
    })
  })

  test('a link that leads nowhere', async () => {
    const place = async (folder: TemporaryDirectory): Promise<string> => {
      await symlink(folder.at('nowhere'), folder.at('link'))
      return folder.at('link')
    }
    await expectLocalFailure(place, /link|does not exist/, 'nothing asked')
  })

  test('its permissions stay', { skip: process.platform === 'win32' }, async () => {
    await withServer(async (_server, client, folder) => {
      await writeFile(folder.at('file'), 'old')
      await chmod(folder.at('file'), 0o640)
      await client.download(REMOTE, folder.at('file'))
      expect((await stat(folder.at('file'))).mode & 0o777).toBe(0o640)
    })
  })

  test('two downloads to one target at once: one of them is told', async () => {
    await withServer(async (_server, client, folder) => {
      const outcomes = await Promise.allSettled([
        client.download(REMOTE, folder.at('file')),
        client.download(REMOTE, folder.at('.', 'file')),
      ])
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const refused = outcomes.find((outcome) => outcome.status === 'rejected')
      expect(refused?.reason).toMatchObject({
        code: 'ERR_FTP_LOCAL_FILE',
        message: expect.stringMatching(/another download in this process/) as unknown,
      })
      expect((await readFile(folder.at('file'))).equals(CONTENT)).toBe(true)
      expect(await readdir(folder.path)).toEqual(['file'])
      expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
      await client.download(REMOTE, folder.at('file'))
    })
  })
})

describe('options', () => {
  const url = 'ftp://127.0.0.1:1/file.bin'
  const bad: readonly (readonly [string, Record<string, unknown>, typeof Error])[] = [
    ['connections', { connections: 0 }, RangeError],
    ['connections', { connections: 65 }, RangeError],
    ['connections', { connections: 1.5 }, RangeError],
    ['connections', { connections: NaN }, RangeError],
    ['connections', { connections: '4' }, TypeError],
    ['connections', { connections: null }, TypeError],
    ['minSegmentSize', { minSegmentSize: 0 }, RangeError],
    ['minSegmentSize', { minSegmentSize: -1 }, RangeError],
    ['signal', { signal: {} }, TypeError],
    ['type', { type: 'text' }, RangeError],
    ['type', { type: 5 }, TypeError],
    ['verify', { verify: true }, TypeError],
    ['verify.size', { verify: { size: 'yes' } }, TypeError],
    ['preserveModified', { preserveModified: 1 }, TypeError],
    ['on', { on: [] }, TypeError],
    ['maxConnections', { maxConnections: 0 }, RangeError],
    ['maxConnections', { maxConnections: Infinity }, RangeError],
    ['port', { port: 0 }, RangeError],
    ['port', { port: 65_536 }, RangeError],
    ['port', { port: '21' }, TypeError],
    ['host', { host: '' }, TypeError],
    ['user', { user: '' }, RangeError],
    ['user', { user: 5 }, TypeError],
    ['security', { security: 'tls' }, RangeError],
    ['tls', { tls: true, security: 'explicit' }, TypeError],
    ['family', { family: 5 }, RangeError],
    ['timeouts', { timeouts: 5 }, TypeError],
    ['timeouts.connect', { timeouts: { connect: 0 } }, RangeError],
    ['timeouts.data', { timeouts: { data: -1 } }, RangeError],
    ['timeouts.reply', { timeouts: { reply: '5s' } }, TypeError],
    ['mode', { mode: 'both' }, RangeError],
    ['active.ports', { mode: 'active', active: { ports: [5, 4] } }, RangeError],
    ['passiveHost', { passiveHost: 'nat' }, TypeError],
    ['retry.attempts', { retry: { attempts: 0 } }, RangeError],
    ['retry.minDelay', { retry: { minDelay: -1 } }, RangeError],
    ['retry.factor', { retry: { factor: 0.5 } }, RangeError],
    ['retry.jitter', { retry: { jitter: 2 } }, RangeError],
    ['password', { password: 5 }, TypeError],
  ]

  test.each(bad)('%s: %j is refused before anything else', (name, options, kind) => {
    const error = thrownBy(() => download(url, '/nowhere/at/all', options))
    expect(error).toBeInstanceOf(kind)
    expect((error as Error).message).toContain(`"${name}"`)
    if (name !== 'password') expect((error as Error).message).toMatch(/must be|is missing/)
  })

  test('each says the value, what is allowed, and the name', () => {
    const error = thrownBy(() => download(url, 'x', { connections: 100 }))
    expect((error as Error).message).toBe(
      'Option "connections" is 100; it must be a whole number from 1 to 64',
    )
  })

  test.each([
    ['not a string', 5],
    ['empty', ''],
    ['with NUL', 'a\0b'],
  ])('a local path %s', (_what, target) => {
    expect(thrownBy(() => download(url, target as string))).toBeInstanceOf(TypeError)
  })

  test.each([
    ['another scheme', 'sftp://host/file', /sftp: is not supported.*ftp:.*ftpes:.*ftps:/],
    ['no path', 'ftp://host/', /path is empty/],
    ['CR LF in the path', 'ftp://host/a%0d%0aDELE%20b', /CR, LF or NUL/],
    ['an @ too many', 'ftp://u:p@ss@host/file', /percent-encode the password/],
  ])('a URL: %s', (_what, text, words) => {
    const error = thrownBy(() => download(text, 'x'))
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(words)
  })

  test('options that are no object', () => {
    expect(thrownBy(() => download(url, 'x', 'fast' as unknown as DownloadOptions))).toBeInstanceOf(TypeError)
    expect(thrownBy(() => new FtpClient(5 as unknown as string))).toBeInstanceOf(TypeError)
    expect(thrownBy(() => new FtpClient({}))).toMatchObject({
      message: expect.stringMatching(/"host" is missing/) as unknown,
    })
    expect(thrownBy(() => new FtpClient('ftp://host/a/path'))).toMatchObject({
      message: expect.stringMatching(/leave out the path/) as unknown,
    })
  })

  test('more connections than the client may have: told by name', () => {
    const client = new FtpClient({ host: 'localhost', maxConnections: 2 })
    expect(thrownBy(() => client.download('/x', 'x', { connections: 3 }))).toMatchObject({
      message: 'Option "connections" is 3; it must be a whole number from 1 to 2',
    })
  })

  test('nothing was begun by any of them', async () => {
    await expectNoLeaks(() => {
      for (const [, options] of bad) thrownBy(() => download(url, 'x', options))
    })
  })
})

test('every error is an FtpError with a stable code and a name of its own', async () => {
  const { error } = await fail({ remote: '/pub/other.bin' })
  expect(error).toBeInstanceOf(FtpError)
  expect(String(error)).toMatch(/^FtpReplyError: /)
  expect((error as Error).stack).toMatch(/^FtpReplyError: /)
  await succeed({})
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** Rejects as told, and leaves nothing. */
async function expectFailure(url: string, expected: object): Promise<unknown> {
  return expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const error: unknown = await download(url, folder.at('file.bin'), CREDENTIALS).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(FtpError)
    expect(error).toMatchObject(expected)
    expect(await readdir(folder.path)).toEqual([])
    return error
  })
}

async function withServer(
  work: (server: FakeFtpServer, client: FtpClient, folder: TemporaryDirectory) => Promise<void>,
): Promise<void> {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT))
    await using client = new FtpClient(await clientOptions(server))
    await work(server, client, folder)
  })
}

async function expectLocalFailure(
  place: (folder: TemporaryDirectory) => string | Promise<string>,
  words: RegExp,
  asked: 'nothing asked' | 'whatever',
): Promise<void> {
  await withServer(async (server, client, folder) => {
    const target = await place(folder)
    const before = await readdir(folder.path)
    const error: unknown = await client.download(REMOTE, target).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      name: 'FtpTransferError',
      code: 'ERR_FTP_LOCAL_FILE',
      retryable: false,
      path: expect.any(String) as unknown,
    })
    expect((error as Error).message).toMatch(words)
    expect(await readdir(folder.path)).toEqual(before)
    expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
    if (asked === 'nothing asked') expect(server.commands).toEqual([])
  })
}

async function speaking(text: string): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume()
    socket.end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
