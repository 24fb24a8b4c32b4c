/** What a new session hears before its first call: HOST, the encoding, and what the caller has to say to it. */
import { describe, expect, test } from 'vitest'
import { FtpClient, type FtpClientOptions, type FtpSession } from '../../src/index.ts'
import { deferred } from '../../src/util/deferred.ts'
import { describeServers } from '../servers/vitest.ts'
import { certificate } from '../support/certificates.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer } from '../support/scripted-server.ts'

const FILES = {
  '/a': Buffer.from('root'),
  '/base/a': Buffer.from('in base'),
  '/base/deep/a': Buffer.from('deep'),
}

/** A server that knows SITE. */
const SITE: NonNullable<FakeFtpOptions['on']> = {
  SITE: (session, argument) => session.reply(argument.startsWith('GOOD') ? '200 fine' : '550 SITE what?'),
}

function play(
  options: FtpClientOptions,
  use: (ftp: FtpClient, server: FakeFtpServer) => Promise<void>,
  fake: FakeFtpOptions = {},
): Promise<void> {
  return expectNoLeaks(async () => {
    await using server = await fakeFtpServer({ security: 'none', files: FILES, on: SITE, ...fake })
    const retry = { attempts: 2, minDelay: 1, maxDelay: 1 }
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, { retry, ...options })
    await use(ftp, server)
  })
}

const failure = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)

