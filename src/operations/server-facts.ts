/** What a server says of itself, all at once: for a test of the connection. */
import type { ServerFeatures } from '../protocol/features.ts'
import { NO_FEATURES } from '../protocol/features.ts'
import { systemType } from '../session/facts.ts'
import type { Session } from '../session/session.ts'

/** What a server says of itself. */
export interface ServerFacts {
  /** `host:port`, as it was asked for. */
  readonly host: string
  /** The address that it was reached at. */
  readonly address: string
  /** What it said to greet, and to the login. */
  readonly welcome: readonly string[]
  /** The answer to FEAT (RFC 2389). */
  readonly features: ServerFeatures
  /** The answer to SYST (RFC 959 §4.1.3); `undefined` where it gives none. */
  readonly system: string | undefined
  /** The version of TLS of the control connection; `undefined` in clear. */
  readonly tls:
    | {
        /** `'TLSv1.3'` or `'TLSv1.2'`. */
        readonly protocol: string
      }
    | undefined
}

export async function serverFacts(session: Session): Promise<ServerFacts> {
  const { control, profile, welcome } = session
  const system = await systemType(session)
  const { label: host, remoteAddress: address, tlsProtocol: protocol } = control
  return {
    ...{ host, address, welcome, features: profile.features ?? NO_FEATURES },
    ...{ system: system === '' ? undefined : system, tls: protocol === undefined ? undefined : { protocol } },
  }
}
