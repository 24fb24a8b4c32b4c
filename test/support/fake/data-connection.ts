import type { ScriptedData } from '../scripted-server.ts'
import type { FakeSession } from './fake-session.ts'

const ACCEPT_TIMEOUT_MS = 60_000

/** Why there is no data connection, as the reply says it. */
export interface DataRefusal {
  refusal: string
}

/** Waits for the client, handshakes, and holds the session to the rules about reuse. */
export async function openDataConnection(
  session: FakeSession,
  data: ScriptedData,
  connect: () => Promise<void>,
): Promise<ScriptedData | DataRefusal> {
  const { server, control } = session
  try {
    await connect()
    if (!(await within(ACCEPT_TIMEOUT_MS, data.accepted, control.closed))) throw new Error('nobody came')
    await data.secure()
  } catch {
    data.drop()
    return { refusal: '425 Cannot open data connection' }
  }
  const fault = ticketFault(session, data)
  const { index: connection } = session
  server.dataConnections.push({ connection, reused: data.isSessionReused(), ticket: data.ticket })
  countForTickets(session)
  if (fault === undefined) return data
  await data.end()
  return { refusal: fault }
}

function ticketFault(session: FakeSession, data: ScriptedData): string | undefined {
  const { requireReuse, singleUseTickets } = session.server.options
  const reused = data.isSessionReused()
  if (requireReuse === true && reused === false) return '522 SSL connection failed; session reuse required'
  if (singleUseTickets !== true || data.ticket === undefined) return undefined
  const known = session.server.dataConnections.some((earlier) => earlier.ticket === data.ticket)
  return known ? '522 SSL connection failed; this session was used before' : undefined
}

function countForTickets(session: FakeSession): void {
  session.dataConnections++
  if (session.dataConnections === session.server.options.ticketsForgottenAfter)
    session.control.forgetTickets()
}

/** True if `wanted` comes in time and before `end`. */
async function within(ms: number, wanted: Promise<void>, end: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)))
  try {
    return await Promise.race([wanted.then(() => true), end.then(() => false), late])
  } finally {
    clearTimeout(timer)
  }
}
