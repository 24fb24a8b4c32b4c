/** What is an address and what is a name. */
import { isIP } from 'node:net'

/** Whether `text` is an IPv4 or IPv6 address, not a name. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0
}
