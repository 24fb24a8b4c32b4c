/** What a server says that it can do beyond RFC 959 (FEAT, RFC 2389). */
import type { Reply } from './reply.ts'

/**
 * A hint, not a law: servers list less than they can (ftp-srv neither REST STREAM nor EPSV, and has both).
 * Names are compared without regard to case.
 */
export interface ServerFeatures {
  /** Whether FEAT was answered with a 211; if not, a missing name says nothing. */
  readonly listed: boolean
  /** Names in upper case, in the order of the server. */
  readonly names: readonly string[]
  /** Whether a name is listed, in whatever case it is asked for. */
  has(name: string): boolean
  /**
   * What stands behind the name, `''` if nothing does; `undefined` if the name is not listed. Several lines of
   * one name (`AUTH TLS`, `AUTH SSL`) are joined by a blank.
   */
  value(name: string): string | undefined
}

/** Nothing listed: FEAT was refused, or not asked. */
export const NO_FEATURES: ServerFeatures = featureTable(false, new Map())

/** The features in the reply to FEAT; {@link NO_FEATURES} for any reply but a 211. */
export function parseFeatures(reply: Reply | undefined): ServerFeatures {
  if (reply?.code !== 211) return NO_FEATURES
  const values = new Map<string, string>()
  for (const line of reply.lines.slice(1, -1)) {
    // RFC 2389 §3.2 puts a blank before a feature; older servers repeat the code there instead.
    const feature = /^(?:\s|211-)\s*(\S+)(.*)$/s.exec(line)
    if (feature === null) continue
    const [, name = '', value = ''] = feature
    const key = name.toUpperCase()
    values.set(key, [values.get(key), value.trim()].filter(Boolean).join(' '))
  }
  return featureTable(true, values)
}

function featureTable(listed: boolean, values: ReadonlyMap<string, string>): ServerFeatures {
  return Object.freeze({
    listed,
    names: Object.freeze([...values.keys()]),
    has: (name: string) => values.has(name.toUpperCase()),
    value: (name: string) => values.get(name.toUpperCase()),
  })
}
