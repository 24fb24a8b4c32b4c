/**
 * An abort, or `destroy()`, at every command of every call: the reason comes out untouched, at once, and nothing is
 * left. Behind an abort the client goes on; what stood here before stands. (Of downloads there is more in
 * aborted-anywhere.test.ts.)
 */
import { getEventListeners } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { FtpClient, type FtpClientOptions, type FtpSession } from '../../src/index.ts'
import { treeServer } from '../mirror/support/tree-server.ts'
import type { FakeFtpServer, FakeSession, Override } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { filteredPort } from '../support/scripted/dead-port.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { BRISK } from './support/attempt.ts'
import { untilTrue } from '../support/eventually.ts'

const HOWS = ['signal', 'destroy'] as const
type How = (typeof HOWS)[number]

interface Scene {
  readonly ftp: FtpClient
  readonly folder: TemporaryDirectory
  readonly signal: AbortSignal
}

const FILE = Buffer.alloc(5_000, 'file')
const FILES = { '/tree/a': FILE, '/tree/sub/b': FILE, '/tree/sub/deep/c': FILE }
const MODIFIED = new Date('2024-02-29T12:34:56Z')

const inSession =
  (work: (session: FtpSession, signal: AbortSignal) => unknown) =>
  async ({ ftp, signal }: Scene): Promise<void> => {
    await using session = await ftp.session({ signal })
    await work(session, signal)
  }

/** Each uses the server as much as it can. */
const CALLS: Readonly<Record<string, (scene: Scene) => unknown>> = {
  connect: ({ ftp, signal }) => ftp.connect({ signal }),
  features: ({ ftp, signal }) => ftp.features({ signal }),
  size: ({ ftp, signal }) => ftp.size('/tree/a', { signal }),
  modified: ({ ftp, signal }) => ftp.modified('/tree/a', { signal }),
  stat: ({ ftp, signal }) => ftp.stat('/tree/a', { signal }),
  exists: ({ ftp, signal }) => ftp.exists('/tree/missing', { signal }),
  checksum: ({ ftp, signal }) => ftp.checksum('/tree/a', 'sha256', { signal }),
  mkdir: ({ ftp, signal }) => ftp.mkdir('/new/below', { recursive: true, signal }),
  rename: ({ ftp, signal }) => ftp.rename('/tree/a', '/tree/z', { signal }),
  chmod: ({ ftp, signal }) => ftp.chmod('/tree/a', 0o600, { signal }),
  setModified: ({ ftp, signal }) => ftp.setModified('/tree/a', MODIFIED, { signal }),
  remove: ({ ftp, signal }) => ftp.remove('/tree', { recursive: true, signal }),
  listAll: ({ ftp, signal }) => ftp.listAll('/tree', { signal }),
  walk: async ({ ftp, signal }) => {
    for await (const entry of ftp.walk('/tree', { signal })) expect(entry.path).toBeDefined()
  },
  readFile: ({ ftp, signal }) => ftp.readFile('/tree/a', { signal }),
  createReadStream: ({ ftp, signal }) => buffer(ftp.createReadStream('/tree/a', { signal })),
  writeFile: ({ ftp, signal }) => ftp.writeFile('/tree/new', 'new', { signal }),
  createWriteStream: ({ ftp, signal }) =>
    pipeline(Readable.from([FILE]), ftp.createWriteStream('/tree/new', { signal })),
  upload: ({ ftp, signal }) => ftp.upload(FILE, '/tree/new', { signal, atomic: true }),
  'upload of a stream': ({ ftp, signal }) => ftp.upload(Readable.from([FILE]), '/tree/new', { signal }),
  download: ({ ftp, signal, folder }) => ftp.download('/tree/a', folder.at('local', 'old'), { signal }),
  mirrorDown: ({ ftp, signal, folder }) =>
    ftp.mirrorDown('/tree', folder.at('local'), { signal, onError: 'stop' }),
  mirrorUp: ({ ftp, signal, folder }) => ftp.mirrorUp(folder.at('up'), '/tree', { signal, onError: 'stop' }),
  'session.command': inSession((session, signal) => session.command('NOOP', undefined, { signal })),
  'session.changeDirectory': inSession((session, signal) => session.changeDirectory('/tree', { signal })),
  'session.list': inSession((session, signal) => session.list('/tree', { signal })),
  'session.nameList': inSession((session, signal) => session.nameList('/tree', { signal })),
  'session.rename': inSession((session, signal) => session.rename('/tree/a', '/tree/z', { signal })),
  'session.makeDirectory': inSession((session, signal) => session.makeDirectory('/tree/new', { signal })),
  'session.retrieve': inSession((session, signal) => buffer(session.retrieve('/tree/a', { signal }))),
  'session.store': inSession((session, signal) => session.store('/tree/new', FILE, { signal })),
}

