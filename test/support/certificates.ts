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
]
const ELSEWHERE: Name[] = [{ type: 2, value: 'elsewhere.example' }]
const DAY_MS = 86_400_000

const made = new Map<string, Promise<Certificate>>()

/** For localhost, 127.0.0.1 and ::1, signed by the test authority (`ca`). Made once per process. */
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

async function signed(names: Name[], validForDays: number): Promise<Certificate> {
  const { key: signingKey, cert: ca } = await authority()
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'octoftp test server' }], {
    ...leaf(names),
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

function leaf(names: Name[]): Parameters<typeof generate>[1] {
  return {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: days(-30),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: names },
    ],
  }
}

function days(fromNow: number): Date {
  return new Date(Date.now() + fromNow * DAY_MS)
}
