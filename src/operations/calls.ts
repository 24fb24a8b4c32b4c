/** What verbs are made of that need more than one session, one after the other. */
import type { Entry } from '../listing/entry.ts'
import type { RemotePath, Session } from '../session/session.ts'

export interface Calls {
  /** Runs `work` on a session; again on another one, if a connection was lost and it `isRepeatable` (the default). */
  ask<T>(work: (session: Session) => Promise<T>, isRepeatable?: boolean): Promise<T>
  /** The entries of a directory; of that of the login without a path; by LIST alone if it `isPlain`. */
  list(path: RemotePath | undefined, isPlain?: boolean): AsyncGenerator<Entry, void>
}
