/** Many calls on few connections, by whatever verbs: who waits is served, or is told who stands in the way. */
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { deferred } from '../../src/util/deferred.ts'
import { runScript } from '../hazards/support/child-process.ts'
import { clientOptions, PASSWORD, sent, USER } from '../hazards/support/attempt.ts'
import {
  fakeFtpServer,
  type ConnectionLimit,
  type FakeFtpOptions,
  type FakeFtpServer,
  type FakeSession,
} from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { patternFile } from '../support/pattern-file.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { untilPasses } from '../support/eventually.ts'

const NUMBERS = Array.from({ length: 50 }, (_, index) => index)
/** Each has as many bytes as its number says. */
const SMALL = Object.fromEntries(NUMBERS.map((number) => [`/small/${number}`, Buffer.alloc(number, 'x')]))
/** More than all that is buffered on the way to a consumer who does not read. */
const LARGE = patternFile(64 * 1_048_576, 'large')

type Overrides = NonNullable<FakeFtpOptions['on']>
type Override = Overrides[string]

/** `MLSD` and `STOR`, which the server has not of itself. */
const MORE: Overrides = {
  MLSD: listing(NUMBERS.map((number) => `type=file;size=${number}; ${number}\r\n`).join('')),
  STOR: async (session, path) => {
    session.reply('150 go on')
    const data = await session.openData()
    if ('refusal' in data) return session.reply(data.refusal)
    session.server.files.set(session.resolve(path), await data.readToEnd())
    await data.end()
    session.reply('226 done')
  },
}

function listing(text: string): Override {
  return async (session) => {
    session.reply('150 here it comes')
    const data = await session.openData()
    if ('refusal' in data) return session.reply(data.refusal)
    await data.write(text)
    await data.end()
    session.reply('226 done')
  }
}

interface Scene {
  readonly server: FakeFtpServer
  readonly ftp: FtpClient
}

/** Fails if a connection stays in use, or anything stays open. */
function play(
  { server: fake = {}, client = {} }: { server?: FakeFtpOptions; client?: FtpClientOptions },
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  return expectNoLeaks(async () => {
    await using server = await fakeFtpServer({
      ...{ security: 'none', users: { [USER]: PASSWORD }, files: { ...SMALL, '/large': LARGE } },
      ...fake,
      on: { ...MORE, ...fake.on },
    })
    await using ftp = new FtpClient(await clientOptions(server, client))
    await use({ server, ftp })
    // What was cut takes its leave first.
    await untilPasses(() => {
      const { open, idle, waiting, leased } = ftp.stats()
      expect({ open, waiting, leased }).toEqual({ open: idle, waiting: 0, leased: 0 })
    })
  })
}

const failure = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)

