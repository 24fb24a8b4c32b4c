/** The server connects to us: PORT and EPRT, ports of a range, strangers turned away, nobody at all. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { FakeFtpOptions, FakeSession } from '../support/fake-ftp-server.ts'
import type { ActiveData } from '../support/scripted-server.ts'
import { CONTENT, fail, sent, succeed } from './support/attempt.ts'

const ACTIVE = { mode: 'active' } as const

test.each(['none', 'explicit', 'implicit'] as const)('PORT, security %s', async (security) => {
  for (const connections of [1, 4]) {
    const { server, result } = await succeed({
      server: { security },
      client: ACTIVE,
      download: { connections },
    })
    expect(sent(server, 'PORT')).toBe(server.retrievals.length)
    expect(sent(server, 'EPSV') + sent(server, 'PASV')).toBe(0)
    if (security !== 'none') expect(result.tls?.dataSessionsReused).toBe(server.retrievals.length)
  }
})

test('EPRT over IPv6', async () => {
  const { server } = await succeed({ server: { host: '::1' }, client: ACTIVE, download: { connections: 2 } })
  expect(sent(server, 'EPRT')).toBe(2)
  expect(server.commands.flat().find((line) => line.startsWith('EPRT'))).toMatch(/^EPRT \|2\|::1\|\d+\|$/)
})

test('PORT refused: EPRT', async () => {
  const { server } = await succeed({
    server: { unsupported: ['PORT'] },
    client: ACTIVE,
    download: { connections: 1 },
  })
  expect(server.commands.flat().find((line) => line.startsWith('EPRT'))).toMatch(
    /^EPRT \|1\|127\.0\.0\.1\|\d+\|$/,
  )
})

test('both refused', async () => {
  const { error } = await fail({
    server: { unsupported: ['PORT', 'EPRT'] },
    client: ACTIVE,
    download: { connections: 1 },
  })
  expect(error).toMatchObject({
    name: 'FtpReplyError',
    code: 'ERR_FTP_UNSUPPORTED',
    command: expect.stringMatching(/^EPRT /) as unknown,
  })
})

test('ports of a range, and the address that is told', async () => {
  const { server } = await succeed({
    client: { mode: 'active', active: { address: '127.0.0.1', ports: [42_100, 42_140] } },
    download: { connections: 4 },
  })
  const ports = server.commands
    .flat()
    .filter((line) => line.startsWith('PORT'))
    .map(portOf)
  expect(ports).toHaveLength(4)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(42_100)
    expect(port).toBeLessThanOrEqual(42_140)
  }
})

test('no port of the range is free: ERR_FTP_DATA', async () => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  try {
    const { error } = await fail({
      client: { mode: 'active', active: { ports: [port, port] } },
      download: { connections: 1 },
    })
    expect(error).toMatchObject({ name: 'FtpConnectionError', code: 'ERR_FTP_DATA' })
    expect((error as Error).message).toContain(String(port))
  } finally {
    holder.close()
  }
})

test('a stranger who knocks first is turned away, and the server is let in behind him', async () => {
  const strangers: string[] = []
  const on: FakeFtpOptions['on'] = {
    PORT: async (_session, argument, proceed) => {
      const stranger = connect({ host: '127.0.0.1', port: portOf(argument), localAddress: '127.0.0.2' })
      stranger.on('error', () => {})
      let got = ''
      stranger.on('data', (chunk) => (got += String(chunk)))
      stranger.write('not the file you are waiting for')
      await once(stranger, 'close')
      strangers.push(got)
      await proceed()
    },
  }
  await succeed({ server: { on }, client: ACTIVE, download: { connections: 2 } })
  expect(strangers).toEqual(['', ''])
})

test('a server that connects at once, before it has answered PORT', async () => {
  const waiting = new Map<FakeSession, ActiveData>()
  const on: FakeFtpOptions['on'] = {
    PORT: async (session, argument) => {
      const active = session.control.answerActive(`PORT ${argument}`)
      await active.connect()
      waiting.set(session, active)
      await session.control.delay(30)
      session.reply('200 I am there already')
    },
    RETR: async (session) => {
      const active = waiting.get(session)
      session.reply('125 Already open')
      await active?.data.write(CONTENT.subarray(session.restartOffset))
      await active?.data.end()
      session.restartOffset = 0
      session.reply('226 Done')
    },
  }
  await succeed({ server: { on }, client: ACTIVE, download: { connections: 2 } })
})

test('RETR refused behind a PORT: the listener goes with it', async () => {
  const on: FakeFtpOptions['on'] = { RETR: (session) => session.reply('550 Permission denied') }
  const { error } = await fail({ server: { on }, client: ACTIVE, download: { connections: 2 } })
  expect(error).toMatchObject({ code: 'ERR_FTP_NOT_PERMITTED' })
})

test('nobody comes: ERR_FTP_TIMEOUT, phase data-connect', async () => {
  const on: FakeFtpOptions['on'] = { RETR: (session) => session.reply('150 Coming') }
  const { error } = await fail({
    server: { on },
    client: { mode: 'active', timeouts: { connect: 150 } },
    download: { connections: 1 },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'data-connect', afterMs: 150 })
})

test('425 from a server that cannot reach us: its words', async () => {
  const on: FakeFtpOptions['on'] = { RETR: (session) => session.reply('425 No route to you') }
  const { error } = await fail({ server: { on }, client: ACTIVE, download: { connections: 1 } })
  expect(error).toMatchObject({ name: 'FtpReplyError', reply: { code: 425 } })
})

function portOf(command: string): number {
  const [high = 0, low = 0] = command.split(',').slice(-2).map(Number)
  return high * 256 + low
}
