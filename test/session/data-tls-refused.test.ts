/** Real servers that want their TLS session resumed, and a client that offers none. */
import { describe, expect, it } from 'vitest'
import { openSession } from '../../src/session/open-session.ts'
import { unknownServer } from '../../src/session/server-profile.ts'
import type { Session } from '../../src/session/session.ts'
import { retrieve } from '../../src/session/retrieve.ts'
import { Ignoring, store } from '../../src/session/store.ts'
import { clientSettings } from '../../src/options.ts'
import { useServer } from '../servers/vitest.ts'
import { whyUnavailable } from '../servers/installation.ts'
import type { RunningServer } from '../servers/types.ts'

const WORDS = {
  vsftpd: /522 SSL connection failed.*session reuse required/,
  proftpd: /425 Unable to build data connection: Operation not permitted/,
} as const

const SIGNAL = new AbortController().signal

async function loggedIn({ host, port, user, password, ca }: RunningServer): Promise<Session> {
  const { session } = clientSettings({ host, port, user, password, tls: { ca } })
  return openSession(session, unknownServer(), SIGNAL)
}

describe.each(['vsftpd', 'proftpd'] as const)('%s, reuse required', (kind) => {
  describe.each(['1.2', '1.3'] as const)('TLS %s', (tlsVersion) => {
    it.for(['RETR', 'LIST', 'STOR'] as const)('%s', async (verb, context) => {
      const unavailable = whyUnavailable(kind)
      if (unavailable !== undefined) context.skip(unavailable)
      const server = await useServer(kind, { tls: 'explicit', requireReuse: true, tlsVersion })
      server.write('file', 'hello')
      const session = await loggedIn(server)
      // Whatever the server has given, a client that lost it offers nothing.
      session.control.tickets.take = () => undefined
      const error: unknown = await (verb === 'STOR' ? send(session) : receive(session, verb)).catch(
        (reason: unknown) => reason,
      )
      session.destroy(error)
      expect(error).toMatchObject({ code: 'ERR_FTP_TLS_NOT_RESUMED', command: verb, retryable: true })
      expect((error as Error).message).toMatch(WORDS[kind])
      expect((error as Error).message).toContain(`has given none (TLSv${tlsVersion})`)
    })
  })
})

function receive(session: Session, verb: 'RETR' | 'LIST'): Promise<unknown> {
  return retrieve(session, {
    ...{ verb, path: verb === 'LIST' ? undefined : 'file', type: 'I', offset: 0, endsAtEnd: true },
    ...{ receiver: new Ignoring(), isWhole: () => false, signal: undefined },
  })
}

function send(session: Session): Promise<unknown> {
  const source = (async function* () {
    yield Buffer.from('hello')
  })()
  return store(session, {
    ...{ verb: 'STOR', path: 'sent', type: 'I', offset: 0, source, limits: [], signal: undefined },
    onSent: () => {},
  })
}