/** Every verb that one of the calls sends. */
const VERBS = [
  ...[
    'USER',
    'PASS',
    'FEAT',
    'OPTS',
    'SYST',
    'PWD',
    'CWD',
    'TYPE',
    'NOOP',
    'EPSV',
    'SIZE',
    'MDTM',
    'MLST',
    'HASH',
  ],
  ...['MKD', 'RMD', 'DELE', 'RNFR', 'RNTO', 'SITE', 'MFMT', 'LIST', 'NLST', 'MLSD', 'RETR', 'STOR'],
]

/** Told of every command before it is obeyed. */
type OnCommand = (verb: string, session: FakeSession) => Promise<void>

async function listenedTo(onCommand: OnCommand, options: Parameters<typeof treeServer>[0] = {}) {
  const say =
    (reply: string): Override =>
    (session) =>
      session.reply(reply)
  const on: Record<string, Override> = {
    FEAT: say(
      '211-Features:\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n MFMT\r\n HASH SHA-256*\r\n211 End',
    ),
    HASH: say(`213 SHA-256 0-5000 ${'0'.repeat(64)} a`),
    RNFR: say('350 Go on'),
    RNTO: say('250 Renamed'),
    SITE: say('200 Fine'),
    NLST: async (session) => {
      session.reply('150 Here it comes')
      const data = await session.openData()
      if ('refusal' in data) return session.reply(data.refusal)
      await data.end()
      session.reply('226 Done')
    },
    ...options.on,
  }
  const server = await treeServer({ files: { ...FILES }, ...options, on })
  const usual = { ...server.options.on }
  const all = Object.fromEntries(
    VERBS.map((verb): [string, Override] => [
      verb,
      async (session, argument, proceed) => {
        await onCommand(verb, session)
        await (usual[verb]?.(session, argument, proceed) ?? proceed())
      },
    ]),
  )
  Object.assign(server.options, { on: all })
  return server
}

/** A client, a local tree to fill and one to send. */
async function inScene(
  { host, port }: Pick<FakeFtpServer, 'host' | 'port'>,
  options: FtpClientOptions,
  use: (scene: Scene, controller: AbortController) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryDirectory()
  await mkdir(folder.at('local'))
  await mkdir(folder.at('up', 'sub'), { recursive: true })
  await writeFile(folder.at('local', 'old'), 'older')
  for (const name of ['one', 'sub/two']) await writeFile(folder.at('up', name), FILE)
  const controller = new AbortController()
  const timeouts = { reply: 20_000, data: 20_000, greeting: 20_000, connect: 20_000, completion: 20_000 }
  const given = { host, port, security: 'none', retry: BRISK, maxConnections: 1, timeouts } as const
  const ftp = new FtpClient({ ...given, ...options })
  try {
    await use({ ftp, folder, signal: controller.signal }, controller)
  } finally {
    ftp.destroy()
    await ftp.close()
  }
}

interface Stopped {
  readonly how: How
  readonly call: (scene: Scene) => unknown
  /** Told how to stop the call, before it is made. */
  readonly arm: (stop: () => void, scene: Scene) => void | Promise<void>
  /** For messages. */
  readonly what: string
}

/** Fails unless the call rejects with the reason by which it is stopped, and leaves nothing. */
function expectStopped(
  server: Pick<FakeFtpServer, 'host' | 'port'>,
  { how, call, arm, what }: Stopped,
  options: FtpClientOptions = {},
): Promise<void> {
  return inScene(server, options, async (scene, controller) => {
    const { ftp, folder, signal } = scene
    const reason = new Error('of our own')
    await arm(() => (how === 'signal' ? controller.abort(reason) : ftp.destroy(reason)), scene)
    expect(await failureOf(() => call(scene)), what).toBe(reason)
    expect(getEventListeners(signal, 'abort'), what).toEqual([])
    await untilTrue(() => ftp.stats().leased === 0)
    expect(ftp.stats(), what).toMatchObject({ leased: 0, waiting: 0 })
    expect(await readFile(folder.at('local', 'old'), 'utf8'), what).toBe('older')
    const names = await readdir(folder.at('local'), { recursive: true })
    expect(
      names.filter((name) => name.includes('octoftp')),
      what,
    ).toEqual([])
    if (how === 'destroy') await expect(ftp.size('/a')).rejects.toMatchObject({ code: 'ERR_FTP_CLOSED' })
  })
}

/** What it rejects with. No deadline of a server is so short: what takes as long has waited for one. */
async function failureOf(call: () => unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('it was not stopped'), 10_000)
  })
  const outcome = (async () => call())().then(
    () => 'it was done',
    (error: unknown) => error,
  )
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer))
}

/** The verbs that a call sends when nothing stops it. */
async function commandsOf(call: (scene: Scene) => unknown): Promise<string[]> {
  const verbs: string[] = []
  await using server = await listenedTo((verb) => Promise.resolve(void verbs.push(verb)))
  await inScene(server, {}, async (scene) => {
    await (async () => call(scene))().catch(() => {})
  })
  return verbs
}

