/**
 * The server, or the way to it, is gone at any stage of a transfer: by FIN, by RST, or without a word. Once, and another
 * connection does it; every time, and there is a typed error that tells what was waited for.
 */
import { describe, expect, test } from 'vitest'
import type { FtpClientOptions } from '../../src/index.ts'
import type { FakeSession } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { CONTENT, fail, REMOTE, succeed } from './support/attempt.ts'
import { STAGES, STRIKES, struck, TLS_STAGES, type Strike, type Transfer } from './support/strike.ts'
import { failureOf, withClient } from './support/with-client.ts'

/** More than the systems between client and server have room for. */
const UPLOADED = randomBytes(16_000_000, 'uploaded')
const LISTED = Array.from({ length: 2_000 }, (_, index) => `type=file;size=${index}; file-${index}`)

const SECURITIES = ['none', 'explicit'] as const
const isFirst = ({ index }: FakeSession): boolean => index === 0
const isAny = (): boolean => true
const TIMEOUT_MS = 300

/** Where nothing is silent, a machine under load gets all the time that it needs to answer itself. */
function clientFor(how: Strike, attempts = 3): FtpClientOptions {
  const ms = how === 'silence' ? TIMEOUT_MS : 20_000
  const timeouts = { greeting: ms, reply: ms, tls: ms, data: ms, completion: ms }
  return { timeouts, maxConnections: 1, retry: { attempts, minDelay: 1, maxDelay: 1 } }
}

const isWorthStriking = (stage: string): boolean => ['EPSV', 'connect', '150', 'data', '226'].includes(stage)

const download: Transfer = {
  verb: 'RETR',
  move: async ({ restartOffset }, data, part) => {
    const end = part === 'all' ? CONTENT.length : 200_000
    if (end > restartOffset) await data.write(CONTENT.subarray(restartOffset, end))
  },
}

/** What is said to have been waited for. */
function phaseOf(stage: string, security: string): RegExp {
  switch (stage) {
    case 'greeting':
      return /^greeting$/
    case 'handshake':
      return /^tls$/
    case 'connect':
      // Under TLS the handshake and the answer to the command are waited for at the same time.
      return security === 'none' ? /^reply$/ : /^(reply|tls)$/
    case 'data':
      return /^data$/
    case '226':
      return /^completion$/
    default:
      return /^reply$/
  }
}

function expected(stage: string, how: Strike, security: string): object {
  if (how === 'silence') {
    const phase: unknown = expect.stringMatching(phaseOf(stage, security))
    return { name: 'FtpTimeoutError', code: 'ERR_FTP_TIMEOUT', phase, afterMs: TIMEOUT_MS, retryable: true }
  }
  switch (stage) {
    case 'greeting':
      return how === 'FIN' ? { code: 'ERR_FTP_CONNECT' } : { name: 'FtpConnectionError' }
    case 'handshake':
      return { name: 'FtpTlsError', code: 'ERR_FTP_TLS_HANDSHAKE', retryable: true }
    default:
      return { name: 'FtpConnectionError', code: 'ERR_FTP_CONTROL_CLOSED', retryable: true }
  }
}

describe.each(SECURITIES)('a download, security %s', (security) => {
  const stages = STAGES.filter((stage) => security !== 'none' || !TLS_STAGES.includes(stage))
  const cases = stages.flatMap((stage) => STRIKES.map((how) => [stage, how] as const))

  test.each(cases)('at %s by %s, once: another connection brings the file', async (stage, how) => {
    const { result } = await succeed({
      server: { security, ...struck(stage, how, download, isFirst) },
      client: clientFor(how),
      download: { connections: 1 },
    })
    expect(result.refetchedBytes).toBe(0)
  })

  // Behind the last byte nothing is missing: see `last-reply`.
  test.each(cases.filter(([stage]) => stage !== '226'))(
    'at %s by %s, every time: a typed error',
    async (stage, how) => {
      const { error } = await fail({
        server: { security, ...struck(stage, how, download, isAny) },
        client: clientFor(how, 2),
        download: { connections: 1 },
      })
      expect(error).toMatchObject(expected(stage, how, security))
    },
  )

  test.each(STRIKES)('behind the data by %s, every time, without SIZE: a typed error', async (how) => {
    const { error } = await fail({
      server: { security, unsupported: ['SIZE'], ...struck('226', how, download, isAny) },
      client: clientFor(how, 2),
    })
    expect(error).toMatchObject(expected('226', how, security))
  })
})

const upload: Transfer = {
  verb: 'STOR',
  move: async ({ server }, data, part) => {
    if (part === 'all') server.files.set(REMOTE, await data.readToEnd())
  },
}

const listing: Transfer = {
  verb: 'MLSD',
  move: async (_session, data, part) => {
    const lines = LISTED.map((line) => `${line}\r\n`).join('')
    await data.write(part === 'all' ? lines : lines.slice(0, 30_000))
  },
}

describe.each(SECURITIES)('an upload, security %s', (security) => {
  // What comes before is the same for all.
  const cases = STAGES.filter(isWorthStriking).flatMap((stage) => STRIKES.map((how) => [stage, how] as const))

  test.each(cases)('at %s by %s, once: another connection does it', async (stage, how) => {
    await withClient(
      { security, ...struck(stage, how, upload, isFirst) },
      clientFor(how),
      async (client, server) => {
        const result = await client.upload(UPLOADED, REMOTE)
        expect(result).toMatchObject({ bytes: UPLOADED.length, verified: { size: 'matched' } })
        expect(UPLOADED.equals(server.files.get(REMOTE) as Buffer)).toBe(true)
      },
    )
  })

  test.each(cases)(
    'at %s by %s, every time: a typed error, or the size says that it is there',
    async (stage, how) => {
      await withClient(
        { security, ...struck(stage, how, upload, isAny) },
        clientFor(how, 2),
        async (client, server) => {
          if (stage === '226') {
            await client.upload(UPLOADED, REMOTE)
            expect(UPLOADED.equals(server.files.get(REMOTE) as Buffer)).toBe(true)
            return
          }
          expect(await failureOf(client.upload(UPLOADED, REMOTE))).toMatchObject(
            expected(stage, how, security),
          )
          expect(CONTENT.equals(server.files.get(REMOTE) as Buffer)).toBe(true)
        },
      )
    },
  )
})

describe.each(SECURITIES)('a listing, security %s', (security) => {
  const cases = STAGES.filter(isWorthStriking).flatMap((stage) => STRIKES.map((how) => [stage, how] as const))

  test.each(cases)('at %s by %s, once: another connection brings it', async (stage, how) => {
    await withClient(
      { security, ...struck(stage, how, listing, isFirst) },
      clientFor(how),
      async (client) => {
        const entries = await client.listAll('/pub')
        expect(entries.map(({ name }) => name)).toEqual(LISTED.map((_line, index) => `file-${index}`))
      },
    )
  })

  test.each(cases)('at %s by %s, every time: a typed error, never a part of it', async (stage, how) => {
    await withClient(
      { security, ...struck(stage, how, listing, isAny) },
      clientFor(how, 2),
      async (client) => {
        expect(await failureOf(client.listAll('/pub'))).toMatchObject(expected(stage, how, security))
      },
    )
  })
})
