/** Kinds times securities: which can be had here, and why another cannot. */
import { whyUnavailable } from './installation.ts'
import { whyRefused } from './start-server.ts'
import type { ServerKind, ServerOptions, ServerSecurity } from './types.ts'

export const serverKinds: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib', 'ftp-srv']

const securities: readonly ServerSecurity[] = ['none', 'explicit', 'implicit']

export interface MatrixCell {
  readonly kind: ServerKind
  readonly tls: ServerSecurity
  /** `vsftpd, explicit TLS`: for the title of a test. */
  readonly name: string
  /** This machine lacks it (not provisioned, not root): a test is left out, and says why. */
  readonly unavailable: string | undefined
  /** The server has no such thing, on any machine: there is nothing to test. */
  readonly refused: string | undefined
}

/** The kinds that run on this machine. */
export function availableServers(): ServerKind[] {
  return serverKinds.filter((kind) => whyUnavailable(kind) === undefined)
}

/** Every kind with every security, also those that cannot be had. `options` as they will be asked for. */
export function serverMatrix(
  kinds: readonly ServerKind[] = serverKinds,
  options: Omit<ServerOptions, 'tls'> = {},
): MatrixCell[] {
  return kinds.flatMap((kind) =>
    securities.map((tls) => ({
      kind,
      tls,
      name: `${kind}, ${tls === 'none' ? 'plain' : `${tls} TLS`}`,
      unavailable: whyUnavailable(kind),
      refused: whyRefused(kind, { ...options, tls }),
    })),
  )
}