describe.each(Object.entries(CALLS))('%s', (name, call) => {
  test.each(HOWS)('at each of its commands, by %s', { timeout: 60_000 }, async (how) => {
    const commands = await commandsOf(call)
    expect(commands.length).toBeGreaterThan(2)
    for (const [at, verb] of commands.entries()) {
      let stop = (): void => {}
      let count = 0
      const onCommand: OnCommand = async (_verb, session) => {
        if (count++ !== at) return
        stop()
        // What is answered, though it was stopped, is answered late.
        await Promise.race([session.control.closed, session.control.delay(30)])
      }
      await expectNoLeaks(async () => {
        await using server = await listenedTo(onCommand)
        const what = `${verb}, command ${at} of ${commands.join(' ')}`
        await expectStopped(server, { how, call, what, arm: (given) => void (stop = given) })
      })
    }
  })

  test.each(HOWS)('while it waits for a session, by %s', async (how) => {
    await expectNoLeaks(async () => {
      await using server = await listenedTo(() => Promise.resolve())
      const arm = async (stop: () => void, { ftp }: Scene): Promise<void> => {
        const held = await ftp.session()
        const isWaiting = untilTrue(() => ftp.stats().waiting > 0)
        void isWaiting.then(() => {
          stop()
          held.release()
        })
      }
      await expectStopped(server, { how, call, what: name, arm })
    })
  })

  test.each(HOWS)('before the greeting, by %s', async (how) => {
    await expectNoLeaks(async () => {
      await using server = await listenedTo(() => Promise.resolve(), { greeting: null })
      const arm = (stop: () => void): void =>
        void untilTrue(() => server.openControlConnections > 0).then(stop)
      await expectStopped(server, { how, call, what: name, arm })
    })
  })

  test.each(HOWS)('while it waits for another try, by %s', async (how) => {
    await expectNoLeaks(async () => {
      await using server = await listenedTo(() => Promise.resolve(), {
        greeting: '421 Full, come back later',
      })
      const arm = (stop: () => void): void => {
        const isTurnedAway = (): boolean => server.commands.length > 0 && server.openControlConnections === 0
        const hasGone = untilTrue(isTurnedAway)
        void hasGone.then(stop)
      }
      const retry = { attempts: 5, minDelay: 60_000, maxDelay: 60_000, jitter: 0 }
      await expectStopped(server, { how, call, what: name, arm }, { retry })
    })
  })

  test.each(HOWS)('while its host does not answer at all, by %s', async (how) => {
    const { port, release } = await filteredPort('127.0.0.1')
    try {
      await expectNoLeaks(async () => {
        const arm = (stop: () => void): void => void setTimeout(stop, 20)
        await expectStopped({ host: '127.0.0.1', port }, { how, call, what: name, arm })
      })
    } finally {
      await release()
    }
  })

  test('by a signal that had aborted before: nothing is sent', async () => {
    await expectNoLeaks(async () => {
      await using server = await listenedTo(() => Promise.resolve())
      await expectStopped(server, { how: 'signal', call, what: name, arm: (stop) => stop() })
      expect(server.commands).toEqual([])
    })
  })
})

/** Half of what is sent, or what has come of it; then it is stopped. */
function inTheMiddle(stop: () => void, half: Uint8Array): Override {
  return async (session) => {
    session.reply('150 Here it comes')
    const data = await session.openData()
    if ('refusal' in data) return session.reply(data.refusal)
    await data.accepted
    if (half.length > 0) await data.write(half)
    stop()
    await Promise.race([data.departed, session.control.closed])
    session.reply('426 Cut')
  }
}

const WITH_DATA = Object.entries({
  RETR: ['readFile', 'createReadStream', 'download', 'mirrorDown', 'session.retrieve'],
  STOR: ['writeFile', 'createWriteStream', 'upload', 'upload of a stream', 'mirrorUp', 'session.store'],
  MLSD: ['listAll', 'walk', 'remove', 'mirrorDown', 'mirrorUp', 'session.list'],
}).flatMap(([verb, names]) => names.map((name) => [name, verb] as const))

describe.each(WITH_DATA)('%s, in the middle of the data of %s', (name, verb) => {
  test.each(HOWS)('by %s', async (how) => {
    await expectNoLeaks(async () => {
      let stop = (): void => {}
      const half = { RETR: FILE.subarray(0, 2_500), MLSD: Buffer.from('type=file; one\r\ntype=fi') }[verb]
      const on = { [verb]: inTheMiddle(() => stop(), half ?? Buffer.alloc(0)) }
      await using server = await listenedTo(() => Promise.resolve(), { on })
      const call = CALLS[name] ?? (() => undefined)
      await expectStopped(server, { how, call, what: name, arm: (given) => void (stop = given) })
    })
  })
})

test.each(HOWS)('a walk that takes failures does not take this one, by %s', async (how) => {
  await expectNoLeaks(async () => {
    let stop = (): void => {}
    await using server = await listenedTo(() => Promise.resolve(), {
      on: { MLSD: inTheMiddle(() => stop(), Buffer.from('type=dir; one\r\n')) },
    })
    const call = async ({ ftp, signal }: Scene): Promise<void> => {
      for await (const entry of ftp.walk('/tree', { signal, onError: () => {} })) expect(entry).toBeDefined()
    }
    await expectStopped(server, { how, call, what: 'walk', arm: (given) => void (stop = given) })
  })
})
