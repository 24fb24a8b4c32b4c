/**
 * The clock of this machine is set by hours while we run, and stands still otherwise: nothing hangs, nothing is taken
 * for dead or done, and nothing is transferred again.
 */
import { appendFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { clearLeftover } from '../../src/local/leftover.ts'
import { lockPath, partPath } from '../../src/local/names.ts'
import { treeServer } from '../mirror/support/tree-server.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { clientOptions, REMOTE, sent, serving, succeed } from './support/attempt.ts'

const HOUR_MS = 3_600_000
const JUMPS = [6 * HOUR_MS, -6 * HOUR_MS, 30 * 24 * HOUR_MS]
const SIZE = 6_000_000
const CONTENT = randomBytes(SIZE, 'clock')

// The monotonic clock and the timers are the real ones: no setting moves them.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})

afterEach(() => {
  vi.useRealTimers()
})

function jump(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

describe.each(JUMPS)('by %i ms', (ms) => {
  test('during a download with a journal, under a limit: nothing is fetched twice', async () => {
    const { result, server, events } = await succeed({
      content: CONTENT,
      client: { bytesPerSecond: 4_000_000, timeouts: { data: 5_000, reply: 5_000 } },
      download: { connections: 4 },
      during: (transfer) => {
        transfer.on('progress', ({ bytes }) => {
          if (bytes > 500_000) jump(ms / 10)
        })
      },
    })
    expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
    // By the clock that is not set: six megabytes at four a second.
    expect(result.elapsedSeconds).toBeGreaterThan(0.5)
    expect(result.elapsedSeconds).toBeLessThan(20)
    const names = events.map(({ name }) => name)
    for (const name of ['retry', 'restart'] as const) expect(names).not.toContain(name)
    expect(server.logins).toHaveLength(4)
  })

  test('between two runs: the second goes on', async () => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      await using server = await fakeFtpServer(serving(CONTENT, { bytesPerSecond: 2_000_000 }))
      await using client = new FtpClient(await clientOptions(server))
      const first = client.download(REMOTE, folder.at('file'), { connections: 2, keepPartial: true })
      first.on('progress', ({ bytes }) => {
        if (bytes > SIZE / 2) first.cancel(new Error('half'))
      })
      await expect(first).rejects.toThrow('half')
      jump(ms)
      server.options.bytesPerSecond = 100_000_000
      const second = await client.download(REMOTE, folder.at('file'), { connections: 2 })
      expect(second.resumedBytes).toBeGreaterThan(SIZE / 3)
    })
  })

  test('while a session is idle: it is asked whether it is there, and kept', async () => {
    await expectNoLeaks(async () => {
      await using server = await fakeFtpServer(serving(CONTENT))
      await using client = new FtpClient(await clientOptions(server))
      for (let call = 0; call < 3; call++) {
        expect(await client.size(REMOTE)).toBe(SIZE)
        jump(ms)
      }
      expect(server.logins).toHaveLength(1)
      expect(sent(server, 'NOOP')).toBe(ms > 0 ? 2 : 0)
    })
  })

  test('while another process holds the lock: it is not taken for dead', async () => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      await using server = await fakeFtpServer(serving(CONTENT))
      await using client = new FtpClient(await clientOptions(server))
      const path = lockPath(folder.at('file'))
      let count = 0
      const beat = (): Promise<void> => {
        const lock = { octoftpLock: 1, count: String(count++).padStart(12, '0'), token: 'f'.repeat(32) }
        return writeFile(path, `${JSON.stringify(lock)}\n`, { mode: 0o600 })
      }
      await beat()
      const download = client.download(REMOTE, folder.at('file'))
      const outcome = download.catch((error: unknown) => error)
      // One beat in two seconds, as ever; the clock is set at every look at it.
      const tickers = [setInterval(() => void beat(), 2_000), setInterval(() => jump(ms), 100)]
      expect(await outcome).toMatchObject({
        code: 'ERR_FTP_LOCAL_FILE',
        message: expect.stringMatching(/another process is writing it/) as unknown,
      })
      tickers.forEach(clearInterval)
    })
  })
})

test('by hours, while another process writes the same small file: its temporary name is not taken away', async () => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    const path = partPath(folder.at('a'))
    await writeFile(path, 'theirs')
    const ticker = setInterval(() => appendFileSync(path, 'x'), 50)
    jump(6 * HOUR_MS)
    const taken = clearLeftover(folder.at('a'), new AbortController().signal)
    await expect(taken).rejects.toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    clearInterval(ticker)
    expect(await readFile(path, 'utf8')).toMatch(/^theirsx+$/)
  })
})

test.each([6 * HOUR_MS, -6 * HOUR_MS])(
  'by %i ms between two mirrors, of times that LIST tells without a year: nothing is transferred again',
  async (ms) => {
    await expectNoLeaks(async () => {
      await using folder = await temporaryDirectory()
      await using server = await treeServer({ files: { '/tree/a': Buffer.from('a') }, ...byListOfToday() })
      await using client = new FtpClient(`ftp://${server.host}:${server.port}`)
      expect(await client.mirrorDown('/tree', folder.path)).toMatchObject({ transferred: 1, failures: [] })
      jump(ms)
      expect(await client.mirrorDown('/tree', folder.path)).toMatchObject({ transferred: 0, equal: 1 })
    })
  },
)

/** One file of a minute ago, as `ls` prints it, in UTC. */
function byListOfToday(): Parameters<typeof treeServer>[0] {
  const [, day = '', month = '', , time = ''] = new Date(Date.now() - 60_000).toUTCString().split(' ')
  const line = `-rw-r--r-- 1 a a 1 ${month} ${day} ${time.slice(0, 5)} a`
  return {
    unsupported: ['MLST', 'MLSD', 'MDTM'],
    on: {
      LIST: async (session) => {
        session.reply('150 Here it comes')
        const data = await session.openData()
        if ('refusal' in data) return session.reply(data.refusal)
        await data.write(`${line}\r\n`)
        await data.end()
        session.reply('226 Done')
      },
    },
  }
}
