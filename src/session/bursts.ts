/**
 * Several questions in one packet: one round trip in place of as many. RFC 959 §5.4 has a client wait for each answer,
 * and small servers drop what comes before they have given theirs. So this is for servers that are known to stand it.
 */
import type { ControlConnection } from '../connection/control.ts'
import type { ServerProfile } from './server-profile.ts'

/** A session, or what is to become one. */
export interface BurstPlace {
  readonly control: ControlConnection
  readonly profile: ServerProfile
  /** What the server said to greet, and to the login. */
  readonly welcome: readonly string[]
}

/** By their greeting; the tests ask all of them in this way. */
const STAND_IT = /\b(?:vsFTPd|ProFTPD|Pure-FTPd|pyftpdlib)\b/i

/** Whether the server has answered several at once, or is one of those that do. */
export function takesBursts({ profile, welcome }: BurstPlace): boolean {
  if (profile.bursts !== 'untried') return profile.bursts === 'work'
  return welcome.some((line) => STAND_IT.test(line))
}

/** Writes down what comes of it. One that is not what it says it is costs this session, and is not asked so again. */
export async function inOneBurst<Answers>(
  { profile, control }: BurstPlace,
  ask: () => Promise<Answers>,
): Promise<Answers> {
  try {
    const answers = await ask()
    profile.bursts = 'work'
    return answers
  } catch (error) {
    if (profile.bursts === 'untried' && !control.isOpen) profile.bursts = 'fail'
    throw error
  }
}
