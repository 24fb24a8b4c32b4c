/**
 * From the caller's TLS options to the ones of each connection. Pure but for the secure context.
 *
 * Since Node 22.23 / 24.17 / 26 a session resumes only under the identity (`servername`, else `host`) that it
 * was made under, so one identity serves the control connection and every data connection.
 */
import { isIP } from 'node:net'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { lateModule } from '../util/late-modules.ts'
import { checkAddress } from './address-identity.ts'

/** The caller's `tls` option: what `tls.connect` takes, verification on by default. */
export type TlsOptions = ConnectionOptions

/** What every connection of one client shares. Built once: a context with its own CA costs milliseconds. */
export interface SecureIdentity {
  readonly host: string
  readonly servername?: string
  readonly secureContext: SecureContext
  readonly options: ConnectionOptions
}

/** Options that belong to one connection, and that the caller cannot give for all of them. */
const PER_CONNECTION = ['socket', 'port', 'path', 'host', 'session', 'lookup', 'onread', 'timeout']

/** Never changes `options`: one object may serve several clients. */
export function secureIdentity(options: TlsOptions, host: string): SecureIdentity {
  const shared = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && !PER_CONNECTION.includes(name)),
  )
  // SNI carries names only (RFC 6066 §3); an address is checked by `host` alone.
  const servername = options.servername ?? (isIP(host) === 0 ? host : undefined)
  const isAddress = servername === undefined && isIP(host) === 6
  return {
    host,
    ...(servername !== undefined && { servername }),
    secureContext: options.secureContext ?? lateModule('node:tls').createSecureContext(options),
    options: isAddress ? { checkServerIdentity: checkAddress, ...shared } : shared,
  }
}

/** The part of `tls.connect`'s options that is the same on both channels. */
export function identityOptions(identity: SecureIdentity): ConnectionOptions {
  return {
    ...identity.options,
    host: identity.host,
    ...(identity.servername !== undefined && { servername: identity.servername }),
    secureContext: identity.secureContext,
  }
}
