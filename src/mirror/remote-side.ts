/** What a mirror asks the server for beside files: on the session that is held, or on one of its own. */
import { hashFile } from '../local/hash-file.ts'
import type { TreeEntry } from '../local/tree-entry.ts'
import { list } from '../operations/list.ts'
import { keepAll } from '../operations/listing-size.ts'
import type { RetryPolicy } from '../operations/retry.ts'
import { withSession } from '../operations/with-session.ts'
import { strongestShared } from '../protocol/checksum.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { checksumOf } from '../session/checksum.ts'
import type { Session } from '../session/session.ts'
import { Train } from '../session/train.ts'
import type { Held } from './lanes.ts'
import { treeEntry, type RemoteTree } from './remote-tree.ts'
import type { SessionBudget } from './session-budget.ts'
import type { ChecksumOutcome } from './settle-checksum.ts'

export interface RemoteSideOptions {
  readonly remote: RemoteTree
  readonly sessions: SessionBudget
  readonly retry: RetryPolicy
  readonly timeZone: string
  readonly signal: AbortSignal
}

export class RemoteSide {
  readonly #options: RemoteSideOptions

  constructor(options: RemoteSideOptions) {
    this.#options = options
  }

  /** On a session of its own. */
  async ask<T>(question: (session: Session) => Promise<T>): Promise<T> {
    const { sessions, retry, signal } = this.#options
    const { lease, value } = await withSession(sessions, { signal, retry }, question)
    lease.release()
    return value
  }

  /** On the session that is held, if one is. */
  askOn<T>(held: Held | undefined, question: (held: Held) => Promise<T>): Promise<T> {
    if (held !== undefined) return question(held)
    return this.ask(async (session) =>
      question({ session, train: await Train.on(session, { triesOut: false }) }),
    )
  }

  /** A directory, with all the patience that a single call has. */
  async list(relative: string): Promise<TreeEntry[]> {
    const { remote, sessions: pool, ...options } = this.#options
    const path = remote.path(relative)
    return await keepAll(list({ ...options, pool, path, shownPath: path }), treeEntry)
  }

  /** Of a file there and one here, by the strongest checksum that the server tells. */
  async compareByChecksum(relative: string, localFile: string): Promise<ChecksumOutcome> {
    const { remote, signal } = this.#options
    const told = await this.ask(async (session) => {
      const algorithm = strongestShared(session.profile.features ?? NO_FEATURES)
      if (algorithm === undefined) return undefined
      const timeoutMs = session.options.timeouts.checksum
      const whole = { start: 0, end: undefined, timeoutMs }
      const sum = await checksumOf(session, remote.path(relative), algorithm, whole)
      return sum === undefined ? undefined : { algorithm, sum }
    })
    if (told === undefined) return 'unavailable'
    const hashes = await hashFile(localFile, [told.algorithm], { signal })
    return hashes[told.algorithm] === told.sum ? 'same' : 'different'
  }
}
