/** A scripted server with one file, for the length of a test. */
import { onTestFinished } from 'vitest'
import { fakeFtpServer, type FakeFtpOptions, type FakeFtpServer } from '../../support/fake-ftp-server.ts'
import { randomBytes } from '../../support/random-bytes.ts'

/** Of `/pub/disk.iso`. */
export const CONTENT = randomBytes(5 * 2 ** 20, 'command line')

export async function serve(options: FakeFtpOptions = {}): Promise<FakeFtpServer> {
  const server = await fakeFtpServer({ files: { '/pub/disk.iso': CONTENT }, ...options })
  onTestFinished(() => server.close())
  return server
}