/** One of four verbs, and what it has to give. */
async function ask(ftp: FtpClient, index: number): Promise<void> {
  const number = index % NUMBERS.length
  const path = `/small/${number}`
  switch (index % 4) {
    case 0:
      expect((await ftp.stat(path)).size).toBe(number)
      break
    case 1:
      expect(await ftp.size(path)).toBe(number)
      break
    case 2:
      expect((await ftp.listAll('/small')).map(({ size }) => size)).toEqual(NUMBERS)
      break
    default:
      expect(await ftp.readFile(path)).toEqual(Buffer.alloc(number, 'x'))
  }
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

describe('many calls at once', () => {
  test('300 of all kinds by four connections', async () => {
    await play({ client: { maxConnections: 4 } }, async ({ ftp, server }) => {
      await Promise.all(times(300, (index) => ask(ftp, index)))
      expect(server.maxControlConnections).toBe(4)
      expect(server.logins).toHaveLength(4)
    })
  })

  test('with a wrong password there is one failed login', async () => {
    await play({ client: { password: 'wrong', maxConnections: 8 } }, async ({ ftp, server }) => {
      const calls = times(100, (index) => ask(ftp, index))
      const others = [ftp.session(), ftp.connect(), ftp.mkdir('/new'), ftp.writeFile('/new', 'x')]
      for (const outcome of await Promise.allSettled([...calls, ...others])) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_FTP_LOGIN' } })
      }
      expect(sent(server, 'PASS')).toBe(1)
      // Not for ever: somebody may have unlocked the account.
      expect(await failure(ftp.size('/small/1'))).toMatchObject({ code: 'ERR_FTP_LOGIN' })
      expect(sent(server, 'PASS')).toBe(2)
    })
  })

  test('those that fail harm no other', async () => {
    const dying: Overrides = {
      SIZE: async (session, path, proceed) => (path === '/dies' ? session.die('rst') : proceed()),
    }
    await play({ server: { on: dying }, client: { maxConnections: 4 } }, async ({ ftp, server }) => {
      const calls = times(120, (index) => {
        if (index % 10 === 3) return failure(ftp.stat('/missing'))
        if (index % 40 === 5) return failure(ftp.size('/dies'))
        if (index % 10 === 7) return failure(ftp.readFile('/small/missing'))
        return ask(ftp, index)
      })
      const outcomes = await Promise.all(calls)
      for (const [index, outcome] of outcomes.entries()) {
        if (index % 10 === 3 || index % 10 === 7) expect(outcome).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
        else if (index % 40 === 5) expect(outcome).toMatchObject({ code: 'ERR_FTP_CONTROL_CLOSED' })
        else expect(outcome).toBeUndefined()
      }
      expect(server.maxControlConnections).toBeLessThanOrEqual(4)
    })
  })

  test('those that wait are served in their order, and can be aborted', async () => {
    await play({ client: { maxConnections: 1 } }, async ({ ftp, server }) => {
      const session = await ftp.session()
      const controller = new AbortController()
      const reason = new Error('of our own')
      const calls = times(5, (index) =>
        ftp.size(`/small/${index}`, index === 2 ? { signal: controller.signal } : {}),
      )
      const aborted = failure(calls[2] ?? Promise.resolve())
      controller.abort(reason)
      expect(await aborted).toBe(reason)
      session.release()
      expect(await Promise.allSettled(calls)).toMatchObject(
        [0, 1, 2, 3, 4].map((value) => (value === 2 ? { reason } : { value })),
      )
      const asked = server.commands.flat().filter((line) => line.startsWith('SIZE'))
      expect(asked).toEqual([0, 1, 3, 4].map((number) => `SIZE /small/${number}`))
    })
  })
})

