/** What verbs are made of that need more than one session, one after the other. */
import type { TextCodec } from '../protocol/text-codec.ts'
import type { Entry } from '../listing/entry.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { OptionNames } from '../util/validate.ts'

/** Of a call that moves no file. */
export interface AskOptions {
  /** Cancels the call; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

export const ASK_OPTIONS: OptionNames<AskOptions> = { signal: true }

export interface Calls {
  readonly codec: TextCodec
  /** Runs `work` on a session; again on another one, if a connection was lost and it `isRepeatable` (the default). */
  ask<T>(work: (session: Session) => Promise<T>, isRepeatable?: boolean): Promise<T>
  /** The entries of a directory; of that of the login without a path; by LIST alone where that is asked for. */
  list(path: RemotePath | undefined, only?: 'LIST' | 'LIST -a'): AsyncGenerator<Entry, void>
}