describe('prepareSession', () => {
  test('runs once for each new session, behind its login and before anything else', async () => {
    const sessions = new Set<FtpSession>()
    const prepareSession = async (session: FtpSession): Promise<void> => {
      sessions.add(session)
      await session.site('GOOD one')
    }
    await play({ prepareSession, maxConnections: 3 }, async (ftp, server) => {
      await Promise.all(Array.from({ length: 60 }, () => ftp.size('/a')))
      await ftp.size('/a')
      expect(server.commands).toHaveLength(3)
      expect(sessions.size).toBe(3)
      for (const [index, commands] of server.commands.entries()) {
        expect(commands.filter((line) => line.startsWith('SITE'))).toEqual(['SITE GOOD one'])
        const before = commands.slice(0, commands.indexOf('SITE GOOD one'))
        expect(before.some((line) => line.startsWith('PASS'))).toBe(true)
        // FEAT is asked of the first one only.
        expect(before.includes('FEAT')).toBe(index === 0)
        expect(before.some((line) => /^(?:TYPE|SIZE|NOOP)/.test(line))).toBe(false)
      }
    })
  })

  test('the directory that it changes to is the one of the login from then on', async () => {
    const prepareSession = (session: FtpSession): Promise<void> => session.changeDirectory('base')
    await play({ prepareSession, maxConnections: 1 }, async (ftp, server) => {
      expect(String(await ftp.readFile('a'))).toBe('in base')
      {
        await using session = await ftp.session()
        expect(await session.workingDirectory()).toBe('/base')
        await session.changeDirectory('deep')
        expect(await session.size('a')).toBe(4)
      }
      expect(await ftp.size('a')).toBe(7)
      expect(await ftp.size('/a')).toBe(4)
      expect(server.commands).toHaveLength(1)
    })
  })

  test.each([
    ['an error of its own', async () => Promise.reject(new RangeError('of our own')), { name: 'RangeError' }],
    [
      'one that it throws at once',
      () => {
        throw new RangeError('of our own')
      },
      { message: 'of our own' },
    ],
    [
      'a refusal of the server',
      (session: FtpSession) => session.site('BAD'),
      { name: 'FtpReplyError', reply: { code: 550 }, command: 'SITE BAD' },
    ],
  ])(
    '%s is what the calls fail with that wanted the session, and it is closed',
    async (_what, how, expected) => {
      let runs = 0
      const prepareSession = (session: FtpSession): unknown => {
        runs += 1
        return how(session)
      }
      await play({ prepareSession }, async (ftp, server) => {
        const calls = [ftp.size('/a'), ftp.readFile('/a'), ftp.stat('/a'), ftp.session()]
        for (const error of await Promise.all(calls.map(failure))) expect(error).toMatchObject(expected)
        expect(runs).toBe(1)
        expect(ftp.stats()).toMatchObject({ open: 0, opening: 0, waiting: 0 })
        await expect.poll(() => server.openControlConnections).toBe(0)
        expect(await failure(ftp.size('/a'))).toMatchObject(expected)
        expect(runs).toBe(2)
      })
    },
  )

  test.each(['prepareSession', 'password'] as const)(
    'a failure of %s beside a session that stands is no limit of the server',
    async (name) => {
      let runs = 0
      const failing = async (): Promise<string> => {
        runs += 1
        if (runs === 2) throw new RangeError('of our own')
        return 'password'
      }
      const options = { user: 'octo', password: 'password', maxConnections: 3, [name]: failing }
      await play(options, async (ftp, server) => {
        await using first = await ftp.session()
        expect(await failure(ftp.session())).toMatchObject({ name: 'RangeError', message: 'of our own' })
        expect(ftp.stats()).toMatchObject({ open: 1, ceiling: 3, waiting: 0 })
        await using second = await ftp.session()
        expect(await Promise.all([first.size('/a'), second.size('/a')])).toEqual([4, 4])
        expect(server.openControlConnections).toBe(2)
      })
    },
  )

  test('a session that is lost meanwhile is none, and the call has another', async () => {
    const prepareSession = async (session: FtpSession): Promise<void> => {
      await failure(session.site('DIES'))
    }
    const on: NonNullable<FakeFtpOptions['on']> = {
      SITE: (session) => (session.index === 0 ? session.die('rst') : session.reply('200 fine')),
    }
    await play(
      { prepareSession },
      async (ftp, server) => {
        expect(await ftp.size('/a')).toBe(4)
        expect(server.commands).toHaveLength(2)
      },
      { on },
    )
  })

  test('a server that does not know NOOP is one as well', async () => {
    await play(
      { prepareSession: (session: FtpSession) => session.site('GOOD') },
      async (ftp, server) => {
        expect(await ftp.size('/a')).toBe(4)
        expect(server.commands).toHaveLength(1)
      },
      { unsupported: ['NOOP'] },
    )
  })

  test('an abort of the call that waits for it ends it', async () => {
    const reason = new Error('of our own')
    const [started, ended] = [deferred<AbortSignal>(), deferred<unknown>()]
    const prepareSession = async (session: FtpSession, signal: AbortSignal): Promise<void> => {
      started.resolve(signal)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ended.resolve(await failure(session.noop()))
    }
    await play({ prepareSession }, async (ftp, server) => {
      const controller = new AbortController()
      const call = failure(ftp.size('/a', { signal: controller.signal }))
      expect((await started.promise).aborted).toBe(false)
      controller.abort(reason)
      expect(await call).toBe(reason)
      // Its session is of no use any more.
      expect(await ended.promise).toBeInstanceOf(Error)
      await expect.poll(() => server.openControlConnections).toBe(0)
      await expect.poll(() => ftp.stats()).toMatchObject({ open: 0, opening: 0 })
    })
  })

  test.each(['close', 'destroy'] as const)('%s() ends it, though it never does', async (how) => {
    const started = deferred<undefined>()
    const prepareSession = (): Promise<void> => {
      started.resolve(undefined)
      return new Promise(() => {})
    }
    await play({ prepareSession }, async (ftp) => {
      const call = failure(ftp.size('/a'))
      await started.promise
      if (how === 'destroy') ftp.destroy()
      await ftp.close()
      expect(await call).toMatchObject({ code: 'ERR_FTP_CLOSED' })
    })
  })

  test('what it keeps of the session is of no use behind it', async () => {
    let kept: FtpSession | undefined
    const prepareSession = (session: FtpSession): void => {
      kept = session
    }
    await play({ prepareSession, maxConnections: 1 }, async (ftp, server) => {
      expect(await ftp.size('/a')).toBe(4)
      const before = server.commands.flat().length
      expect(await failure(kept?.noop() ?? Promise.resolve())).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      kept?.release()
      expect(server.commands.flat()).toHaveLength(before)
      expect(await ftp.size('/a')).toBe(4)
    })
  })

  test('a verb that it does not wait for is waited for', async () => {
    const done: unknown[] = []
    const prepareSession = (session: FtpSession): void => {
      session.site('GOOD but slow').then(
        ({ code }) => done.push(code),
        () => undefined,
      )
    }
    const on: NonNullable<FakeFtpOptions['on']> = {
      SITE: async (session) => {
        await session.control.delay(50)
        session.reply('200 fine')
      },
    }
    await play(
      { prepareSession, maxConnections: 1 },
      async (ftp, server) => {
        expect(await ftp.size('/base/a')).toBe(7)
        expect(done).toEqual([200])
        expect(server.commands).toHaveLength(1)
      },
      { on },
    )
  })
})

