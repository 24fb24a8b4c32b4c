/**
 * A server that answers REST with 350 and begins somewhere else: the counts are right and the file is wrong.
 * The seams tell, or the end of the file does; then one connection fetches it all from 0.
 */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { patternFile } from '../support/pattern-file.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { attempt, CONTENT, eventsOf, REMOTE, SIZE, succeed, type Attempt } from './support/attempt.ts'

type Override = NonNullable<FakeFtpOptions['on']>[string]

const LIES: readonly (readonly [string, FakeFtpOptions])[] = [
  ['at 0', { restIgnored: true }],
  ['one byte too far', { restOffBy: 1 }],
  ['one byte too early', { restOffBy: -1 }],
  ['4 KiB too far', { restOffBy: 4_096 }],
  ['at the offset modulo a power of two', { restModulo: 2 ** 17 }],
]

test.each(LIES)('%s: 2, 4 or 8 connections end in the right file', async (_name, server) => {
  for (const connections of [2, 4, 8]) {
    const outcome = await succeed({ server, download: { connections } })
    expectBegunAnew(outcome)
    expect(outcome.result.verified).toMatchObject({ size: 'matched', modified: 'matched' })
  }
})

test.each(LIES)('%s, in a file of zeros, where no seam can tell', async (_name, server) => {
  const outcome = await succeed({ content: Buffer.alloc(SIZE), server, download: { connections: 4 } })
  expectBegunAnew(outcome)
})

test.each(LIES)('%s, when a transfer that broke goes on', async (_name, server) => {
  const fault: FakeFtpOptions['fault'] = ({ number }) =>
    number === 0 ? { kind: 'cut', afterBytes: 400_000, by: 'rst' } : undefined
  const outcome = await succeed({ server: { ...server, fault }, download: { connections: 1 } })
  expect(outcome.server.retrievals[1]?.offset).toBeGreaterThan(0)
  expectBegunAnew(outcome)
})

test.each([1, -1, 4_096, -4_096, 20_000, -1e9])(
  'one segment in the middle, %i bytes off: only its seams can tell',
  async (shift) => {
    for (const [size, connections] of [
      [SIZE, 4],
      [SIZE, 3],
      // Segments shorter than what is read past the end of each.
      [70_000, 64],
    ] as const) {
      const middle = (size / connections) * Math.floor(connections / 2)
      const outcome = await succeed({
        content: randomBytes(size, 'seams'),
        server: {
          on: {
            REST: async (session, argument, proceed) => {
              await proceed()
              const offset = Number(argument)
              if (Math.abs(offset - middle) < connections) session.restartOffset = Math.max(0, offset + shift)
            },
          },
        },
        client: { maxConnections: 64 },
        download: { connections },
      })
      // So short a one may have come from its neighbour before it began: on a busy machine a start takes long.
      const isAsked = size === SIZE || eventsOf(outcome, 'restart').length > 0
      if (isAsked) expect(eventsOf(outcome, 'restart')).toMatchObject([{ start: 0, end: size }])
      // The connection whose bytes complete the comparison has done nothing wrong.
      expect(eventsOf(outcome, 'connection').filter(({ type }) => type === 'lost')).toEqual([])
    }
  },
)

test('it is remembered: the next file of that server comes by one connection, and once', async () => {
  await succeed({
    server: { restIgnored: true },
    download: { connections: 4 },
    after: async ({ client, folder, server }) => {
      const before = server.retrievals.length
      for (const name of ['second', 'third']) {
        const result = await client.download(REMOTE, folder.at(name), {
          connections: 4,
          minSegmentSize: 1_024,
        })
        expect(result).toMatchObject({ bytes: SIZE, connections: 1, refetchedBytes: 0 })
        expect((await readFile(folder.at(name))).equals(CONTENT)).toBe(true)
      }
      expect(server.retrievals.slice(before)).toMatchObject([{ offset: 0 }, { offset: 0 }])
    },
  })
})

