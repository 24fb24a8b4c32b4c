import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { certificate } from './certificates.ts'
import { fakeFtpServer } from './fake-ftp-server.ts'
import type { AfterCut, Completion, FakeFtpOptions, FakeFtpServer } from './fake-ftp-server.ts'
import { expectNoLeaks } from './leaks.ts'
import { patternFile } from './pattern-file.ts'
import { RawClient, portIn } from './raw-client.ts'
import { foreignHost } from './scripted-server.ts'

const FILE = patternFile(300_000, 'fake')
const BYTES = FILE.content(0, FILE.size)

async function serve(options: FakeFtpOptions = {}): Promise<FakeFtpServer> {
  return fakeFtpServer({ files: { '/pub/a.bin': FILE, '/small.txt': Buffer.from('small') }, ...options })
}

async function login(server: FakeFtpServer, user = 'octo'): Promise<RawClient> {
  const client = await RawClient.connect(server.port)
  await client.line()
  await client.ask(`USER ${user}`)
  expect(await client.ask('PASS secret')).toMatch(/^230 /)
  return client
}

/** The data of a RETR and the replies from the 150 on. */
async function retrieve(
  client: RawClient,
  path: string,
  rest = 0,
): Promise<{ data: RawClient; bytes: Buffer }> {
  const data = await RawClient.connect(portIn(await client.ask('EPSV')))
  if (rest > 0) expect(await client.ask(`REST ${rest}`)).toMatch(/^350 /)
  client.send(`RETR ${path}`)
  return { data, bytes: await data.readToEnd() }
}

async function authTls(client: RawClient): Promise<void> {
  const { ca } = await certificate()
  await client.line()
  await client.ask('AUTH TLS')
  await client.startTls({ ca })
  for (const command of ['PBSZ 0', 'PROT P', 'USER octo', 'PASS x']) await client.ask(command)
}

describe('by default it behaves', () => {
  test('facts about files', async () => {
    await using server = await serve()
    const client = await login(server)
    expect(await client.ask('SIZE /pub/a.bin')).toBe('213 300000')
    expect(await client.ask('MDTM /pub/a.bin')).toBe('213 20240229123456')
    expect(await client.ask('CWD pub')).toMatch(/^250 /)
    expect(await client.ask('PWD')).toMatch(/^257 "\/pub" /)
    expect(await client.ask('SIZE a.bin')).toBe('213 300000')
    expect(await client.ask('SIZE /pub')).toMatch(/^550 .*regular/)
    expect(await client.ask('SIZE none')).toMatch(/^550 none: No such file/)
    expect(await client.ask('BOGUS')).toMatch(/^502 /)
    expect(await client.ask('MLST /small.txt')).toMatch(/^250-/)
    expect(await client.line()).toBe(' size=5;modify=20240229123456;type=file; /small.txt')
    expect(server.logins).toEqual([{ connection: 0, user: 'octo', accepted: true }])
  })

  test('RETR whole, and from an offset', async () => {
    await using server = await serve()
    const client = await login(server)
    expect((await retrieve(client, '/pub/a.bin')).bytes.equals(BYTES)).toBe(true)
    expect([await client.line(), await client.line()].map((line) => line.slice(0, 3))).toEqual(['150', '226'])
    const { bytes } = await retrieve(client, '/pub/a.bin', 123_457)
    expect(bytes.equals(BYTES.subarray(123_457))).toBe(true)
    expect(server.retrievals).toMatchObject([
      { number: 0, offset: 0, start: 0, bytesSent: 300_000, outcome: 'complete' },
      { number: 1, offset: 123_457, start: 123_457, bytesSent: 176_543, outcome: 'complete' },
    ])
  })

  test('RETR of nothing, of a directory, and without a data connection', async () => {
    await using server = await serve()
    const client = await login(server)
    await client.ask('EPSV')
    expect(await client.ask('RETR none')).toMatch(/^550 none: No such file/)
    expect(await client.ask('RETR /pub')).toMatch(/^550 .*regular/)
    expect(await client.ask('RETR /small.txt')).toMatch(/^425 /)
  })

  test('active mode', async () => {
    await using server = await serve()
    const client = await login(server)
    await using sink = await serve({ greeting: null })
    const port = sink.port
    expect(await client.ask(`EPRT |1|127.0.0.1|${port}|`)).toMatch(/^200 /)
    expect(await client.ask('RETR /small.txt')).toMatch(/^150 /)
    expect(await client.line()).toMatch(/^226 /)
    expect(server.retrievals).toMatchObject([{ outcome: 'complete', bytesSent: 5 }])
  })

  test('needs a login, and the right password', async () => {
    await using server = await serve({ users: { octo: 'secret' } })
    const client = await RawClient.connect(server.port)
    await client.line()
    expect(await client.ask('SIZE /small.txt')).toMatch(/^530 /)
    await client.ask('USER octo')
    expect(await client.ask('PASS wrong')).toMatch(/^530 /)
    await client.ask('USER constructor')
    expect(await client.ask('PASS secret')).toMatch(/^530 /)
    await client.ask('USER octo')
    expect(await client.ask('PASS secret')).toMatch(/^230 /)
    expect(server.logins.map((login) => login.accepted)).toEqual([false, false, true])
  })

  test('counts its control connections', async () => {
    await using server = await serve()
    const clients = [await login(server), await login(server)]
    expect(server.openControlConnections).toBe(2)
    expect(await clients[0]?.ask('QUIT')).toMatch(/^221 /)
    clients[0]?.close()
    await expect.poll(() => server.openControlConnections).toBe(1)
    expect(server.maxControlConnections).toBe(2)
    expect(server.commands).toEqual([
      ['USER octo', 'PASS secret', 'QUIT'],
      ['USER octo', 'PASS secret'],
    ])
  })
})

