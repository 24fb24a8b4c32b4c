/** EPSV refused, its port dead or filtered, PASV that points elsewhere: tried shortly, remembered, never to a stranger. */
import { expect, test } from 'vitest'
import type { FakeFtpOptions, PassiveQuirk } from '../support/fake-ftp-server.ts'
import { foreignHost, namingPort, withoutBrackets } from '../support/scripted-server.ts'
import { eventsOf, fail, REMOTE, sent, succeed, type AttemptOptions } from './support/attempt.ts'

const SECURITIES = ['none', 'explicit', 'implicit'] as const
const DEAD: readonly (readonly [string, PassiveQuirk])[] = [
  ['EPSV refused by 500', { refused: '500 What?' }],
  ['EPSV refused by 522', { refused: '522 Network protocol not supported, use (1)' }],
  ['the port of EPSV closed', { port: 'closed' }],
  ['the port of EPSV filtered', { port: 'filtered' }],
]

test.each(DEAD.flatMap(([name, epsv]) => SECURITIES.map((security) => [name, security, epsv] as const)))(
  '%s, security %s: PASV, and EPSV not again',
  async (_name, security, epsv) => {
    const outcome = await succeed({
      server: { security, epsv },
      client: { timeouts: { connect: 300 } },
      download: { connections: 4 },
      after: async ({ server, client, folder }) => {
        const asked = sent(server, 'EPSV')
        await client.download(REMOTE, folder.at('second'), { connections: 4, minSegmentSize: 1_024 })
        expect(sent(server, 'EPSV')).toBe(asked)
      },
    })
    const { server } = outcome
    // In clear the first session finds out for all. Under TLS a dead port shows only behind the RETR.
    if (security === 'none') {
      expect(sent(server, 'EPSV')).toBeLessThanOrEqual(4)
      expect(eventsOf(outcome, 'retry')).toEqual([])
    }
    expect(sent(server, 'PASV')).toBeGreaterThanOrEqual(8)
  },
)

test('one session finds out, and nobody else asks for EPSV', async () => {
  const { server } = await succeed({ server: { epsv: { refused: '502 No' } }, download: { connections: 1 } })
  expect(sent(server, 'EPSV')).toBe(1)
})

test('EPSV works: PASV is never sent', async () => {
  const { server } = await succeed({ download: { connections: 4 } })
  expect(sent(server, 'PASV')).toBe(0)
})

const NAT: FakeFtpOptions = { epsv: { refused: '502 No' }, pasv: { words: foreignHost('192.0.2.1') } }

test('PASV that offers the address of another machine: data goes to the control host', async () => {
  for (const security of SECURITIES)
    await succeed({
      server: { ...NAT, security },
      client: { timeouts: { connect: 1_000 } },
      download: { connections: 2 },
    })
})

test('passiveHost "server" and functions: where they say', async () => {
  const offered: unknown[] = []
  await succeed({
    server: NAT,
    client: {
      passiveHost: (host, control) => {
        offered.push([host, control])
        return control
      },
    },
    download: { connections: 1 },
  })
  expect(offered).toEqual([['192.0.2.1', '127.0.0.1']])
  await succeed({
    server: { epsv: { refused: '502 No' } },
    client: { passiveHost: 'server' },
    download: { connections: 1 },
  })
})

test.each([25, 80, 1_023])(
  'port %i is refused: ERR_FTP_UNSAFE_HOST, and nobody connects there',
  async (port) => {
    for (const server of [
      { epsv: { words: namingPort(port) } },
      { epsv: { refused: '502 No' }, pasv: { words: namingPort(port) } },
    ]) {
      const { error } = await fail({ server, download: { connections: 1 } })
      expect(error).toMatchObject({ name: 'FtpProtocolError', code: 'ERR_FTP_UNSAFE_HOST', retryable: false })
      expect((error as Error).message).toContain(String(port))
    }
  },
)

