/**
 * One place that the file can be fetched from: a server, a path there, what it said of the file, and what has
 * become of it. A download has one or, with mirrors, several.
 */
import type { TextCodec } from '../protocol/text-codec.ts'
import type { FileFacts } from '../session/facts.ts'
import type { ServerProfile } from '../session/server-profile.ts'
import type { RemotePath, Session } from '../session/session.ts'
import type { Lease } from '../pool/lease.ts'
import type { BandwidthLimit } from '../transport/bandwidth.ts'
import type { JournalSource } from './journal.ts'
import { KeptLease } from './kept-lease.ts'
import type { RetryPolicy } from '../operations/retry.ts'
import type { SessionPool } from '../operations/session-pool.ts'
import { withSession } from '../operations/with-session.ts'
import type { TransferContext } from '../transfer/transfer.ts'

export interface SourcePlace {
  /** Of names on the server. */
  readonly codec: TextCodec
  readonly pool: SessionPool
  readonly retry: RetryPolicy
  /** Shared by every transfer of its client. */
  readonly limit: BandwidthLimit
  /** What the journal says of where the file is from. */
  readonly journal: JournalSource
  readonly remote: RemotePath
  /** The remote path for messages. */
  readonly shownPath: string
}

/** Why a mirror is not used any more. */
export type DropReason =
  /** It says another size than the others. */
  | 'size'
  /** It says another modification time, and no checksum shows that the file is the same nevertheless. */
  | 'modified'
  /** Its own checksum of the file, or that of what it sent, is another. */
  | 'checksum'
  /** What it sent is not what the others sent. All that it sent is fetched again. */
  | 'content'
  /** The file changed there. All that it sent is fetched again. */
  | 'changed'
  /** It could not be reached, refused, or broke off again and again. */
  | 'failed'
  /** Its connections bring so little that they are of more use elsewhere. */
  | 'slow'

export class Source {
  readonly place: SourcePlace
  /** What it says of the file, once asked. */
  facts: FileFacts = { size: undefined, modified: undefined }
  /** A session of it that nobody else should get in between. */
  readonly kept: KeptLease = new KeptLease()
  /** What is known of its server, once asked. */
  profile: ServerProfile | undefined
  dropped: DropReason | undefined
  /** Whether what it sent is not used. */
  isDistrusted = false

  constructor(place: SourcePlace) {
    this.place = place
  }

  /** `ftp://host:port/path`, without user and password. */
  get url(): string {
    const { scheme, host, port, path } = this.place.journal
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/${path}`
  }

  /** Whether it can start in the middle of the file, as far as is known. */
  get canContinue(): boolean {
    return this.facts.size !== undefined && this.profile?.restart !== 'unusable'
  }

  /** Whether one of its sessions has ever been logged in. */
  get isProven(): boolean {
    return this.place.pool.isProven
  }

  /** Runs `ask` on one of its sessions, with the patience of `retry`, and gives the session with the answer. */
  ask<T>(
    { signal, emit }: Pick<TransferContext, 'signal' | 'emit'>,
    ask: (session: Session) => Promise<T>,
    retry: RetryPolicy = this.place.retry,
  ): Promise<{ readonly lease: Lease<Session>; readonly value: T }> {
    return withSession(this, { signal, retry, onRetry: (event) => emit('retry', event) }, ask)
  }

  /** A session: the one that was kept, or one of the pool's. */
  async acquire(signal: AbortSignal): Promise<Lease<Session>> {
    return (await this.kept.take()) ?? (await this.place.pool.acquire(signal))
  }
}
