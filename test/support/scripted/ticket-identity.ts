import { createHash } from 'node:crypto'

const HANDSHAKE_RECORD = 0x16
const SESSION_TICKET = 0x0023
const PRE_SHARED_KEY = 0x0029

/** True once a whole ClientHello (or something that is none) stands in `bytes`. */
export function isWholeClientHello(bytes: Buffer): boolean {
  if (bytes.length === 0) return false
  if (bytes[0] !== HANDSHAKE_RECORD) return true
  return bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)
}

/**
 * Which ticket a ClientHello offers, as a short digest: equal for two connections that offered the same one.
 * TLS 1.3: the first PSK identity (RFC 8446 §4.2.11). TLS 1.2: the ticket (RFC 5077).
 */
export function ticketIdentity(hello: Buffer): string | undefined {
  if (hello[0] !== HANDSHAKE_RECORD) return undefined
  const sessionId = 5 + 4 + 2 + 32
  const ciphers = sessionId + 1 + hello.readUInt8(sessionId)
  const compressions = ciphers + 2 + hello.readUInt16BE(ciphers)
  const extensions = compressions + 1 + hello.readUInt8(compressions)
  return digest(offeredTicket(hello.subarray(extensions + 2)))
}

function offeredTicket(extensions: Buffer): Buffer | undefined {
  let at = 0
  let ticket: Buffer | undefined
  while (at + 4 <= extensions.length) {
    const type = extensions.readUInt16BE(at)
    const body = extensions.subarray(at + 4, at + 4 + extensions.readUInt16BE(at + 2))
    if (type === PRE_SHARED_KEY) return body.subarray(4, 4 + body.readUInt16BE(2))
    if (type === SESSION_TICKET && body.length > 0) ticket = body
    at += 4 + body.length
  }
  return ticket
}

function digest(ticket: Buffer | undefined): string | undefined {
  return ticket && createHash('sha256').update(ticket).digest('hex').slice(0, 16)
}
