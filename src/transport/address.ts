/** What is an address and what is a name, and how they are written with a port. */
import { isIP } from 'node:net'

/** Whether `text` is an IPv4 or IPv6 address, not a name. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0
}

/** `host:port`, an IPv6 address in brackets. */
export function hostAndPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
