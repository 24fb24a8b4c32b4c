/** A mirror, put together: the two sides, the sessions that it may have, and the run. */
import { openRoot } from '../local/local-tree.ts'
import type { RetryPolicy } from '../operations/retry.ts'
import type { SessionPool } from '../operations/session-pool.ts'
import type { TextCodec } from '../protocol/text-codec.ts'
import type { SourcePlace } from '../segmented/source.ts'
import type { RemotePath } from '../session/session.ts'
import type { TransferContext } from '../transfer/transfer.ts'
import type { Direction, DirectionOptions } from './direction.ts'
import { Down } from './down.ts'
import type { MirrorSettings } from './mirror-options.ts'
import type { MirrorResult } from './mirror-result.ts'
import { MirrorRun } from './mirror-run.ts'
import { RemoteSide } from './remote-side.ts'
import { RemoteTree } from './remote-tree.ts'
import { SessionBudget } from './session-budget.ts'
import { Up } from './up.ts'

export interface MirrorRequest {
  readonly side: 'down' | 'up'
  /** `''` for the directory of the login. */
  readonly remote: RemotePath
  readonly local: string
  readonly settings: MirrorSettings
  readonly pool: SessionPool
  readonly retry: RetryPolicy
  readonly codec: TextCodec
  readonly timeZone: string
  /** A file of the server as the place of a transfer. */
  readonly place: (path: string) => SourcePlace
}

/** Does the mirror. */
export async function runMirror(request: MirrorRequest, context: TransferContext): Promise<MirrorResult> {
  const { settings, pool, retry } = request
  const size = settings.connections === 'auto' ? settings.maxConnections : settings.connections
  const sessions = new SessionBudget(pool, size)
  const largeSessions = new SessionBudget(sessions, size)
  const direction = await directionOf(request, { sessions, largeSessions, context })
  return new MirrorRun({ direction, sessions, largeSessions, retry, settings, context }).run()
}

async function directionOf(
  { side, remote: root, local: path, settings, codec, retry, timeZone, place }: MirrorRequest,
  run: Pick<DirectionOptions, 'sessions' | 'largeSessions' | 'context'>,
): Promise<Direction> {
  const remote = new RemoteTree({ codec, root, timeZone })
  const isDown = side === 'down'
  const local = await openRoot(path, {
    create: isDown && !settings.dryRun,
    mayBeMissing: isDown && settings.dryRun,
  })
  const { sessions, context } = run
  const server = new RemoteSide({ remote, sessions, retry, timeZone, signal: context.signal })
  const both = { ...run, remote, server, local, place, settings }
  if (side === 'up') return new Up(both)
  return new Down({ ...both, isCaseInsensitive: await local.isCaseInsensitive() })
}
