/** Asks a proxy for one connection. */
import type { Duplex } from 'node:stream'
import { expect } from 'vitest'
import { connectBy, type Connect, type ConnectRequest } from '../../../src/transport/connect.ts'
import { findSecret } from '../../hazards/support/secrets.ts'
import { expectNoLeaks } from '../../support/leaks.ts'

export const SECRET = 'hunter2/secret'

export function asked(connect: Connect, more: Partial<ConnectRequest> = {}): Promise<Duplex> {
  return connectBy(connect, {
    ...{ host: 'server.test', port: 2121, purpose: 'control', family: 0, localAddress: undefined },
    ...{ timeoutMs: 20_000, signal: undefined, ...more },
  })
}

/** What it rejects with; nothing is left, and the secret shows nowhere. */
export async function refusal(connect: Connect, more: Partial<ConnectRequest> = {}): Promise<Error> {
  const error = await expectNoLeaks(() =>
    asked(connect, more).then(
      () => Promise.reject(new Error('it connected')),
      (reason: unknown) => reason as Error,
    ),
  )
  expect(findSecret([error, connect], SECRET)).toEqual([])
  expect(findSecret(error, Buffer.from(`carl:${SECRET}`).toString('base64'))).toEqual([])
  return error
}

/** The first bytes that come. */
export function firstOf(carrier: Duplex): Promise<string> {
  return new Promise((resolve) => {
    carrier.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    carrier.resume()
  })
}
