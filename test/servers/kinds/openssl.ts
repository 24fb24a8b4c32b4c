import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Setup } from '../types.ts'

/** Pins the TLS version of a server that has no setting for it, through OpenSSL's own configuration. */
export function tlsVersionEnvironment({ tlsVersion, scratch }: Setup): Record<string, string> {
  if (tlsVersion === undefined) return {}
  const file = join(scratch, 'openssl.cnf')
  writeFileSync(
    file,
    `openssl_conf = top
[top]
ssl_conf = ssl
[ssl]
system_default = versions
[versions]
MinProtocol = TLSv${tlsVersion}
MaxProtocol = TLSv${tlsVersion}
`,
  )
  return { OPENSSL_CONF: file }
}
