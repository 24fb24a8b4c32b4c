/**
 * Servers that do not stand it when a port and a transfer are asked for in one packet: whatever they do instead, every
 * file is right in the end, and they are asked for one thing at a time from then on.
 */
import { describe, expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import type { FakeFtpServer, FakeSession } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { treeServer, type AroundVerb } from './support/tree-server.ts'
import { contents, inspect, plant } from './support/trees.ts'

const CONNECTIONS = 3

interface Misbehaviour {
  readonly name: string
  /** Of an EPSV behind which another command has come. Gives whether it goes on as usual. */
  readonly passive?: (session: FakeSession) => Promise<'usual' | 'done'>
  /** Of the transfer that came together with the EPSV before. */
  readonly transfer?: (session: FakeSession, proceed: () => Promise<void>) => Promise<void>
  /** Where it does not show that this is why. */
  readonly isHidden?: boolean
}

const SILENCE_MS = 1_000

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    name: 'drops the second command',
    transfer: async () => {},
  },
  {
    name: 'answers nothing at all',
    passive: (session) => Promise.resolve(dropped(session)),
    transfer: async () => {},
  },
  {
    name: 'answers the second before the first',
    passive: async (session) => {
      session.reply('150 Here it comes')
      await session.control.flushed()
      return 'usual'
    },
    // Both are there in the end.
    isHidden: true,
  },
  {
    name: 'answers 500 to the second',
    transfer: async (session) => refuse(session, '500 What?'),
  },
  {
    name: 'answers 503 to the second',
    transfer: async (session) => refuse(session, '503 Bad sequence of commands'),
  },
  {
    name: 'hangs up',
    passive: async (session) => {
      await session.die('fin')
      return 'done'
    },
  },
  {
    name: 'resets the connection',
    passive: async (session) => {
      await session.die('rst')
      return 'done'
    },
  },
  {
    name: 'names a port where nobody listens',
    passive: async (session) => {
      await session.answerPassive('EPSV', { port: 'closed' })
      return 'done'
    },
    transfer: async (session) => refuse(session, '425 Nobody came'),
  },
  {
    name: 'gives a 229 that cannot be read',
    passive: (session) => {
      session.reply('229 Extended passive mode (|||nowhere|)')
      return Promise.resolve('done')
    },
    transfer: async (session) => refuse(session, '425 Nobody came'),
  },
  {
    name: 'sends half a file and says that it was all',
    transfer: half,
    // As with a file that has become shorter.
    isHidden: true,
  },
  {
    name: 'is slower than a silent one is waited for',
    passive: async (session) => {
      await session.control.delay(SILENCE_MS + 300)
      return 'usual'
    },
  },
]

function dropped(session: FakeSession): 'done' {
  session.dropData()
  return 'done'
}

function refuse(session: FakeSession, reply: string): Promise<void> {
  session.dropData()
  session.reply(reply)
  return Promise.resolve()
}

async function half(session: FakeSession, proceed: () => Promise<void>): Promise<void> {
  const { options } = session.server
  options.fault = ({ connection, path }) => {
    if (connection !== session.index) return undefined
    const bytes = session.server.file(path)?.size ?? 0
    return { kind: 'cut', afterBytes: Math.floor(bytes / 2), by: 'fin', reply: '226 Complete' }
  }
  try {
    await proceed()
  } finally {
    delete options.fault
  }
}

/** A server that misbehaves whenever a transfer is asked for in one packet with its port; and how often it was. */
async function misbehaving(
  { passive, transfer }: Misbehaviour,
  files: Record<string, Buffer>,
): Promise<{ server: FakeFtpServer; together: () => number }> {
  const isTogether = new WeakSet<FakeSession>()
  let together = 0
  const around = async (
    verb: AroundVerb,
    session: FakeSession,
    proceed: () => Promise<void>,
  ): Promise<void> => {
    if (verb !== 'EPSV') {
      if (isTogether.delete(session) && transfer !== undefined) return transfer(session, proceed)
      return proceed()
    }
    if (!session.control.hasMore) return proceed()
    together++
    isTogether.add(session)
    if ((await passive?.(session)) !== 'done') await proceed()
  }
  return { server: await treeServer({ files, around }), together: () => together }
}

function clientOf(server: FakeFtpServer): FtpClient {
  return new FtpClient(`ftp://${server.host}:${server.port}`, {
    maxConnections: CONNECTIONS,
    retry: { attempts: 3, minDelay: 1, maxDelay: 5, factor: 1, jitter: 0 },
    timeouts: { reply: SILENCE_MS, completion: SILENCE_MS, data: SILENCE_MS, connect: SILENCE_MS },
  })
}

function someFiles(root: string): Record<string, Buffer> {
  const files: Record<string, Buffer> = {}
  for (let index = 0; index < 24; index++) {
    files[`${root}d${index % 4}/${index}`] = randomBytes(1 + index * 777, index)
  }
  return files
}

describe.each(MISBEHAVIOURS)('a server that $name', (misbehaviour) => {
  test('down', async () => {
    await using folder = await temporaryDirectory()
    plant(folder.at('expected'), someFiles(''))
    await expectNoLeaks(async () => {
      const { server: started, together } = await misbehaving(misbehaviour, someFiles('/tree/'))
      await using server = started
      await using ftp = clientOf(server)
      expect(await ftp.mirrorDown('/tree', folder.at('here'))).toMatchObject({
        transferred: 24,
        failures: [],
      })
      expect(contents(folder.at('here'))).toEqual(contents(folder.at('expected')))
      expect(together()).toBeGreaterThan(0)
      const tried = together()
      if (misbehaviour.isHidden !== true) expect(tried).toBeLessThanOrEqual(CONNECTIONS)
      const again = await ftp.mirrorDown('/tree', folder.at('here'), { compare: 'always' })
      expect(again).toMatchObject({ transferred: 24, failures: [] })
      expect(contents(folder.at('here'))).toEqual(contents(folder.at('expected')))
      if (misbehaviour.isHidden !== true) expect(together()).toBe(tried)
      expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
    })
    expect(Object.keys(inspect(folder.path)).filter((name) => name.includes('octoftp'))).toEqual([])
  })

  test.skipIf(misbehaviour.isHidden)('up', async () => {
    await using folder = await temporaryDirectory()
    plant(folder.path, someFiles(''))
    await expectNoLeaks(async () => {
      const { server: started, together } = await misbehaving(misbehaviour, {
        '/tree/there': Buffer.from('x'),
      })
      await using server = started
      await using ftp = clientOf(server)
      expect(await ftp.mirrorUp(folder.path, '/tree')).toMatchObject({ transferred: 24, failures: [] })
      const arrived = (): object => Object.fromEntries(server.files)
      const expected = { ...someFiles('/tree/'), '/tree/there': Buffer.from('x') }
      expect(arrived()).toEqual(expected)
      const tried = together()
      expect(tried).toBeGreaterThan(0)
      expect(tried).toBeLessThanOrEqual(CONNECTIONS)
      await ftp.mirrorUp(folder.path, '/tree', { compare: 'always' })
      expect(arrived()).toEqual(expected)
      expect(together()).toBe(tried)
      expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
    })
  })
})