describe('TLS', () => {
  const fetch = async (client: RawClient, session?: Buffer): Promise<RawClient> => {
    const data = await RawClient.connect(portIn(await client.ask('EPSV')))
    client.send('RETR /small.txt')
    const { ca } = await certificate()
    await data.startTls({ ca, ...(session && { session }) }).catch(() => undefined)
    await data.readToEnd()
    await client.line()
    return data
  }

  test('records whether a data connection resumed', async () => {
    await using server = await serve()
    const client = await RawClient.connect(server.port)
    await authTls(client)
    const [session] = client.sessions
    expect((await fetch(client, session)).chunks.join('')).toBe('small')
    expect(await client.line()).toMatch(/^226 /)
    await fetch(client)
    expect(server.dataConnections.map((data) => data.reused)).toEqual([true, false])
  })

  test('can require reuse, and single use of a ticket', async () => {
    await using server = await serve({ requireReuse: true, singleUseTickets: true })
    const client = await RawClient.connect(server.port)
    await authTls(client)
    const [one, two] = client.sessions
    await fetch(client, one)
    expect(await client.line()).toMatch(/^226 /)
    await fetch(client, one)
    expect(await client.line()).toMatch(/^522 .*used before/)
    await fetch(client, two)
    expect(await client.line()).toMatch(/^226 /)
    await fetch(client)
    expect(await client.line()).toMatch(/^522 .*reuse required/)
  })

  test('can forget its tickets', async () => {
    await using server = await serve({ ticketsForgottenAfter: 1 })
    const client = await RawClient.connect(server.port)
    await authTls(client)
    for (const session of client.sessions.slice(0, 2)) {
      await fetch(client, session)
      await client.line()
    }
    expect(server.dataConnections.map((data) => data.reused)).toEqual([true, false])
  })

  test('can refuse AUTH and PROT, and inject behind the 234', async () => {
    await using none = await serve({ security: 'none' })
    const client = await RawClient.connect(none.port)
    await client.line()
    expect(await client.ask('AUTH TLS')).toMatch(/^502 /)
    await using injecting = await serve({ injectedBehindAuth: '220 evil\r\n' })
    const other = await RawClient.connect(injecting.port)
    await other.line()
    other.send('AUTH TLS')
    expect([await other.line(), await other.line()]).toEqual(['234 AUTH TLS successful', '220 evil'])
  })

  test('implicit', async () => {
    await using server = await serve({ security: 'implicit' })
    const client = await RawClient.connect(server.port)
    const { ca } = await certificate()
    await client.startTls({ ca })
    expect(await client.line()).toBe('220 Ready')
  })
})

