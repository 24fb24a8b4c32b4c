/**
 * A server lists entries without end: whatever keeps a listing gives up with ERR_FTP_LISTING_TOO_LARGE. The bounds are
 * made small here; that they are there in earnest is shown in advisories.test.ts.
 */
import { readdir, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { FtpClient, type FtpSession } from '../../src/index.ts'
import type * as Limits from '../../src/protocol/limits.ts'
import type { FakeSession } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { treeServer } from '../mirror/support/tree-server.ts'
import { BRISK } from './support/attempt.ts'

vi.mock('../../src/protocol/limits.ts', async (original) => {
  const limits = await original<typeof Limits>()
  return { ...limits, MAX_LISTED: 2_000, MAX_LISTED_TEXT: 1_000_000 }
})

/** What a server sends: more than is kept, by number or by length. Who takes it all is told that it was whole. */
interface Lines {
  readonly count: number
  readonly length: number
}

const MANY: Lines = { count: 20_000, length: 1 }
const LONG: Lines = { count: 1_000, length: 2_000 }

const BEFORE_NAME: Readonly<Record<string, string>> = {
  MLSD: 'type=file; ',
  LIST: '-rw-r--r-- 1 a a 1 Jan  2  2020 ',
}

/** Until nobody wants them. */
async function goOn(session: FakeSession, verb: string, { count, length }: Lines): Promise<void> {
  session.reply('150 Here it comes')
  const data = await session.openData()
  if ('refusal' in data) return session.reply(data.refusal)
  for (let from = 0; from < count; from += 100) {
    const lines = Array.from({ length: 100 }, (_, line) => {
      const name = `${from + line}`.padEnd(length, 'x')
      return `${BEFORE_NAME[verb] ?? ''}${name}\r\n`
    })
    if (!(await data.write(lines.join('')))) return session.reply('426 Cut')
  }
  await data.end()
  session.reply('226 That was all')
}

const inSession =
  (work: (session: FtpSession) => Promise<unknown>) =>
  async (ftp: FtpClient): Promise<void> => {
    await using session = await ftp.session()
    await work(session)
  }

const CALLS: readonly (readonly [string, (ftp: FtpClient) => Promise<unknown>])[] = [
  ['listAll', (ftp) => ftp.listAll('/tree')],
  ['stat, where the directory above has to be listed', (ftp) => ftp.stat('/tree/missing')],
  ['remove, of a directory with all that is in it', (ftp) => ftp.remove('/tree', { recursive: true })],
  ['list of a session', inSession((session) => session.list('/tree'))],
  ['machineList of a session', inSession((session) => session.machineList('/tree'))],
  ['rawList of a session', inSession((session) => session.rawList('/tree'))],
  ['nameList of a session', inSession((session) => session.nameList('/tree'))],
]

test.each(CALLS.flatMap(([name, call]) => [MANY, LONG].map((lines) => [name, lines, call] as const)))(
  '%s, lines: %j',
  async (_name, lines, call) => {
    await expectNoLeaks(async () => {
      await using server = await endless(lines)
      await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, { retry: BRISK })
      await expect(call(ftp)).rejects.toMatchObject({
        name: 'FtpProtocolError',
        code: 'ERR_FTP_LISTING_TOO_LARGE',
        retryable: false,
      })
      expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
    })
  },
)

test('mirrorDown: it fails, and nothing is deleted for it', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await endless(MANY)
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, { retry: BRISK })
    await writeFile(folder.at('kept'), '')
    await expect(ftp.mirrorDown('/tree', folder.path, { delete: true })).rejects.toMatchObject({
      code: 'ERR_FTP_LISTING_TOO_LARGE',
    })
    expect(await readdir(folder.path)).toEqual(['kept'])
  })
})

test('a line without an end, to a command of a session: given up, not waited for', async () => {
  await expectNoLeaks(async () => {
    await using server = await endless(MANY, {
      NLST: async (session: FakeSession) => {
        session.reply('150 Here it comes')
        const data = await session.openData()
        if ('refusal' in data) return session.reply(data.refusal)
        while (await data.write(Buffer.alloc(65_536, 'x')));
        session.reply('426 Cut')
      },
    })
    await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, { retry: BRISK })
    await expect(inSession((session) => session.nameList())(ftp)).rejects.toMatchObject({
      code: 'ERR_FTP_LISTING_TOO_LARGE',
    })
  })
})

function endless(lines: Lines, on: Parameters<typeof treeServer>[0]['on'] = {}) {
  return treeServer({
    files: { '/tree/file': Buffer.from('x') },
    unsupported: ['MLST', 'SIZE', 'MDTM'],
    on: {
      FEAT: (session) => session.reply('211-Features:', ' MLST type*;', '211 End'),
      MLSD: (session) => goOn(session, 'MLSD', lines),
      LIST: (session) => goOn(session, 'LIST', lines),
      NLST: (session) => goOn(session, 'NLST', lines),
      ...on,
    },
  })
}