test.each<readonly [string, FakeFtpOptions]>([
  ['a 227 without brackets', { epsv: { refused: '502 No' }, pasv: { words: withoutBrackets } }],
  ['a 227 in answer to EPSV', { epsv: { words: (_command, port) => withoutBrackets('PASV', port) } }],
  [
    'a 227 with =',
    {
      epsv: { refused: '502 No' },
      pasv: { words: (_command, port) => `227 =127,0,0,1,${port >> 8},${port & 255}` },
    },
  ],
])('%s', async (_name, server) => {
  await succeed({ server, download: { connections: 4 } })
})

test.each([
  ['no port in the 229', { epsv: { words: () => '229 Here you are' } }],
  // Port 1324, where nobody looks.
  ['a number above 255 in the 227', passive('227 (127,0,0,1,4,300)')],
  ['five numbers in the 227', passive('227 (127,0,0,1,200)')],
  ['no number in the 227', passive('227 Entering passive mode')],
  ['port 0 in the 229', { epsv: { words: namingPort(0) } }],
  ['port 0 in the 227', passive('227 (127,0,0,1,0,0)')],
  ['port 65536 in the 229', { epsv: { words: () => '229 (|||65536|)' } }],
  ['a port of twenty digits in the 229', { epsv: { words: () => `229 (|||${'9'.repeat(20)}|)` } }],
  ['another 2yz', { epsv: { words: () => '200 Fine' } }],
])('%s: ERR_FTP_MALFORMED_REPLY', async (_name, server) => {
  const { error } = await fail({ server, download: { connections: 1 } })
  expect(error).toMatchObject({ name: 'FtpProtocolError', code: 'ERR_FTP_MALFORMED_REPLY' })
})

test.each([
  ['closed', { code: 'ERR_FTP_DATA', name: 'FtpConnectionError' }],
  ['filtered', { code: 'ERR_FTP_TIMEOUT', name: 'FtpTimeoutError', phase: 'data-connect', afterMs: 200 }],
] as const)('every port %s: a typed error, by EPSV and PASV', async (port, expected) => {
  for (const security of ['none', 'explicit'] as const) {
    const { error, server } = await fail(deadPorts(port, security))
    expect(error).toMatchObject({ ...expected, retryable: true })
    expect((error as Error).message).toMatch(/data connection to 127\.0\.0\.1:\d+/)
    expect(sent(server, 'PASV')).toBeGreaterThan(0)
    // In clear it is known in time that the file could not arrive.
    if (security === 'none') expect(sent(server, 'RETR')).toBe(0)
  }
})

/** Only PASV, and those words. */
function passive(words: string): FakeFtpOptions {
  return { epsv: { refused: '502 No' }, pasv: { words: () => words } }
}

function deadPorts(port: 'closed' | 'filtered', security: 'none' | 'explicit'): AttemptOptions {
  return {
    server: { security, epsv: { port }, pasv: { port } },
    client: { timeouts: { connect: 200 }, retry: { attempts: 2, minDelay: 1 } },
    download: { connections: 1 },
  }
}

test('both refused: the reply is the error', async () => {
  const { error } = await fail({ server: { unsupported: ['EPSV', 'PASV'] }, download: { connections: 4 } })
  expect(error).toMatchObject({
    name: 'FtpReplyError',
    code: 'ERR_FTP_UNSUPPORTED',
    command: 'PASV',
    reply: { code: 502 },
  })
})

test('425 behind the RETR: another try', async () => {
  let refused = 0
  const { server } = await succeed({
    server: {
      on: {
        RETR: async (session, _argument, proceed) => {
          if (refused++ > 0) return proceed()
          session.dropData()
          session.reply('425 Cannot open data connection')
        },
      },
    },
    download: { connections: 1 },
  })
  expect(sent(server, 'RETR')).toBe(2)
})

test('IPv6: EPSV, and the data goes to the same address', async () => {
  await succeed({ server: { host: '::1' }, download: { connections: 4 } })
})
