import { X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import { describe, expect, it, test } from 'vitest'
import { checkAddress, isFor } from '../../src/tls/address-identity.ts'
import { secureIdentity } from '../../src/tls/secure-options.ts'
import { certificate, wrongHostCertificate } from '../support/certificates.ts'

/** For localhost, 127.0.0.1 and ::1. */
async function ours(): Promise<PeerCertificate> {
  return peer((await certificate()).cert)
}

function peer(pem: string): PeerCertificate {
  const { raw, subjectAltName } = new X509Certificate(pem)
  return { raw, subjectaltname: subjectAltName, subject: {} } as PeerCertificate
}

// Where Node takes the address for a name, this is all that speaks for it; the matrix of servers runs under such a one.
test.each([
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::0001', true],
  ['::2', false],
  ['::ffff:127.0.0.1', false],
  ['::1%lo', true],
  ['::2%lo', false],
])(
  'a certificate for ::1, 127.0.0.1 and localhost is for the address %s: %s',
  async (address, isExpected) => {
    expect(isFor(address, await ours())).toBe(isExpected)
    expect(isFor(address, peer((await wrongHostCertificate()).cert))).toBe(false)
  },
)

test("Node's refusal stands for an address that is not in the certificate", async () => {
  expect(checkAddress('::1', await ours())).toBeUndefined()
  expect(checkAddress('::2', await ours())).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  const other = peer((await wrongHostCertificate()).cert)
  expect(checkAddress('::1', other)).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

describe('secureIdentity', () => {
  it('has IPv6 addresses checked so, and nothing else', () => {
    const check = (host: string, servername?: string): unknown =>
      secureIdentity(servername === undefined ? {} : { servername }, host).options.checkServerIdentity
    expect(check('::1')).toBe(checkAddress)
    expect(check('127.0.0.1')).toBeUndefined()
    expect(check('localhost')).toBeUndefined()
    expect(check('::1', 'localhost')).toBeUndefined()
  })

  it("leaves it to the caller's own check, where there is one", () => {
    const checkServerIdentity = (): undefined => undefined
    expect(secureIdentity({ checkServerIdentity }, '::1').options.checkServerIdentity).toBe(
      checkServerIdentity,
    )
  })
})
