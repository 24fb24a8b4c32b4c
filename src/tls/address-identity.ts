/**
 * Whether a certificate is for the IPv6 address that we connect to.
 *
 * Node answers that by itself, but the releases from 22.23, 24.17 and 26.3 on that normalise names first take the
 * address for a name, and refuse every certificate for it (nodejs/node#64144; mended by 24.21 and 26.10, not in
 * 22.23.3). So its refusal is looked into: the certificate is asked for the address itself.
 */
import { X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import { lateModule } from '../util/late-modules.ts'

/** What `tls.connect` takes as `checkServerIdentity`, for a host that is an IPv6 address. */
export function checkAddress(address: string, certificate: PeerCertificate): Error | undefined {
  const refusal = lateModule('node:tls').checkServerIdentity(address, certificate)
  return refusal === undefined || isFor(address, certificate) ? undefined : refusal
}

/** Whether the address, without a zone, is among the IP addresses of the certificate (RFC 5280 §4.2.1.6). */
export function isFor(address: string, { raw }: Pick<PeerCertificate, 'raw'>): boolean {
  return new X509Certificate(raw).checkIP(address.replace(/%.*/, '')) !== undefined
}
