/** A mirror, put together: the two sides, the sessions that it may have, and the run. */
import { openRoot, type LocalTree } from '../local/local-tree.ts'
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

/** What a mirror works with. */
export interface MirrorWorks {
  readonly direction: Direction
  readonly remote: RemoteTree
  readonly local: LocalTree
  readonly sessions: SessionBudget
  readonly largeSessions: SessionBudget
}

/** Does the mirror. */
export async function runMirror(request: MirrorRequest, context: TransferContext): Promise<MirrorResult> {
  const { settings, retry } = request
  return new MirrorRun({ ...(await mirrorWorks(request, context)), retry, settings, context }).run()
}

export async function mirrorWorks(request: MirrorRequest, context: TransferContext): Promise<MirrorWorks> {
  const { settings, pool } = request
  const size = settings.connections === 'auto' ? settings.maxConnections : settings.connections
  const sessions = new SessionBudget(pool, size)
  const largeSessions = new SessionBudget(sessions, size)
  const local = await rootOf(request)
  const { codec, remote: root, timeZone } = request
  const remote = new RemoteTree({ codec, root, timeZone })
  const direction = directionOf(request, { sessions, largeSessions, remote, local, context })
  return { direction, remote, local, sessions, largeSessions }
}

function rootOf({ side, local, settings }: MirrorRequest): Promise<LocalTree> {
  const isDown = side === 'down'
  return openRoot(local, {
    create: isDown && !settings.dryRun,
    mayBeMissing: isDown && settings.dryRun,
  })
}

function directionOf(
  { side, settings, retry, timeZone, place }: MirrorRequest,
  run: Pick<DirectionOptions, 'sessions' | 'largeSessions' | 'remote' | 'local' | 'context'>,
): Direction {
  const { sessions, remote, context } = run
  const server = new RemoteSide({ remote, sessions, retry, timeZone, signal: context.signal })
  const both = { ...run, server, place, settings }
  if (side === 'up') return new Up(both)
  return new Down(both)
}
