import type { FakeFtpServer } from '../fake-ftp-server.ts'
import type { FakeSession } from './fake-session.ts'

/** PASS: the password, and the limits that some servers tell only now. */
export async function login(session: FakeSession, password: string): Promise<void> {
  const { server, user } = session
  if (user === undefined) return session.reply('503 Log in with USER first')
  const refusal = passwordFault(session, user, password) ?? loginLimit(session, user)
  server.logins.push({ connection: session.index, user, accepted: refusal === undefined })
  if (refusal === undefined) {
    session.loggedIn = true
    return session.reply('230 Login successful')
  }
  session.reply(refusal)
  if (refusal.startsWith('421')) await session.end()
}

/** What a new control connection hears when there are too many already: `null` is hearing nothing. */
export function greetingLimit(server: FakeFtpServer): string | null | undefined {
  const { limit } = server.options
  if (limit?.connections === undefined) return undefined
  if (server.openControlConnections < limit.connections) return undefined
  switch (limit.refusal) {
    case 'end of file':
      return null
    case '421 login':
    case '530 login':
      return undefined
    case '421 greeting':
    case undefined:
      return '421 There are too many connections from your internet address.'
    default:
      return limit.refusal satisfies never
  }
}

function passwordFault(session: FakeSession, user: string, password: string): string | undefined {
  const { users } = session.server.options
  if (users === undefined) return undefined
  return Object.hasOwn(users, user) && users[user] === password ? undefined : '530 Login incorrect.'
}

function loginLimit(session: FakeSession, user: string): string | undefined {
  const { server } = session
  const { limit } = server.options
  if (limit === undefined) return undefined
  const tooMany = server.loggedIn() >= (limit.connections ?? Number.POSITIVE_INFINITY)
  const tooManyOfUser = server.loggedIn(user) >= (limit.perUser ?? Number.POSITIVE_INFINITY)
  if (!tooMany && !tooManyOfUser) return undefined
  if (limit.refusal === '421 login') return '421 Too many connections for this user'
  return '530 Sorry, the maximum number of clients for this user are already connected.'
}
