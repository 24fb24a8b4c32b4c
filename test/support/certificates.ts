import { X509Certificate } from 'node:crypto'
import { generate } from 'selfsigned'

/** A server's certificate with its key, and what a client must trust to accept it; all PEM. */
export interface Certificate {
  key: string
  cert: string
  ca: string
}

type Name = { type: 2; value: string } | { type: 7; ip: string }

const HERE: Name[] = [
  { type: 2, value: 'localhost' },
  { type: 7, ip: '127.0.0.1' },
  { type: 7, ip: '::1' },
  // The servers' end of bench/network/link.c.
  { type: 7, ip: '10.99.0.2' },
]
const ELSEWHERE: Name[] = [{ type: 2, value: 'elsewhere.example' }]
const DAY_MS = 86_400_000

const made = new Map<string, Promise<Certificate>>()

/** For localhost, 127.0.0.1, ::1 and 10.99.0.2, signed by the test authority (`ca`). Made once per process. */
export function certificate(): Promise<Certificate> {
  return once('here', () => signed(HERE, 365))
}

/** For the same names, signed by itself: `ca` is the certificate. */
export function selfSignedCertificate(): Promise<Certificate> {
  return once('self-signed', selfSigned)
}

/** Valid and trusted, but for `elsewhere.example`. */
export function wrongHostCertificate(): Promise<Certificate> {
  return once('elsewhere', () => signed(ELSEWHERE, 365))
}

/** Trusted and for the right names, but it ran out yesterday. */
export function expiredCertificate(): Promise<Certificate> {
  return once('expired', () => signed(HERE, -1))
}

/** Trusted and for the right names, but not before tomorrow. */
export function notYetValidCertificate(): Promise<Certificate> {
  return once('not yet valid', () => signed(HERE, 365, { notBeforeDate: days(1) }))
}

/** As good as {@link certificate}, and another one: of the same authority, for the same names, with another key. */
export function secondCertificate(): Promise<Certificate> {
  return once('second', () => signed(HERE, 365))
}

/** Of a client, by the test authority. */
export function clientCertificate(): Promise<Certificate> {
  return once('client', () => signed([{ type: 2, value: 'octo' }], 365, { usage: 'clientAuth' }))
}

/** What a server shows that has this certificate, as DER. */
export function shownBy({ cert }: Certificate): Uint8Array {
  return new X509Certificate(cert).raw
}

function once(name: string, make: () => Promise<Certificate>): Promise<Certificate> {
  const known = made.get(name) ?? make()
  made.set(name, known)
  return known
}

function authority(): Promise<Certificate> {
  return once('authority', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'octoftp test authority' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notBeforeDate: days(-60),
      notAfterDate: days(365),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
      ],
    })
    return { key, cert, ca: cert }
  })
}

interface LeafOptions {
  readonly notBeforeDate?: Date
  readonly usage?: 'serverAuth' | 'clientAuth'
}

async function signed(names: Name[], validForDays: number, options: LeafOptions = {}): Promise<Certificate> {
  const { key: signingKey, cert: ca } = await authority()
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'octoftp test server' }], {
    ...leaf(names, options),
    notAfterDate: days(validForDays),
    ca: { key: signingKey, cert: ca },
  })
  return { key, cert, ca }
}

async function selfSigned(): Promise<Certificate> {
  const subject = [{ name: 'commonName', value: 'octoftp test server, self-signed' }]
  const { private: key, cert } = await generate(subject, { ...leaf(HERE), notAfterDate: days(365) })
  return { key, cert, ca: cert }
}

function leaf(
  names: Name[],
  { notBeforeDate = days(-30), usage = 'serverAuth' }: LeafOptions = {},
): Parameters<typeof generate>[1] {
  return {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', [usage]: true },
      { name: 'subjectAltName', altNames: names },
    ],
  }
}

function days(fromNow: number): Date {
  return new Date(Date.now() + fromNow * DAY_MS)
}
