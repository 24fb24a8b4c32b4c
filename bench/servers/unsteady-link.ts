/**
 * A way to a server on which the speed of each data connection changes all the time, at random: whoever shares a
 * file out among connections has to share it out anew, again and again. A process beside us, on another loopback
 * address than the server and with the same passive ports, so that it needs to understand nothing of FTP or of TLS.
 */
import { firstCall, startHelper } from '../harness/helper.ts'

export interface UnsteadyLinkOptions {
  readonly serverHost: string
  /** The control port, and the first and last for passive data connections. */
  readonly controlPort: number
  readonly passivePorts: readonly [number, number]
  /** Bytes per second; drawn between them, evenly on a logarithmic scale. */
  readonly slowest: number
  readonly fastest: number
  readonly changeEveryMs: number
  readonly seed: number
}

export interface UnsteadyReport {
  readonly controlConnections: number
  /** Ended by the server first. That a client said QUIT cannot be seen under TLS: ask before it does. */
  readonly controlConnectionsLost: number
  readonly dataConnections: number
  /** Data connections that the client reset. */
  readonly resets: number
}

// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- as in shaped-server.ts
export type UnsteadyCalls = {
  /** @returns the port to connect to: ProFTPD takes its own on every address. */
  listen(options: UnsteadyLinkOptions & { readonly host: string }): Promise<number>
  report(): UnsteadyReport
}

export interface UnsteadyLink extends AsyncDisposable {
  readonly host: string
  readonly port: number
  report(): Promise<UnsteadyReport>
}

export async function startUnsteadyLink(options: UnsteadyLinkOptions): Promise<UnsteadyLink> {
  const host = '127.0.0.2'
  const helper = await startHelper<UnsteadyCalls>(new URL('./unsteady-proxy.ts', import.meta.url))
  const port = await firstCall(helper, helper.call('listen', { ...options, host }))
  return {
    ...{ host, port },
    report: async () => helper.call('report', undefined),
    [Symbol.asyncDispose]: () => helper.stop(),
  }
}