describeServers(
  { kinds: ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib'], securities: ['none'] },
  (server) => {
    test('a directory to begin in, on every connection and for every verb', async () => {
      const { url, user, password } = server()
      server().write('outside', 'x')
      server().write('home "1"/file', 'content')
      const prepareSession = (session: FtpSession): Promise<void> => session.changeDirectory('home "1"')
      await using ftp = new FtpClient(url, { user, password, prepareSession, maxConnections: 3 })
      const reads = Array.from({ length: 12 }, () => ftp.readFile('file', { encoding: 'latin1' }))
      expect(new Set(await Promise.all(reads))).toEqual(new Set(['content']))
      expect((await ftp.listAll()).map(({ name }) => name)).toEqual(['file'])
      await ftp.mkdir('below/it', { recursive: true })
      await ftp.writeFile('below/it/file', 'new')
      expect((await ftp.listAll('below/it')).map(({ name }) => name)).toEqual(['file'])
      expect(await ftp.size('file')).toBe(7)
      expect((await ftp.stat('file')).size).toBe(7)
      expect(await ftp.exists('outside')).toBe(false)
      expect(await ftp.exists('/outside')).toBe(true)
      await ftp.rename('below/it/file', 'moved')
      await ftp.remove('below', { recursive: true })
      expect((await ftp.listAll('.')).map(({ name }) => name).sort()).toEqual(['file', 'moved'])
      expect((await ftp.listAll('/')).map(({ name }) => name)).toContain('outside')
    })
  },
)

describe('virtualHost', () => {
  test('is named before the user', async () => {
    await play(
      { virtualHost: 'ftp.example.org' },
      async (ftp, server) => {
        expect(await ftp.size('/a')).toBe(4)
        expect(server.commands[0]?.slice(0, 2)).toEqual(['HOST ftp.example.org', 'USER anonymous'])
      },
      { on: { HOST: (session) => session.reply('220 you are there') } },
    )
  })

  test('under TLS only where nobody can read it', async () => {
    const { ca } = await certificate()
    let isEncrypted: boolean | undefined
    const on: NonNullable<FakeFtpOptions['on']> = {
      HOST: (session) => {
        isEncrypted = session.control.encrypted
        session.reply('220 you are there')
      },
    }
    const tls: FtpClientOptions = { security: 'explicit', tls: { ca } }
    await play(
      { ...tls, virtualHost: 'ftp.example.org' },
      async (ftp, server) => {
        expect(await ftp.size('/a')).toBe(4)
        const commands = server.commands[0]?.slice(0, 3)
        expect(commands).toEqual(['AUTH TLS', 'HOST ftp.example.org', 'USER anonymous'])
        expect(isEncrypted).toBe(true)
      },
      { on, security: 'explicit' },
    )
  })

  test.each(['504 No such host here', '502 HOST not implemented', '501 Not a name'])(
    '%s is an error, and nobody logs in',
    async (refusal) => {
      await play(
        { virtualHost: 'ftp.example.org' },
        async (ftp, server) => {
          const code = Number(refusal.slice(0, 3))
          expect(await failure(ftp.size('/a'))).toMatchObject({
            ...{ name: 'FtpReplyError', reply: { code }, command: 'HOST ftp.example.org' },
          })
          expect(server.commands).toEqual([['HOST ftp.example.org']])
          expect(ftp.stats().open).toBe(0)
        },
        { on: { HOST: (session) => session.reply(refusal) } },
      )
    },
  )

  test('no option, no HOST', async () => {
    await play({}, async (ftp, server) => {
      await ftp.size('/a')
      expect(server.commands.flat().some((line) => line.startsWith('HOST'))).toBe(false)
    })
  })
})

describe('encoding', () => {
  test.each([
    [undefined, true],
    ['utf-8', true],
    ['windows-1252', false],
    ['shift_jis', false],
  ])('%s: whether the server is asked for UTF-8: %s', async (encoding, isAsked) => {
    await play({ encoding }, async (ftp, server) => {
      await ftp.size('/a')
      expect(server.commands.flat().includes('OPTS UTF8 ON')).toBe(isAsked)
    })
  })

  test('a server without UTF8 in its features is not asked', async () => {
    await play(
      {},
      async (ftp, server) => {
        await ftp.size('/a')
        expect(server.commands.flat().filter((line) => line.startsWith('OPTS'))).toEqual([])
      },
      { unsupported: ['UTF8'] },
    )
  })

  test('a user and a password go out in it; what it lacks of a password is not told', async () => {
    const received: Buffer[] = []
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready')
      received.push(Buffer.from(await control.expect(/^USER /)))
      control.reply('331 go on')
    })
    const { host, port } = server
    const options: FtpClientOptions = { host, port, security: 'none', encoding: 'koi8-r', user: 'имя' }
    await using ftp = new FtpClient({ ...options, password: 'geheim-ü' })
    const error = await failure(ftp.size('/a'))
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).not.toMatch(/ü|geheim/)
    // What is no UTF-8 reads as U+FFFD on the other side.
    expect(received.map(String)).toEqual(['USER \ufffd\ufffd\ufffd'])
    expect(server.commands).toEqual([['USER \ufffd\ufffd\ufffd']])
  })
})
