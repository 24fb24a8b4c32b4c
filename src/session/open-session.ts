/** A new session: logged in, and ready for its first command. */
import type { ControlWatch } from '../connection/control.ts'
import type { SessionOptions } from './options.ts'
import { login } from './login.ts'
import type { ServerProfile } from './server-profile.ts'
import { Session } from './session.ts'

/** Rejects as {@link login} does. */
export async function openSession(
  options: SessionOptions,
  profile: ServerProfile,
  signal: AbortSignal,
  watch?: ControlWatch,
): Promise<Session> {
  const { control, welcome } = await login(options, profile, signal, watch)
  return new Session(control, options, profile, welcome)
}
