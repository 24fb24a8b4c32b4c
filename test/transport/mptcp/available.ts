/** Whether this machine has what the tests of Multipath TCP need. */
import { readFileSync } from 'node:fs'
import { whyUnavailable } from '../../servers/installation.ts'

/** Why there is no Multipath TCP to be had here, or `undefined` if there is. */
export function whyNoMultipath(): string | undefined {
  if (process.platform !== 'linux') return 'Multipath TCP is used on Linux only'
  return systemReason() ?? whyUnavailable('mptcpize') ?? whyUnavailable('pyftpdlib')
}

function systemReason(): string | undefined {
  try {
    const isEnabled = readFileSync('/proc/sys/net/mptcp/enabled', 'latin1').trim() === '1'
    return isEnabled ? undefined : 'net.mptcp.enabled is 0'
  } catch {
    return 'this Linux has no Multipath TCP'
  }
}
