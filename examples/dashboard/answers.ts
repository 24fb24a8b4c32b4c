/** How a request is read, and what every answer carries. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { failureOf, Refusal } from './failures.ts'
import { fieldsOf, type Fields } from './fields.ts'

/** Some ten thousand selected names. */
const LONGEST_BODY_BYTES = 16 * 2 ** 20

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

export function protect(response: ServerResponse): void {
  response.setHeader('content-security-policy', POLICY)
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
  response.setHeader('cross-origin-opener-policy', 'same-origin')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  response.setHeader('cache-control', 'no-store')
}

export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(value ?? {}))
}

/** Once the answer has begun it can only be cut. */
export function answerFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  answerJson(response, failureOf(error), error instanceof Refusal ? error.status : 502)
}

export async function readFields(request: IncomingMessage): Promise<Fields> {
  if (request.headers['content-type'] !== 'application/json') throw new Refusal(415, 'JSON is wanted')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > LONGEST_BODY_BYTES) throw new Refusal(413, 'That is too long')
    chunks.push(chunk)
  }
  try {
    return fieldsOf(JSON.parse(Buffer.concat(chunks).toString()))
  } catch (cause) {
    throw new Refusal(400, `The request is no JSON: ${(cause as Error).message}`)
  }
}
