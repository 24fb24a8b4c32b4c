/** A real server on this machine or behind a link, and how clients get there. */
import { join } from 'node:path'
import { startServer, type RunningServer, type ServerKind } from '../../test/servers/index.ts'
import type { Workspace } from '../harness/workspace.ts'
import { startFarServer, type FarServerOptions } from './far-server.ts'
import { startLink, type LinkOptions } from './link.ts'

export interface Place {
  readonly kind: ServerKind
  /** Explicit TLS, and data connections must resume the session. @default false */
  readonly isSecure?: boolean | undefined
  /** Undefined: over loopback. */
  readonly distance?: LinkOptions | undefined
}

export interface OpenPlace {
  readonly login: Pick<RunningServer, 'host' | 'port' | 'user' | 'password'>
  /** The authority to trust, where there is TLS. */
  readonly caFile: string | undefined
  /** Makes a command one that runs where the clients are. */
  readonly within: (command: readonly string[]) => readonly string[]
  readonly close: () => Promise<void>
}

/** Starts it on the workspace's folder for what is served. */
export async function openPlace(place: Place, { served, scratch }: Workspace): Promise<OpenPlace> {
  const { kind, isSecure = false, distance } = place
  const security = isSecure ? ({ tls: 'explicit', requireReuse: true } as const) : {}
  const options = { root: served, ...security }
  const opened = await (distance === undefined ? near(kind, options) : far(kind, options, distance, scratch))
  return isSecure ? opened : { ...opened, caFile: undefined }
}

async function near(kind: ServerKind, options: FarServerOptions): Promise<OpenPlace> {
  const server = await startServer(kind, { ...options, user: 'bench', password: 'bench' })
  const caFile = join(server.scratch, 'ca.pem')
  return { login: server, caFile, within: (command) => command, close: () => server.stop() }
}

async function far(
  kind: ServerKind,
  options: FarServerOptions,
  distance: LinkOptions,
  scratch: string,
): Promise<OpenPlace> {
  const link = await startLink(distance, scratch)
  try {
    const server = await startFarServer(link, kind, options)
    const close = async (): Promise<void> => {
      await server[Symbol.asyncDispose]()
      await link[Symbol.asyncDispose]()
    }
    return { login: server, caFile: join(server.scratch, 'ca.pem'), within: link.forClient, close }
  } catch (error) {
    await link[Symbol.asyncDispose]()
    throw error
  }
}