describe('connections that their own caller holds', () => {
  const timeouts = { acquire: 20 }

  const TURNED_AWAY = { name: 'FtpTimeoutError', phase: 'acquire', afterMs: 20, retryable: false }

  test('streams that nobody reads: the next call says which; read on, they serve it', async () => {
    await play({ client: { maxConnections: 2, timeouts } }, async ({ ftp }) => {
      const streams = [ftp.createReadStream('/large'), ftp.createReadStream('/large', { start: 5 })]
      for (const stream of streams) await firstBytes(stream)
      for (const call of [
        ftp.size('/small/7'),
        ftp.stat('/small/7'),
        ftp.readFile('/small/7'),
        ftp.session(),
      ]) {
        const error = await failure(call)
        expect(error).toMatchObject(TURNED_AWAY)
        expect(String(error)).toContain('a stream of "/large", a stream of "/large"')
        expect(String(error)).toContain('maxConnections')
      }
      const waiting = ftp.size('/small/7')
      const rest = streams.map((stream) => finished(stream.pipe(nowhere())))
      expect(await waiting).toBe(7)
      await Promise.all(rest)
    })
  })

  test('a stream that is destroyed makes room', async () => {
    await play({ client: { maxConnections: 1, timeouts } }, async ({ ftp }) => {
      const stream = ftp.createReadStream('/large')
      await firstBytes(stream)
      const waiting = ftp.size('/small/7')
      stream.destroy()
      expect(await waiting).toBe(7)
    })
  })

  test('a session that nobody uses, and a stream that nobody writes to', async () => {
    await play({ client: { maxConnections: 3, timeouts } }, async ({ ftp, server }) => {
      await using session = await ftp.session()
      await session.noop()
      const writing = ftp.createWriteStream('/new')
      await new Promise((resolve) => writing.write('first', resolve))
      const reading = ftp.createReadStream('/large')
      await firstBytes(reading)
      const error = await failure(ftp.size('/small/7'))
      expect(error).toMatchObject(TURNED_AWAY)
      for (const what of ['a session()', 'a stream to "/new"', 'a stream of "/large"']) {
        expect(String(error)).toContain(what)
      }
      const waiting = ftp.size('/small/7')
      writing.end(' and last')
      expect(await waiting).toBe(7)
      await finished(writing)
      expect(server.files.get('/new')).toEqual(Buffer.from('first and last'))
      reading.destroy()
    })
  })

  test.each(['silent', 'paused'])('an upload whose source is %s', async (how) => {
    await play({ client: { maxConnections: 1, timeouts } }, async ({ ftp, server }) => {
      const more = deferred<undefined>()
      const source = async function* (): AsyncGenerator<string> {
        yield 'first'
        await more.promise
        yield ' and '
        yield 'last'
      }
      const upload = ftp.upload(source(), '/new')
      await untilPasses(() => expect(upload.progress.bytes).toBe(5))
      if (how === 'paused') {
        void upload.pause()
        more.resolve(undefined)
      }
      const error = await failure(ftp.size('/small/7'))
      expect(error).toMatchObject(TURNED_AWAY)
      expect(String(error)).toContain('an upload to "/new"')
      const waiting = ftp.size('/small/7')
      more.resolve(undefined)
      upload.resume()
      expect(await waiting).toBe(7)
      await upload
      expect(server.files.get('/new')).toEqual(Buffer.from('first and last'))
    })
  })

  test('a listing that is not read on, beyond what is held of it', async () => {
    const count = 40_000
    const line = (number: number): string => `type=file; ${String(number).padStart(1_000, '.')}\r\n`
    const huge: Overrides = { MLSD: listing(Array.from({ length: count }, (_, at) => line(at)).join('')) }
    await play({ server: { on: huge }, client: { maxConnections: 1, timeouts } }, async ({ ftp }) => {
      const entries = ftp.list('/huge')
      await entries.next()
      const error = await failure(ftp.size('/small/7'))
      expect(error).toMatchObject(TURNED_AWAY)
      expect(String(error)).toContain('a listing of "/huge"')
      const waiting = ftp.size('/small/7')
      let read = 1
      while ((await entries.next()).done !== true) read += 1
      expect(read).toBe(count)
      expect(await waiting).toBe(7)
    })
  })

  test('one that still moves is waited for, beside one that does not', async () => {
    const server: FakeFtpOptions = {
      files: { ...SMALL, '/large': LARGE, '/slow': patternFile(150_000) },
      // The second connection's, which takes longer than those who wait are looked after.
      bytesPerSecond: [Infinity, 100_000],
    }
    await play({ server, client: { maxConnections: 2, timeouts } }, async ({ ftp }) => {
      const held = ftp.createReadStream('/large')
      await firstBytes(held)
      const moving = ftp.readFile('/slow')
      const waiting = ftp.size('/small/7')
      expect((await moving).length).toBe(150_000)
      expect(await waiting).toBe(7)
      held.destroy()
    })
  })

  test('a session whose server is at work is waited for', async () => {
    const slow: Overrides = {
      NOOP: async (session, _argument, proceed) => {
        await session.control.delay(1_200)
        await proceed()
      },
    }
    await play({ server: { on: slow }, client: { maxConnections: 1, timeouts } }, async ({ ftp }) => {
      const session = await ftp.session()
      const waiting = ftp.size('/small/7')
      await session.noop()
      session.release()
      expect(await waiting).toBe(7)
    })
  })

  test('a session is in the way of its own verbs only while its stream is not read', async () => {
    await play({ client: { maxConnections: 1, timeouts } }, async ({ ftp }) => {
      await using session = await ftp.session()
      const stream = session.retrieve('/large')
      await firstBytes(stream)
      const error = await failure(session.noop())
      expect(error).toMatchObject(TURNED_AWAY)
      expect(String(error)).toContain('a stream of "/large"')
      const waiting = session.size('/small/7')
      await finished(stream.pipe(nowhere()))
      expect(await waiting).toBe(7)
    })
  })
})