describe('it misbehaves', () => {
  test.each<[string, FakeFtpOptions, number, number]>([
    ['ignores REST', { restIgnored: true }, 1_000, 0],
    ['restarts off by one', { restOffBy: 1 }, 1_000, 1_001],
    ['wraps offsets', { restModulo: 4_096 }, 5_000, 904],
  ])('%s', async (_name, options, offset, start) => {
    await using server = await serve(options)
    const client = await login(server)
    const { bytes } = await retrieve(client, '/pub/a.bin', offset)
    expect(bytes.equals(BYTES.subarray(start))).toBe(true)
    expect(server.retrievals).toMatchObject([{ offset, start }])
  })

  test('lacks verbs, in FEAT too; lies about sizes; changes dates', async () => {
    await using server = await serve({
      unsupported: ['REST', 'MLST'],
      sizeTold: (_path, size) => size + 1,
      modified: (_path, timesAsked) => new Date(Date.UTC(2025, 0, 1 + timesAsked)),
    })
    const client = await login(server)
    expect(await client.ask('REST 1')).toMatch(/^502 /)
    expect(await client.ask('SIZE /small.txt')).toBe('213 6')
    expect(await client.ask('MDTM /small.txt')).toBe('213 20250101000000')
    expect(await client.ask('MDTM /small.txt')).toBe('213 20250102000000')
    client.send('FEAT')
    const lines: string[] = []
    while (lines.at(-1) !== '211 End') lines.push(await client.line())
    expect(lines).toContain(' SIZE')
    expect(lines.join()).not.toMatch(/REST|MLST/)
  })

  test('has a verb replaced, or delayed', async () => {
    await using server = await serve({
      on: {
        SIZE: (session, argument) => session.reply(`213 ${argument.length}`),
        RETR: async (session, _argument, proceed) => {
          session.reply('125 before it')
          await proceed()
        },
      },
    })
    const client = await login(server)
    expect(await client.ask('SIZE abc')).toBe('213 3')
    await retrieve(client, '/small.txt')
    expect(await client.line()).toBe('125 before it')
    expect(await client.line()).toMatch(/^150 /)
  })

  test('learns a verb it does not have: an upload', async () => {
    const stored: string[] = []
    await using server = await serve({
      on: {
        STOR: async (session) => {
          session.reply('150 go on')
          const data = await session.openData()
          if ('refusal' in data) return session.reply(data.refusal)
          stored.push((await data.readToEnd()).toString())
          session.reply('226 stored')
        },
      },
    })
    const client = await login(server)
    const data = await RawClient.connect(portIn(await client.ask('EPSV')))
    expect(await client.ask('STOR new')).toBe('150 go on')
    data.socket.end('content')
    expect(await client.line()).toBe('226 stored')
    expect(stored).toEqual(['content'])
  })

  test('a slip in an override is told at the end', async () => {
    const server = await serve({
      on: {
        NOOP: () => {
          throw new Error('a slip')
        },
      },
    })
    const client = await login(server)
    client.send('NOOP')
    await client.readToEnd()
    await expect(server.close()).rejects.toThrow('a slip')
  })

  test.each<[Completion, string[]]>([
    ['proper', ['150', '226', '200']],
    ['without 150', ['226', '200']],
    ['never', ['150', '200']],
  ])('completion %s', async (completion, codes) => {
    await using server = await serve({ completion })
    const client = await login(server)
    expect((await retrieve(client, '/pub/a.bin')).bytes.equals(BYTES)).toBe(true)
    client.send('NOOP')
    const got: string[] = []
    while (got.at(-1) !== '200') got.push((await client.line()).slice(0, 3))
    expect(got).toEqual(codes)
  })

  test.each<Completion>(['before data', 'early'])(
    'completion %s: 226 while bytes are still to come',
    async (completion) => {
      await using server = await serve({ completion, bytesPerSecond: 600_000 })
      const client = await login(server)
      const fetched = retrieve(client, '/pub/a.bin')
      await expect.poll(() => Buffer.concat(client.chunks).toString()).toContain('226 ')
      expect(server.retrievals[0]?.outcome).toBe('running')
      expect((await fetched).bytes.equals(BYTES)).toBe(true)
    },
  )

  test.each(['fin', 'rst'] as const)('cuts the data after n bytes by %s', async (by) => {
    await using server = await serve({ fault: { kind: 'cut', afterBytes: 100_001, by, reply: '226 fine' } })
    const client = await login(server)
    const { data, bytes } = await retrieve(client, '/pub/a.bin')
    expect(bytes.equals(BYTES.subarray(0, 100_001))).toBe(true)
    expect(data.error?.code).toBe(by === 'rst' ? 'ECONNRESET' : undefined)
    await client.line()
    expect(await client.line()).toBe('226 fine')
    expect(server.retrievals).toMatchObject([{ bytesSent: 100_001, outcome: 'cut by the server' }])
  })

  test('only the transfer that is chosen', async () => {
    await using server = await serve({
      fault: ({ number }) => (number === 0 ? { kind: 'cut', afterBytes: 10, by: 'fin' } : undefined),
    })
    const client = await login(server)
    expect((await retrieve(client, '/pub/a.bin')).bytes).toHaveLength(10)
    await client.line()
    expect(await client.line()).toMatch(/^426 /)
    expect((await retrieve(client, '/pub/a.bin')).bytes).toHaveLength(300_000)
  })

  test('stalls for a time, and for ever', async () => {
    await using server = await serve({
      fault: ({ number }) => ({ kind: 'stall', afterBytes: 7, ...(number === 0 && { forMs: 30 }) }),
    })
    const client = await login(server)
    expect((await retrieve(client, '/pub/a.bin')).bytes.equals(BYTES)).toBe(true)
    await client.line()
    await client.line()
    const data = await RawClient.connect(portIn(await client.ask('EPSV')))
    await client.ask('RETR /pub/a.bin')
    await sleep(100)
    expect(Buffer.concat(data.chunks)).toHaveLength(7)
    data.socket.resetAndDestroy()
    expect(await client.line()).toMatch(/^426 /)
  })

  test.each([true, false])('the control connection dies, the data goes on: %s', async (dataGoesOn) => {
    await using server = await serve({
      fault: { kind: 'control dies', afterBytes: 50_000, by: 'rst', dataGoesOn },
    })
    const client = await login(server)
    const { bytes } = await retrieve(client, '/pub/a.bin')
    expect(bytes).toHaveLength(dataGoesOn ? 300_000 : 50_000)
    await client.readToEnd()
    expect(client.error?.code).toBe('ECONNRESET')
  })

  test.each<[AfterCut, string]>([
    ['426', '426'],
    ['226', '226'],
    ['second 150', '150'],
    ['nothing', '200'],
  ])("after the client's cut: %s", async (afterCut, code) => {
    await using server = await serve({ afterCut, files: { '/big': patternFile(2 ** 40) } })
    const client = await login(server)
    const data = await RawClient.connect(portIn(await client.ask('EPSV')))
    await client.ask('RETR /big')
    data.socket.resetAndDestroy()
    await expect.poll(() => server.retrievals[0]?.outcome).toBe('cut by the client')
    client.send('NOOP')
    expect((await client.line()).slice(0, 3)).toBe(code)
  })

  test('limits connections in four ways', async () => {
    const refusals = ['421 greeting', '421 login', '530 login', 'end of file'] as const
    const heard: string[] = []
    for (const refusal of refusals) {
      await using server = await serve({ limit: { connections: 1, refusal } })
      await login(server)
      const client = await RawClient.connect(server.port)
      client.send('USER octo', 'PASS secret')
      if (refusal === '530 login') for (let line = 0; line < 3; line++) heard.push(await client.line())
      else await client.readToEnd()
      heard.push(Buffer.concat(client.chunks).toString().split('\r\n').at(-2) ?? 'nothing')
    }
    expect(heard.filter((line) => !/^(220|331)/.test(line)).map((line) => line.slice(0, 3))).toEqual([
      '421',
      '421',
      '530',
      '530',
      'not',
    ])
  })

  test('limits connections per user, and has room again', async () => {
    await using server = await serve({ limit: { perUser: 1 } })
    const first = await login(server, 'a')
    await login(server, 'b')
    const more = await RawClient.connect(server.port)
    await more.line()
    await more.ask('USER a')
    expect(await more.ask('PASS secret')).toMatch(/^530 .*maximum number of clients/)
    first.close()
    await expect.poll(() => server.openControlConnections).toBe(2)
    await login(server, 'a')
  })

  test('EPSV and PASV: refused, dead, foreign', async () => {
    await using server = await serve({
      epsv: { refused: '500 EPSV not understood' },
      pasv: { words: foreignHost('192.0.2.7') },
    })
    const client = await login(server)
    expect(await client.ask('EPSV')).toBe('500 EPSV not understood')
    expect(await client.ask('PASV')).toContain('(192,0,2,7,')
    await using dead = await serve({ epsv: { port: 'closed' } })
    const other = await login(dead)
    const refused = RawClient.connect(portIn(await other.ask('EPSV')))
    await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('splits every reply, answers late, and says nothing', async () => {
    await using split = await serve({ cutReplies: 'at every byte', latencyMs: 40 })
    const client = await login(split)
    client.chunks.length = 0
    const asked = performance.now()
    client.send('NOOP', 'NOOP')
    expect([await client.line(), await client.line()]).toEqual(['200 NOOP ok', '200 NOOP ok'])
    const took = performance.now() - asked
    expect(client.chunks).toHaveLength(26)
    expect(took).toBeGreaterThan(39)
    await using silent = await serve({ greeting: null })
    const other = await RawClient.connect(silent.port)
    other.send('NOOP')
    await sleep(50)
    expect(other.chunks).toEqual([])
  })

  test('gives each connection its own rate', async () => {
    await using server = await serve({ bytesPerSecond: [100_000, 1_000_000] })
    const clients = [await login(server), await login(server)]
    const fetched = clients.map((client) => retrieve(client, '/pub/a.bin').catch(() => undefined))
    await fetched[1]
    const [slow, fast] = server.retrievals
    expect(fast?.bytesSent).toBe(300_000)
    expect(slow?.bytesSent).toBeGreaterThan(10_000)
    expect(slow?.bytesSent).toBeLessThan(100_000)
  })
})

describe('it leaves nothing behind', () => {
  test.each(['none', 'implicit'] as const)('in the middle of everything, security %s', async (security) => {
    const { ca } = await certificate()
    await expectNoLeaks(async () => {
      const server = await serve({
        security,
        files: { '/big': patternFile(2 ** 40) },
        epsv: { port: 'open' },
      })
      const secure = security === 'implicit'
      const client = await RawClient.connect(server.port)
      if (secure) await client.startTls({ ca })
      await client.line()
      for (const command of ['USER a', 'PASS b', ...(secure ? ['PROT P'] : [])]) await client.ask(command)
      const data = await RawClient.connect(portIn(await client.ask('EPSV')))
      client.send('RETR /big')
      if (secure) await data.startTls({ ca })
      await client.line()
      data.socket.pause()
      await sleep(50)
      expect(server.openHandles).toBeGreaterThan(2)
      await server.close()
      await server.close()
      expect(server.openHandles).toBe(0)
      for (const one of [client, data]) one.close()
    })
  })

  test('with a filtered port and a stall', async () => {
    await expectNoLeaks(async () => {
      await using server = await serve({
        epsv: { port: 'filtered' },
        fault: { kind: 'stall', afterBytes: 0 },
      })
      const client = await login(server)
      await client.ask('EPSV')
      const data = await RawClient.connect(portIn(await client.ask('PASV')))
      await client.ask('RETR /pub/a.bin')
      for (const one of [client, data]) one.close()
    })
  })
})

test('a file past 4 GiB is served from any offset', async () => {
  const file = patternFile(5 * 2 ** 30 + 3, 'huge')
  await using server = await serve({ files: { '/huge': file } })
  const client = await login(server)
  const offset = 2 ** 32 + 1_073_000_000
  const { bytes } = await retrieve(client, '/huge', offset)
  expect(bytes.equals(file.content(offset, file.size))).toBe(true)
})
