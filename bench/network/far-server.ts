/** A real server at the far end of a link. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RunningServer, ServerKind } from '../../test/servers/index.ts'
import { boundToParent } from '../harness/bound.ts'
import { firstLine, type Link } from './link.ts'

export interface FarServer
  extends AsyncDisposable, Pick<RunningServer, 'host' | 'port' | 'user' | 'password' | 'scratch'> {}

export interface FarServerOptions {
  readonly root: string
  readonly bytesPerSecondPerConnection?: number
  /** Default: none. */
  readonly tls?: 'explicit'
  /** Data connections must resume the TLS session. Default false. */
  readonly requireReuse?: boolean
}

const starter = fileURLToPath(new URL('../../test/servers/start.mjs', import.meta.url))

/** Starts it by test/servers/start.mjs inside the servers' namespace: a port is free, or not, only in there. */
export async function startFarServer(
  link: Link,
  kind: ServerKind,
  { root, bytesPerSecondPerConnection, tls, requireReuse = false }: FarServerOptions,
): Promise<FarServer> {
  const rate =
    bytesPerSecondPerConnection === undefined ? [] : ['--rate', String(bytesPerSecondPerConnection)]
  const security = [
    ...(tls === undefined ? [] : ['--tls', tls]),
    ...(requireReuse ? ['--require-reuse'] : []),
  ]
  // With the starter goes the server (supervise.sh).
  const [program = '', ...args] = boundToParent([
    ...link.forServer([process.execPath, starter, kind, '--json', '--root', root]),
    ...['--address', link.serverAddress, '--user', 'bench', '--password', 'bench', ...rate, ...security],
  ])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const gone = once(child, 'exit')
  const { host, port, user, password, scratch } = JSON.parse(await firstLine(child, gone)) as RunningServer
  return {
    ...{ host, port, user, password, scratch },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}