test.each([
  [7, '426 Quota of this connection reached', 1],
  [-7, '426 Quota of this connection reached', 1],
  [0, '426 Quota of this connection reached', 0],
  [7, '226 Done', 1],
  [-7, '226 Done', 1],
])(
  'the middle one of three, %i bytes off, and each ends right behind its segment (%s): its seams are looked at',
  async (shift, reply, restarts) => {
    const content = randomBytes(300_000, 'seams')
    const outcome = await succeed({
      content,
      server: { on: { RETR: endingBehind(100_000, { content, shift, reply }) } },
      client: { retry: { attempts: 5, minDelay: 1, maxDelay: 1 } },
      download: { connections: 3 },
    })
    expect(eventsOf(outcome, 'restart')).toHaveLength(restarts)
  },
)

test('64 segments shorter than what is read past the end of each, and no lie', async () => {
  const outcome = await succeed({
    content: randomBytes(70_000, 'seams'),
    client: { maxConnections: 64 },
    download: { connections: 64 },
  })
  expect(eventsOf(outcome, 'restart')).toEqual([])
  expect(outcome.server.retrievals.length).toBeGreaterThan(1)
})

test.each([
  ['2 GiB', 2 ** 31, 2 ** 31 + 2 ** 26],
  ['4 GiB', 2 ** 32, 2 ** 32 + 2 ** 27],
])(
  'an offset that wraps at %s is noticed at the end of the file',
  { timeout: 20_000 },
  async (_name, restModulo, size) => {
    // Only the last of 64 segments lies wholly behind the wrap, and only it is let run.
    const lastStart = Math.floor((size / 64) * 63)
    expect(lastStart).toBeGreaterThan(restModulo)
    const seen = new Error('seen')
    const outcome = await attempt({
      content: patternFile(size),
      server: {
        restModulo,
        fault: ({ offset }) => (offset < lastStart ? { kind: 'stall', afterBytes: 0 } : undefined),
      },
      client: { maxConnections: 64 },
      download: { connections: 64 },
      during: (transfer) => void transfer.on('restart', () => transfer.cancel(seen)),
    })
    expect(outcome.error).toBe(seen)
    expect(eventsOf(outcome, 'restart')).toMatchObject([{ start: 0, end: size }])
    expect(outcome.server.retrievals.some(({ offset }) => offset === lastStart)).toBe(true)
  },
)

/** Told once, all that had come given up, and fetched by one connection from 0. */
function expectBegunAnew(outcome: Attempt): void {
  const [restart, ...more] = eventsOf(outcome, 'restart')
  expect(more).toEqual([])
  expect(restart).toMatchObject({ start: 0, end: SIZE })
  expect(restart?.reason).toMatch(/byte|more came/)
  expect(outcome.result?.refetchedBytes).toBeGreaterThan(0)
  expect(outcome.server.retrievals.at(-1)).toMatchObject({ offset: 0, outcome: 'complete', bytesSent: SIZE })
}

interface Ending {
  readonly content: Buffer
  /** How many bytes too far the second segment begins. */
  readonly shift: number
  readonly reply: string
}

/** RETR that ends after so many bytes the first time that an offset is asked for, and not again. */
function endingBehind(bytes: number, { content, shift, reply }: Ending): Override {
  const asked = new Set<number>()
  return async (session, _argument, proceed) => {
    const offset = session.restartOffset
    const start = offset === bytes ? offset + shift : offset
    session.restartOffset = start
    if (asked.has(offset) || offset % bytes !== 0) return proceed()
    asked.add(offset)
    session.restartOffset = 0
    session.reply('150 Here it comes')
    const data = await session.openData()
    if ('refusal' in data) return session.reply(data.refusal)
    await data.write(content.subarray(start, start + bytes))
    await data.end()
    session.reply(start + bytes >= content.length ? '226 Done' : reply)
  }
}
