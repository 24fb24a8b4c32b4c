/** The server of shaped-ftp.ts as a process beside us: what it is told, and what it tells. */
import { firstCall, startHelper, type Helper } from '../harness/helper.ts'

export interface ShapedServerOptions {
  /** The folder served. */
  readonly root: string
  /**
   * What each control connection may send over its data connections, in bytes per second. A new one gets the
   * first rate that no open one has; one more than there are rates is turned away with 421.
   */
  readonly rates: readonly number[]
  /** For all of them together. Undefined: no such cap. */
  readonly totalBytesPerSecond?: number | undefined
  /** @default any that is free */
  readonly port?: number | undefined
}

/** One connection sends nothing for a time, and then goes on. */
export interface Stall {
  /** Which of the rates, from 0. */
  readonly lane: number
  /** Begins when all connections together have sent so many bytes. */
  readonly afterBytes: number
  readonly forMs: number
}

/** Since the last `begin`. */
export interface ShapedReport {
  readonly logins: number
  /** Control connections turned away. */
  readonly refused: number
  readonly retrievals: number
  readonly bytesSent: number
  /** Bytes of files that were not sent before. */
  readonly newBytes: number
}

// A type, not an interface: only that has the index signature that `Calls` asks for.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type ShapedCalls = {
  /** @returns the port, on 127.0.0.1 */
  listen(options: ShapedServerOptions): Promise<number>
  /** Counts from zero. */
  begin(run: { readonly stall?: Stall | undefined }): void
  report(): ShapedReport
  /** Resolves true when so many bytes have been sent since `begin`, false when asked anew before that. */
  sent(bytes: number): Promise<boolean>
}

export interface ShapedServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Any would do. */
  readonly user: string
  readonly password: string
  begin(stall?: Stall): Promise<void>
  report(): Promise<ShapedReport>
  sent(bytes: number): Promise<boolean>
}

export async function startShapedServer(options: ShapedServerOptions): Promise<ShapedServer> {
  const helper: Helper<ShapedCalls> = await startHelper<ShapedCalls>(
    new URL('./shaped-ftp.ts', import.meta.url),
  )
  const port = await firstCall(helper, helper.call('listen', options))
  return {
    ...{ host: '127.0.0.1', port, user: 'bench', password: 'bench' },
    begin: async (stall) => helper.call('begin', { stall }),
    report: async () => helper.call('report', undefined),
    sent: (bytes) => helper.call('sent', bytes),
    [Symbol.asyncDispose]: () => helper.stop(),
  }
}
