/** A new session: logged in, and ready for its first command. */
import type { SessionOptions } from './options.ts'
import { login } from './login.ts'
import type { ServerProfile } from './server-profile.ts'
import { Session } from './session.ts'

/** Rejects as {@link login} does. */
export async function openSession(
  options: SessionOptions,
  profile: ServerProfile,
  signal: AbortSignal,
): Promise<Session> {
  return new Session(await login(options, profile, signal), options, profile)
}
