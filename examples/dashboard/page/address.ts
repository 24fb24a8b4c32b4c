/** FTP addresses, as they are typed and shown. Pure. */
import type { Login, Security } from '../model.ts'

export const PORTS: Readonly<Record<Security, string>> = { none: '21', explicit: '21', implicit: '990' }
const SCHEMES: Readonly<Record<string, Security>> = { ftp: 'none', ftpes: 'explicit', ftps: 'implicit' }

/** What stands in the fields. */
export interface Typed {
  readonly host: string
  readonly port: string
  readonly user: string
  readonly security: Security
}

export function loginOf({ host, port, user, security }: Typed): Login {
  return { host: host.trim(), port: Number(port), user: user.trim() || 'anonymous', security }
}

/** Of `ftpes://user@host:2121`, pasted; a password in it is left out. `undefined` for what is no address. */
export function readAddress(text: string): Typed | undefined {
  const pattern = /^(ftp|ftpes|ftps):\/\/(?:([^@/:]*)(?::[^@/]*)?@)?(\[[\da-f:.]+\]|[^/:]+)(?::(\d+))?/i
  const [, scheme = '', user = '', host = '', port] = pattern.exec(text.trim()) ?? []
  const security = SCHEMES[scheme.toLowerCase()]
  if (security === undefined) return undefined
  return { host, port: port ?? PORTS[security], user, security }
}

export function addressOf({ security, user, host, port }: Login): string {
  const scheme = Object.keys(SCHEMES).find((one) => SCHEMES[one] === security) ?? ''
  const isUsual = String(port) === PORTS[security]
  return `${scheme}://${user === 'anonymous' ? '' : `${user}@`}${host}${isUsual ? '' : `:${port}`}`
}