function firstBytes(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject)
    stream.once('readable', () => {
      stream.off('error', reject)
      stream.read(1)
      resolve()
    })
  })
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}

describe('a session that is given back', () => {
  test('while a verb or a stream is at work on it is cut, and the next call has another', async () => {
    await play({ client: { maxConnections: 1 } }, async ({ ftp, server }) => {
      const first = await ftp.session()
      const size = failure(first.size('/small/7'))
      first.release()
      expect(await size).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      const second = await ftp.session()
      const stream = second.retrieve('/large')
      await firstBytes(stream)
      const broken = failure(finished(stream))
      second.release()
      expect(await broken).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      expect(await ftp.size('/small/7')).toBe(7)
      expect(server.logins).toHaveLength(3)
    })
  })

  test('clean, it is used again', async () => {
    await play({ client: { maxConnections: 1 } }, async ({ ftp, server }) => {
      for (const number of [1, 2, 3]) {
        await using session = await ftp.session()
        await session.changeDirectory('/small')
        expect(await session.size(String(number))).toBe(number)
      }
      expect(await ftp.size('small/7')).toBe(7)
      expect(server.logins).toHaveLength(1)
    })
  })
})

describe('a connection that has been idle', () => {
  /** The sessions of the server, as they log in. */
  function watched(): { readonly sessions: FakeSession[]; readonly on: Overrides } {
    const sessions: FakeSession[] = []
    const on: Overrides = {
      PASS: async (session, _argument, proceed) => {
        sessions.push(session)
        await proceed()
      },
    }
    return { sessions, on }
  }

  test.each(['421', 'nothing'])(
    'and was closed by the server with %s: the next call does not see it',
    async (last) => {
      const { sessions, on } = watched()
      const impatient: FtpClientOptions = { maxConnections: 1, retry: { attempts: 1 } }
      await play({ server: { on }, client: impatient }, async ({ ftp }) => {
        expect(await ftp.size('/small/7')).toBe(7)
        const closed = once(ftp, 'disconnect')
        if (last === '421') sessions[0]?.reply('421 Timeout')
        await sessions[0]?.end()
        await closed
        expect(ftp.stats().open).toBe(0)
        expect(await ftp.size('/small/8')).toBe(8)
        expect(sessions).toHaveLength(2)
      })
    },
  )

  test('and is closed as the next call comes', async () => {
    const { sessions, on } = watched()
    await play({ server: { on }, client: { maxConnections: 1 } }, async ({ ftp }) => {
      expect(await ftp.size('/small/7')).toBe(7)
      sessions[0]?.reply('421 Timeout')
      const ended = sessions[0]?.end()
      expect(await ftp.size('/small/8')).toBe(8)
      await ended
      expect(sessions).toHaveLength(2)
    })
  })

  test('for longer than timeouts.idle is asked before it is used, and only then', async () => {
    await play({ client: { maxConnections: 1, timeouts: { idle: 30 } } }, async ({ ftp, server }) => {
      await ftp.size('/small/1')
      await ftp.size('/small/2')
      await new Promise((resolve) => setTimeout(resolve, 100))
      await ftp.size('/small/3')
      const [commands = []] = server.commands
      const last = commands.slice(commands.indexOf('SIZE /small/2'))
      expect(last).toEqual(['SIZE /small/2', 'NOOP', 'SIZE /small/3'])
    })
    await play({ client: { maxConnections: 1 } }, async ({ ftp, server }) => {
      await ftp.size('/small/1')
      await new Promise((resolve) => setTimeout(resolve, 100))
      await ftp.size('/small/2')
      expect(sent(server, 'NOOP')).toBe(0)
    })
  })

  test.each(['says nothing to that', 'answers 421', 'answers 530'])(
    'and %s is replaced, which the call does not see',
    async (how) => {
      const on: Overrides = {
        NOOP: async (session, _argument, proceed) => {
          if (session.index > 0) await proceed()
          else if (how.startsWith('answers')) session.reply(`${how.slice(-3)} You were away too long`)
        },
      }
      const client = { maxConnections: 1, timeouts: { idle: 1, reply: 200 }, retry: { attempts: 1 } }
      await play({ server: { on }, client }, async ({ ftp, server }) => {
        await ftp.size('/small/1')
        await new Promise((resolve) => setTimeout(resolve, 20))
        expect(await ftp.size('/small/7')).toBe(7)
        expect(server.logins).toHaveLength(2)
      })
    },
  )
})

