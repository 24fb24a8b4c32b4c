/** A server that will not protect: an error, and never a silent step down. */
import { expect, test } from 'vitest'
import { fail, sent, succeed } from './support/attempt.ts'

test.each(['500 What?', '502 Not implemented', '504 Not TLS', '534 Policy', '431 Not now'])(
  '%s to AUTH TLS',
  async (reply) => {
    const { error, server } = await fail({
      server: { security: 'explicit', on: { AUTH: (session) => session.reply(reply) } },
      download: { connections: 4 },
    })
    expect(error).toMatchObject({
      name: 'FtpTlsError',
      code: 'ERR_FTP_TLS_REFUSED',
      command: 'AUTH TLS',
      host: `127.0.0.1:${server.port}`,
    })
    expect((error as Error).message).toContain(reply)
    expect((error as Error).message).toMatch(/Nothing was sent in clear/)
    expect(new Set(server.commands.flat())).toEqual(new Set(['AUTH TLS']))
  },
)

test.each(['explicit', 'implicit'] as const)(
  'PROT P refused (%s): nothing is transferred',
  async (security) => {
    const { error, server } = await fail({
      server: { security, on: { PROT: (session) => session.reply('536 Only in clear') } },
      download: { connections: 4 },
    })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_REFUSED', command: 'PROT P' })
    for (const verb of ['SIZE', 'EPSV', 'PASV', 'RETR']) expect(sent(server, verb)).toBe(0)
    expect(server.commands).toHaveLength(1)
  },
)

test('PBSZ refused means nothing: PROT P decides', async () => {
  const { server } = await succeed({
    server: { security: 'explicit', on: { PBSZ: (session) => session.reply('503 Eh?') } },
  })
  expect(server.dataConnections.every(({ reused }) => reused !== undefined)).toBe(true)
})

test('421 to AUTH is a full server', async () => {
  const { error } = await fail({
    server: { security: 'explicit', on: { AUTH: (session) => session.reply('421 Full') } },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS' })
})

test('with only a host, TLS is asked for: plain has to be written', async () => {
  const { error, server } = await fail({ server: { security: 'none' }, client: { security: undefined } })
  expect(error).toMatchObject({ code: 'ERR_FTP_TLS_REFUSED' })
  expect(sent(server, 'USER')).toBe(0)
})
