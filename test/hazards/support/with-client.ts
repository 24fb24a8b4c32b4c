/** A client of a fake server that has {@link CONTENT}, for what is no single download. */
import { expect } from 'vitest'
import { FtpClient, type FtpClientOptions } from '../../../src/index.ts'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../../support/leaks.ts'
import { clientOptions, CONTENT, PASSWORD, serving } from './attempt.ts'
import { findSecret } from './secrets.ts'

/**
 * Runs `use`. Fails if anything is left behind it: a socket, a timer, a session in use, the password in what it gives.
 */
export function withClient<T>(
  server: FakeFtpOptions,
  options: FtpClientOptions,
  use: (client: FtpClient, server: FakeFtpServer) => Promise<T>,
  content: Buffer = CONTENT,
): Promise<T> {
  return expectNoLeaks(async () => {
    await using fake = await fakeFtpServer(serving(content, server))
    await using client = new FtpClient(await clientOptions(fake, options))
    const value = await use(client, fake)
    expect(findSecret([value], PASSWORD)).toEqual([])
    expect(client.stats()).toMatchObject({ leased: 0, waiting: 0 })
    return value
  })
}

/** What a call fails with, which it has to. */
export async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'rejected') return settled.reason
  throw new Error('it was expected to fail')
}
