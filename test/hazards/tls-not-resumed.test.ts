/**
 * Servers that refuse a data connection for its TLS session say so in different words and codes. Each is
 * ERR_FTP_TLS_NOT_RESUMED, with what was offered, what was answered and what to change; and nothing else is.
 */
import { describe, expect, test } from 'vitest'
import type { SecureVersion } from 'node:tls'
import { FtpTlsError } from '../../src/index.ts'
import type { FakeFtpOptions, FakeSession } from '../support/fake-ftp-server.ts'
import type { ScriptedData } from '../support/scripted-server.ts'
import { CONTENT, fail, sent, succeed } from './support/attempt.ts'

const VSFTPD = '522 SSL connection failed: session reuse required'
const PROFTPD = '425 Unable to build data connection: Operation not permitted'
const FILEZILLA = '425 Unable to build data connection: TLS session of data connection not resumed.'
const OLD_FILEZILLA =
  '450 TLS session of data connection has not resumed or the session does not match the control connection'

/** Neither of its sessions is ever resumed: nothing that a client offers is known to it. */
const FORGETFUL = { resumption: false } as const

/** 150, the handshake, what `send` does, and then this reply, whatever the session is. */
function refusing(
  reply: string,
  send: (data: ScriptedData) => Promise<unknown> = async () => {},
): NonNullable<FakeFtpOptions['on']> {
  return {
    RETR: async (session) => {
      session.reply('150 Here it comes')
      const data = await session.openData()
      if ('refusal' in data) throw new Error(data.refusal)
      await send(data)
      await data.end()
      session.reply(reply)
    },
  }
}

/** 150, a connection that is closed before its handshake is done, and this reply. */
function breakingOff(reply: string): NonNullable<FakeFtpOptions['on']> {
  const prepared = new Map<FakeSession, ScriptedData>()
  return {
    EPSV: async (session) => {
      prepared.set(session, await session.control.answerPassive('EPSV'))
    },
    RETR: async (session) => {
      session.reply('150 Here it comes')
      await prepared.get(session)?.accepted
      prepared.get(session)?.drop()
      session.reply(reply)
    },
  }
}

async function failure(server: FakeFtpOptions): Promise<{ error: Error; attempts: number }> {
  const { error, server: fake } = await fail({
    server: { security: 'explicit', ...server },
    download: { connections: 1 },
  })
  return { error: error as Error, attempts: sent(fake, 'USER') }
}

describe.each(['TLSv1.2', 'TLSv1.3'] satisfies SecureVersion[])('%s', (version) => {
  const tls = { ...FORGETFUL, minVersion: version, maxVersion: version }

  test.each([VSFTPD, PROFTPD, FILEZILLA, OLD_FILEZILLA])('%s', async (reply) => {
    const { error, attempts } = await failure({ tls, on: refusing(reply) })
    expect(error).toBeInstanceOf(FtpTlsError)
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_NOT_RESUMED', command: 'RETR', retryable: true })
    expect(error.message).toContain(`refuses the data connection: ${reply.replace(/\.$/, '')}. `)
    expect(error.message).toContain(`did not resume the one that was offered (${version})`)
    expect(error.message).toMatch(/require_ssl_reuse=NO.*NoSessionReuseRequired/)
    // Each try is on a session of its own, with tickets of its own.
    expect(attempts).toBe(3)
  })

  test.each([VSFTPD, FILEZILLA, OLD_FILEZILLA])('the handshake broken off: %s', async (reply) => {
    const { error } = await failure({ tls, on: breakingOff(reply) })
    expect(error).toMatchObject({ code: 'ERR_FTP_TLS_NOT_RESUMED' })
    expect(error.message).toContain(reply.replace(/\.$/, ''))
  })
})

describe('another cause', () => {
  test.each([
    ['resumed, and 425', { on: refusing(PROFTPD) }, 'ERR_FTP_REPLY'],
    ['not resumed, and 451', { tls: FORGETFUL, on: refusing('451 Disk trouble') }, 'ERR_FTP_REPLY'],
    ['not resumed, and 450', { tls: FORGETFUL, on: refusing('450 It is busy') }, 'ERR_FTP_REPLY'],
    [
      'not resumed, and 425 behind data',
      { tls: FORGETFUL, on: refusing('425 Lost', (data) => data.write(CONTENT.subarray(0, 50_000))) },
      'ERR_FTP_REPLY',
    ],
    ['no handshake, and 425', { on: breakingOff('425 No connection') }, 'ERR_FTP_REPLY'],
    ['522 in clear', { security: 'none', on: refusing(VSFTPD) }, 'ERR_FTP_REPLY'],
  ] as const satisfies [string, FakeFtpOptions, string][])('%s', async (_name, server, code) => {
    const { error } = await failure(server)
    expect(error).toMatchObject({ name: 'FtpReplyError', code })
  })

  test('resumed, and 522: its TLS is refused, for whatever else', async () => {
    const { error } = await failure({ on: refusing('522 Certificate missing on the data connection') })
    expect(error).toMatchObject({ name: 'FtpTlsError', code: 'ERR_FTP_TLS_REFUSED', command: 'RETR' })
    expect(error.message).toMatch(/522 Certificate missing.*was resumed on it \(TLSv1\.3\)/)
  })
})

test('a server that insists now and then: the next session brings the file', async () => {
  let asked = 0
  const { RETR: refuse } = refusing(PROFTPD)
  await succeed({
    server: {
      security: 'explicit',
      tls: FORGETFUL,
      on: {
        RETR: (session, path, proceed) => (asked++ < 2 ? refuse?.(session, path, proceed) : proceed()),
      },
    },
    download: { connections: 1 },
  })
})
