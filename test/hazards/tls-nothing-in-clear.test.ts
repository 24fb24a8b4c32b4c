/** Where TLS was asked for, whatever goes wrong, nobody on the way reads more of us than the question for it. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../src/index.ts'
import { certificate, secondCertificate, selfSignedCertificate } from '../support/certificates.ts'
import { fakeFtpServer, type FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { wiretap } from '../support/wiretap.ts'
import { BRISK, CONTENT, PASSWORD, REMOTE, serving, USER } from './support/attempt.ts'

const QUESTION = 'AUTH TLS\r\n'

/** One download from whoever listens at `port`: how it failed, if it did, and what could be read of it. */
async function overheard(
  port: number,
  options: FtpClientOptions,
): Promise<{ error: unknown; inClear: Set<string> }> {
  await using folder = await temporaryDirectory()
  await using tap = await wiretap(port)
  const { ca } = await certificate()
  const client = new FtpClient({
    ...{ host: '127.0.0.1', port: tap.port, user: USER, password: PASSWORD, retry: BRISK, tls: { ca } },
    ...options,
  })
  const error: unknown = await client
    .download(REMOTE, folder.at('file'), { connections: 1 })
    .then(() => undefined)
    .catch((reason: unknown) => reason)
  await client.close()
  return { error, inClear: new Set(tap.inClear) }
}

async function overheardBy(
  server: FakeFtpOptions,
  options: FtpClientOptions = {},
): ReturnType<typeof overheard> {
  return expectNoLeaks(async () => {
    await using fake = await fakeFtpServer(serving(CONTENT, { security: 'explicit', ...server }))
    return await overheard(fake.port, { security: fake.security, ...options })
  })
}

type Refusal = [name: string, code: string, server: FakeFtpOptions, client?: FtpClientOptions]

function answering(reply: string): FakeFtpOptions {
  return { on: { AUTH: (session) => session.reply(reply) } }
}

async function refusals(): Promise<Refusal[]> {
  const { ca } = await certificate()
  return [
    ...['500 What?', '502 No', '504 Not TLS', '534 Policy', '431 Not now', '334 Who are you?'].map(
      (reply) => [reply, 'ERR_FTP_TLS_REFUSED', answering(reply)] satisfies Refusal,
    ),
    ['421 to AUTH', 'ERR_FTP_TOO_MANY_CONNECTIONS', answering('421 Full')],
    ['234, and words in clear with it', 'ERR_FTP_TLS_INJECTED', { injectedBehindAuth: '230 Come in\r\n' }],
    ['234, and no TLS', 'ERR_FTP_TLS_HANDSHAKE', onlyInClear()],
    ['PROT P', 'ERR_FTP_TLS_REFUSED', { on: { PROT: (session) => session.reply('536 Only in clear') } }],
    [
      'an older TLS',
      'ERR_FTP_TLS_HANDSHAKE',
      { tls: { maxVersion: 'TLSv1.2' } },
      { tls: { ca, minVersion: 'TLSv1.3' } },
    ],
    [
      'a certificate of its own',
      'ERR_FTP_TLS_HANDSHAKE',
      { tls: { certificate: await selfSignedCertificate() } },
    ],
    [
      'another certificate for data',
      'ERR_FTP_TLS_HANDSHAKE',
      { tls: { dataCertificate: await secondCertificate() } },
    ],
    ['no TLS session resumed', 'ERR_FTP_TLS_NOT_RESUMED', { requireReuse: true, tls: { resumption: false } }],
  ]
}

/** Agrees to TLS and goes on in clear, as if nothing had been. */
function onlyInClear(): FakeFtpOptions {
  return {
    on: {
      AUTH: async (session) => {
        session.reply('234 Go on')
        await session.control.delay(50)
        session.reply('220 So, who are you?')
        await session.control.silence()
      },
    },
  }
}

describe('explicit', async () => {
  test.each<Refusal>(await refusals())('%s: %s', async (_name, code, server, client) => {
    const { error, inClear } = await overheardBy(server, client)
    expect(error).toMatchObject({ code })
    expect([...inClear]).toEqual([QUESTION])
  })

  test('all is well: no more either', async () => {
    const { error, inClear } = await overheardBy({})
    expect(error).toBeUndefined()
    expect([...inClear]).toEqual([QUESTION])
  })

  test('of a server that waits for TLS from the first byte: the greeting does not come, and nothing is said', async () => {
    const { error, inClear } = await overheardBy(
      { security: 'implicit' },
      { security: 'explicit', timeouts: { greeting: 200 }, retry: { attempts: 1 } },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_TIMEOUT', phase: 'greeting' })
    expect([...inClear]).toEqual([''])
  })
})

describe('implicit', () => {
  test('all is well, and PROT P refused', async () => {
    expect(await overheardBy({ security: 'implicit' })).toEqual({ error: undefined, inClear: new Set(['']) })
    const on: FakeFtpOptions['on'] = { PROT: (session) => session.reply('536 Only in clear') }
    const { error, inClear } = await overheardBy({ security: 'implicit', on })
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_REFUSED', command: 'PROT P' })
    expect([...inClear]).toEqual([''])
  })

  test('of a server that speaks in clear only', async () => {
    await expectNoLeaks(async () => {
      const plain = createServer((socket) => {
        socket.on('error', () => {}).resume()
        socket.write('220 Ready in clear\r\n')
      }).listen(0, '127.0.0.1')
      await once(plain, 'listening')
      const { port } = plain.address() as AddressInfo
      const { error, inClear } = await overheard(port, { security: 'implicit' })
      plain.close()
      expect(error).toMatchObject({ code: 'ERR_FTP_TLS_HANDSHAKE' })
      expect([...inClear]).toEqual([''])
    })
  })
})

test('what is said in clear is heard: without TLS the password is', async () => {
  const { error, inClear } = await overheardBy({ security: 'none' })
  expect(error).toBeUndefined()
  expect([...inClear].join('')).toContain(`PASS ${PASSWORD}\r\n`)
})
