/** How FTP proxies are told which server is meant, and what their refusals are. */
import { describe, expect, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { ftpProxy, type FtpProxyLogin } from '../../src/proxy.ts'
import { findSecret } from '../hazards/support/secrets.ts'
import { certificate } from '../support/certificates.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import {
  scriptedServer,
  type Dialogue,
  type ScriptedControl,
  type ScriptedServer,
} from '../support/scripted-server.ts'

const SECRET = 'hunter2-secret'
const OWN = 'swordfish'
const TARGET = { host: 'server.test', user: 'bob', password: OWN, security: 'none' } as const

function proxied(
  server: ScriptedServer,
  login: FtpProxyLogin,
  user: string = `carl:${SECRET}@`,
  more: FtpClientOptions = {},
): FtpClient {
  const connect = ftpProxy(`ftp://${user}localhost:${server.port}`, { login })
  return new FtpClient({ ...TARGET, connect, family: 4, ...more })
}

/** Behind the login: nothing more is wanted. */
async function welcome(control: ScriptedControl): Promise<void> {
  await control.expect('FEAT').reply('211 none')
  await control.expect('SYST').reply('215 UNIX')
  await control.expect('QUIT').reply('221 bye')
}

/** Logs in; everything that a client shows is looked through. */
async function login(client: FtpClient): Promise<void> {
  const seen: unknown[] = []
  client.on('command', (event) => seen.push(event))
  client.on('reply', (event) => seen.push(event))
  await client.connect()
  await client.close()
  for (const secret of [SECRET, OWN]) expect(findSecret([client, seen], secret)).toEqual([])
}

const dialogues: Readonly<Record<FtpProxyLogin, readonly (readonly [sent: string, reply: string])[]>> = {
  'user@host': [
    ['USER carl', '331 go on'],
    [`PASS ${SECRET}`, `230 proxy knows ${SECRET}`],
    ['USER bob@server.test', '331 go on'],
    [`PASS ${OWN}`, '230 welcome'],
  ],
  open: [
    ['USER carl', '331 go on'],
    [`PASS ${SECRET}`, '230 proxy'],
    ['OPEN server.test', '220 server ready'],
    ['USER bob', '331 go on'],
    [`PASS ${OWN}`, '230 welcome'],
  ],
  site: [
    ['USER carl', '230 proxy asks no password'],
    ['SITE server.test', '220 server ready'],
    ['USER bob', '331 go on'],
    [`PASS ${OWN}`, '230 welcome'],
  ],
  joined: [
    ['USER bob@carl@server.test', '331 go on'],
    [`PASS ${OWN}@${SECRET}`, `230 welcome ${OWN}@${SECRET}`],
  ],
}

function playing(steps: readonly (readonly [string, string])[]): Dialogue {
  return async (control) => {
    control.reply('220 proxy ready')
    for (const [sent, reply] of steps) await control.expect(sent).reply(reply)
    await welcome(control)
  }
}

test.each(Object.keys(dialogues) as FtpProxyLogin[])('%s', async (way) => {
  await using server = await scriptedServer(playing(dialogues[way]))
  await login(proxied(server, way, undefined, { port: 21 }))
})

test.each<readonly [FtpProxyLogin, string]>([
  ['user@host', 'USER bob@server.test:2121'],
  ['open', 'OPEN server.test:2121'],
  ['site', 'SITE server.test:2121'],
])('%s without a login of the proxy, to another port', async (way, told) => {
  const steps = dialogues[way].slice(way === 'site' ? 1 : 2)
  const played = steps.map(([sent, reply], at) => [at === 0 ? told : sent, reply] as const)
  await using server = await scriptedServer(playing(played))
  await login(proxied(server, way, '', { port: 2121 }))
})

test('an anonymous login, and IPv6', async () => {
  await using server = await scriptedServer(
    playing([
      ['USER anonymous@[2001:db8::1]:2121', '331 go on'],
      ['PASS anonymous@', '230 welcome'],
    ]),
  )
  const connect = ftpProxy(`ftp://127.0.0.1:${server.port}`)
  const client = new FtpClient({ host: '2001:db8::1', port: 2121, security: 'none', connect })
  await client.connect()
  await client.close()
})

test('AUTH TLS is with the proxy, by its name, before any login', async () => {
  const { ca } = await certificate()
  await using server = await scriptedServer(async (control) => {
    control.reply('220 proxy ready')
    await control.expect('AUTH TLS').reply('234 go on')
    await control.startTls()
    await control.expect('USER bob@server.test').reply('230 welcome')
    await control.expect('PBSZ 0').reply('200 fine')
    await control.expect('PROT P').reply('200 fine')
    await welcome(control)
  }, {})
  await login(proxied(server, 'user@host', '', { security: 'explicit', tls: { ca }, port: 21 }))
})

describe('refusals', () => {
  async function refusal(
    way: FtpProxyLogin,
    steps: readonly (readonly [string, string])[],
  ): Promise<unknown> {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 proxy ready')
      for (const [sent, reply] of steps) await control.expect(sent).reply(reply)
    })
    const error = await expectNoLeaks(async () => {
      const client = proxied(server, way, undefined, { port: 21, retry: { attempts: 1 } })
      const reason: unknown = await client.connect().catch((thrown: unknown) => thrown)
      await client.close()
      return reason
    })
    for (const secret of [SECRET, OWN]) expect(findSecret(error, secret)).toEqual([])
    return error
  }

  test('the login of the proxy: ERR_FTP_LOGIN, with what to look at', async () => {
    const error = await refusal('open', [
      ['USER carl', '331 go on'],
      [`PASS ${SECRET}`, `530 not ${SECRET}`],
    ])
    expect(error).toMatchObject({ code: 'ERR_FTP_LOGIN', command: 'PASS ****', retryable: false })
    expect((error as Error).message).toMatch(
      /not \*\*\*\*.*the FTP proxy localhost:\d+: check user and password/,
    )
  })

  test.each([
    ['open', 'OPEN', '421 no place', 'ERR_FTP_TOO_MANY_CONNECTIONS', true],
    ['open', 'OPEN', '425 no way there', 'ERR_FTP_CONNECT', true],
    ['site', 'SITE', '502 what', 'ERR_FTP_CONNECT', false],
  ] as const)('the server, by %s: %s, %s', async (way, verb, reply, code, retryable) => {
    const error = await refusal(way, [
      ['USER carl', '230 proxy'],
      [`${verb} server.test`, reply],
    ])
    expect(error).toMatchObject({ code, retryable })
  })

  test('the login of the server is ERR_FTP_LOGIN as ever', async () => {
    const error = await refusal('joined', [
      ['USER bob@carl@server.test', '331 go on'],
      [`PASS ${OWN}@${SECRET}`, `530 not ${OWN}@${SECRET}`],
    ])
    expect(error).toMatchObject({ code: 'ERR_FTP_LOGIN' })
    expect((error as Error).message).toContain('530 not ****')
  })
})

test.each([
  [{ security: 'implicit' }, /"security" is 'implicit'; with an FTP proxy/],
  [{ virtualHost: 'x' }, /"virtualHost" cannot be used with an FTP proxy/],
] as const)('%o: an error before anything is connected', (more, message) => {
  expect(() => new FtpClient({ ...TARGET, connect: ftpProxy('ftp://h'), ...more })).toThrow(message)
})