describe('a server that takes fewer', () => {
  test.each<NonNullable<ConnectionLimit['refusal']>>([
    '421 greeting',
    '421 login',
    '530 login',
    'end of file',
  ])('%s: all calls are made, with fewer', async (refusal) => {
    const limit = { connections: 2, refusal }
    await play({ server: { limit }, client: { maxConnections: 8 } }, async ({ ftp, server }) => {
      await Promise.all(times(100, (index) => ask(ftp, index)))
      expect(ftp.stats()).toMatchObject({ open: 2, max: 8, ceiling: 2 })
      expect(server.logins.filter(({ accepted }) => accepted)).toHaveLength(2)
      // Each of the eight was tried once, and no more.
      expect(server.commands.length).toBeLessThanOrEqual(8)
      await Promise.all(times(20, (index) => ask(ftp, index)))
      expect(server.commands.length).toBeLessThanOrEqual(8)
    })
  })
})

describe('the end', () => {
  test('close() lets the calls that run end, turns away those that wait, and takes leave', async () => {
    await play({ client: { maxConnections: 2 } }, async ({ ftp, server }) => {
      // Two that are at work, in the middle of their files.
      const streams = [ftp.createReadStream('/large'), ftp.createReadStream('/large')]
      for (const stream of streams) await firstBytes(stream)
      const waiting = times(10, (index) => ask(ftp, index))
      const closed = ftp.close()
      expect(ftp.close()).toBe(closed)
      for (const outcome of await Promise.allSettled(waiting)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_FTP_CLOSED' } })
      }
      for (const index of [0, 1, 2, 3]) {
        expect(await failure(ask(ftp, index))).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      }
      expect(await failure(ftp.session())).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      for (const stream of streams) {
        let bytes = 1
        for await (const chunk of stream) bytes += (chunk as Buffer).length
        expect(bytes).toBe(LARGE.size)
      }
      await closed
      expect(server.commands.map((commands) => commands.at(-1))).toEqual(['QUIT', 'QUIT'])
      expect(ftp.stats()).toMatchObject({ open: 0, closing: 0 })
    })
  })

  test.each(['remove', 'stat'] as const)(
    'close() lets %s() come to the last of its questions',
    async (verb) => {
      const [begun, goOn] = [deferred<undefined>(), deferred<undefined>()]
      const onceClosed: Override = async (_session, _argument, proceed) => {
        begun.resolve(undefined)
        await goOn.promise
        await proceed()
      }
      const on: Overrides = {
        MLST: (session) => session.reply('500 What?'),
        // Nothing in it is a link.
        LIST: listing(''),
        CWD: onceClosed,
        DELE: async (session, path) => {
          const isFile = session.server.files.delete(session.resolve(path))
          session.reply(isFile ? '250 gone' : '550 not a file')
        },
        RMD: (session) => session.reply('250 gone'),
      }
      await play({ server: { on }, client: { maxConnections: 1 } }, async ({ ftp, server }) => {
        // The last question of either is a listing.
        const call = verb === 'remove' ? ftp.remove('/small', { recursive: true }) : ftp.stat('/small/none')
        const outcome = failure(call)
        await begun.promise
        const closed = ftp.close()
        const late = failure(ftp.size('/small/7'))
        goOn.resolve(undefined)
        expect(await late).toMatchObject({ code: 'ERR_FTP_CLOSED' })
        if (verb === 'stat') expect(await outcome).toMatchObject({ code: 'ERR_FTP_NOT_FOUND' })
        else expect(await outcome).toBeUndefined()
        expect(server.files.has('/small/7')).toBe(verb === 'stat')
        await closed
      })
    },
  )

  test('close() waits for a session, and takes nothing new while a transfer runs', async () => {
    await using folder = await temporaryDirectory()
    const server: FakeFtpOptions = { files: { '/a': patternFile(300_000) }, bytesPerSecond: 500_000 }
    await play({ server, client: { maxConnections: 3 } }, async ({ ftp }) => {
      const session = await ftp.session()
      const transfer = ftp.download('/a', folder.at('a'), { connections: 1 })
      await once(transfer, 'progress')
      const closed = ftp.close()
      const late = [ftp.size('/a'), ftp.listAll('/'), ftp.readFile('/a'), ftp.stat('/a'), ftp.session()]
      for (const outcome of await Promise.all(late.map(failure))) {
        expect.soft(outcome).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      }
      expect(await session.size('/a')).toBe(300_000)
      session.release()
      expect((await transfer).bytes).toBe(300_000)
      await closed
    })
  })

  test('destroy() cuts what runs and what waits, with its reason', async () => {
    const hanging = deferred<undefined>()
    const on: Overrides = {
      SIZE: async (session) => {
        hanging.resolve(undefined)
        await session.control.closed
      },
    }
    await play({ server: { on }, client: { maxConnections: 1 } }, async ({ ftp }) => {
      const reason = new Error('of our own')
      const calls = [ftp.size('/a'), ftp.stat('/a'), ftp.listAll('/'), ftp.readFile('/a')].map(failure)
      await hanging.promise
      ftp.destroy(reason)
      ftp.destroy(new Error('again'))
      for (const outcome of await Promise.all(calls)) expect(outcome).toBe(reason)
      expect(await failure(ftp.size('/a'))).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      await ftp.close()
    })
  })

  test('destroy() ends a close() that waits', async () => {
    await play({ client: { maxConnections: 1 } }, async ({ ftp }) => {
      const session = await ftp.session()
      const closed = ftp.close()
      ftp.destroy()
      await closed
      expect(await failure(session.noop())).toMatchObject({ code: 'ERR_FTP_CLOSED' })
      session.release()
    })
  })

  test('a process whose program forgot to close ends by itself', async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer({ security: 'none', files: SMALL })
    const script = `
      import { FtpClient } from './octoftp/index.js'
      const ftp = new FtpClient('ftp://127.0.0.1:${server.port}', { maxConnections: 3 })
      const paths = Array.from({ length: 30 }, (_, index) => '/small/' + index)
      const sizes = await Promise.all(paths.map((path) => ftp.size(path)))
      const { length } = await ftp.readFile('/small/20')
      console.log(sizes.at(-1), length, ftp.stats().idle === ftp.stats().open)
    `
    expect(await runScript(folder, script)).toMatchObject({ code: 0, signal: null, output: '29 20 true\n' })
  })
})
