/**
 * Replies, lines and greetings that never end, fast or by a steady drip: a typed error within the deadline, and never
 * more in memory than a reply may have.
 */
import { describe, expect, test } from 'vitest'
import type { FakeFtpOptions, FakeSession, Override } from '../support/fake-ftp-server.ts'
import { CONTENT, fail, type AttemptOptions } from './support/attempt.ts'
import { sending } from './support/confirmed.ts'

const MEBIBYTE = 2 ** 20
/** More than the systems between have room for of what nobody takes. */
const ROOM_BYTES = 32 * MEBIBYTE
const DRIP_MS = 20
/** Far behind every deadline: what still waits then has none. */
const MOST_DRIPS = 200

/** One attempt, and deadlines of which the drip keeps well within the shortest. */
const CLIENT: AttemptOptions['client'] = {
  timeouts: { greeting: 300, reply: 300, completion: 300, data: 300 },
  retry: { attempts: 1 },
}

/** Where a server begins with what does not end; the rest of its dialogue is as it should be. */
const PLACES: readonly (readonly [string, (endless: Override) => FakeFtpOptions])[] = [
  ['for a greeting', (endless) => ({ greet: endless })],
  ['to USER', (endless) => ({ on: { USER: endless } })],
  ['to FEAT', (endless) => ({ on: { FEAT: endless } })],
  ['to SIZE', (endless) => ({ on: { SIZE: endless } })],
  ['to EPSV', (endless) => ({ on: { EPSV: endless } })],
  ['to RETR', (endless) => ({ on: { RETR: endless } })],
  [
    'behind the data, without SIZE',
    (endless) => ({ unsupported: ['SIZE'], on: { RETR: behindTheData(endless) } }),
  ],
]

function behindTheData(endless: Override): Override {
  const data = sending(CONTENT, 'never')
  return async (session, argument, proceed) => {
    await data(session, argument, proceed)
    await endless(session, argument, proceed)
  }
}

/** Sends `first`, and `again` until the client has gone, or should have. */
function dripping(first: string, again: string): Override {
  return async (session) => {
    session.control.send(first)
    let drips = 0
    await untilGone(session, async () => {
      session.control.send(again)
      await session.control.delay(DRIP_MS)
      drips += 1
      return drips < MOST_DRIPS
    })
    await session.end()
  }
}

/** The same as fast as it is taken, up to a gibibyte. Tells how much has gone out. */
function streaming(first: string, again: string, told: (bytes: number) => void): Override {
  const piece = again.repeat(Math.ceil(65_536 / again.length))
  return async (session) => {
    session.control.send(first)
    let bytes = 0
    await untilGone(session, async () => {
      session.control.send(piece)
      await session.control.flushed()
      await session.control.delay(0)
      bytes += piece.length
      told(bytes)
      return bytes < 1_024 * MEBIBYTE
    })
  }
}

/** Acts until the client has gone, or as long as `act` wants to go on. */
async function untilGone(session: FakeSession, act: () => Promise<boolean>): Promise<void> {
  const gone = { isGone: false }
  void session.control.closed.then(() => (gone.isGone = true))
  while (!gone.isGone && (await act()));
}

describe.each(PLACES)('%s', (_place, server) => {
  test.each([
    ['a reply of several lines', '211-It goes on\r\n', ' and on\r\n'],
    ['a line', '220 It goes on', ' and on'],
    ['blank lines', '\r\n', '\r\n'],
  ])('%s, by a steady drip: the deadline holds', async (_what, first, again) => {
    const { error } = await fail({ server: server(dripping(first, again)), client: CLIENT })
    expect(error).toMatchObject({ name: 'FtpTimeoutError', code: 'ERR_FTP_TIMEOUT', afterMs: 300 })
  })

  test.each([
    ['a line of a gigabyte', '211-', 'x'],
    ['a line of a gigabyte in a reply that has begun', '211-Fine\r\n', 'x'],
    ['a million lines', '211-Fine\r\n', ' x\r\n'],
    ['a million empty lines in a reply', '211-Fine\r\n', '\r\n'],
  ])('%s: ERR_FTP_REPLY_TOO_LONG, and little is taken', async (_what, first, again) => {
    let sentBytes = 0
    const { error } = await fail({
      server: server(streaming(first, again, (bytes) => (sentBytes = bytes))),
      client: CLIENT,
    })
    expect(error).toMatchObject({ name: 'FtpProtocolError', code: 'ERR_FTP_REPLY_TOO_LONG' })
    expect(sentBytes).toBeLessThan(ROOM_BYTES)
  })
})

// A greeting is 120 or 220.
describe.each(PLACES.slice(1))('%s', (_place, server) => {
  test('"wait", by a steady drip: one deadline for all of them', async () => {
    const { error } = await fail({ server: server(dripping('150 Wait\r\n', '150 Wait\r\n')), client: CLIENT })
    expect(error).toMatchObject({ name: 'FtpTimeoutError', code: 'ERR_FTP_TIMEOUT', afterMs: 300 })
  })
})

test('120, by a steady drip: one deadline for all of them', async () => {
  const greet = dripping('120 Ready in 1 minute\r\n', '120 Ready in 1 minute\r\n')
  const { error } = await fail({ server: { greet }, client: CLIENT })
  expect(error).toMatchObject({ name: 'FtpTimeoutError', phase: 'greeting', afterMs: 300 })
})
