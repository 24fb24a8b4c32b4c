/**
 * Several questions in one packet: one round trip in place of as many. RFC 959 §5.4 has a client wait for each answer,
 * and small servers drop what comes before they have given theirs. So this is for servers that are known to stand it.
 */
import type { Session } from './session.ts'

/** By their greeting; the tests ask all of them in this way. */
const STAND_IT = /\b(?:vsFTPd|ProFTPD|Pure-FTPd|pyftpdlib)\b/i

/** Whether the server has answered several at once, or is one of those that do. */
export function takesBursts({ profile, welcome }: Session): boolean {
  if (profile.bursts !== 'untried') return profile.bursts === 'work'
  return welcome.some((line) => STAND_IT.test(line))
}

/** Writes down what comes of it. One that is not what it says it is costs this session, and is not asked so again. */
export async function inOneBurst<Answers>(session: Session, ask: () => Promise<Answers>): Promise<Answers> {
  const { profile, control } = session
  try {
    const answers = await ask()
    profile.bursts = 'work'
    return answers
  } catch (error) {
    if (profile.bursts === 'untried' && !control.isOpen) profile.bursts = 'fail'
    throw error
  }
}
