/**
 * The right file from every real server, plain, by explicit and by implicit TLS, over 1, 4 and 16 connections;
 * and the control connections survive the cuts that segments end by.
 */
import { createHash } from 'node:crypto'
import { readFile, truncate } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FtpClient, type DownloadOptions, type DownloadResult } from '../../src/index.ts'
import { describeServers, type DescribeServersOptions } from '../servers/vitest.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { connectionsMade } from '../support/connections-made.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

/** Not a multiple of anything; sixteen segments of more than half a megabyte. */
const SIZE = 9_437_184 + 4_321
const content = randomBytes(SIZE, 'matrix')
const digest = sha256(content)

const REAL_SERVERS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']
/** Those that hand out TLS sessions which data connections can resume. */
const RESUMING: ReadonlySet<ServerKind> = new Set(['vsftpd', 'proftpd', 'pyftpdlib'])

const matrix: readonly DescribeServersOptions[] = [
  { kinds: REAL_SERVERS },
  // What these two are feared for: a data connection that does not resume is refused.
  { kinds: ['vsftpd', 'proftpd'], securities: ['explicit', 'implicit'], requireReuse: true },
]

for (const options of matrix) {
  describeServers(options, (server, { kind, tls }) => {
    let ftp: FtpClient
    let folder: TemporaryDirectory

    beforeAll(async () => {
      folder = await temporaryDirectory()
      server().write('pub/a file.bin', content)
      ftp = clientOf(server())
    })
    afterAll(async () => {
      await ftp.close()
      await folder[Symbol.asyncDispose]()
    })

    /** The result, and how many data connections were under TLS, as events tell it. */
    async function fetch(
      remote: string,
      connections: number,
    ): Promise<{ result: DownloadResult; dataSessions: number }> {
      const lost: unknown[] = []
      let dataSessions = 0
      const settings: DownloadOptions = {
        connections,
        minSegmentSize: 65_536,
        on: {
          connection: ({ type, error }) => {
            if (type === 'lost') lost.push(error)
          },
          segment: ({ type, tls: secured }) => {
            if (type === 'finish' && secured !== undefined) dataSessions += 1
          },
        },
      }
      const result = await ftp.download(remote, folder.at('fetched'), settings)
      expect(lost).toEqual([])
      return { result, dataSessions }
    }

    it.each([1, 4, 16])('brings the file over %i connections', async (connections) => {
      const { result, dataSessions } = await fetch('pub/a file.bin', connections)
      expect(sha256(await readFile(folder.at('fetched')))).toBe(digest)
      expect(result).toMatchObject({ bytes: SIZE, refetchedBytes: 0 })
      expect(result.verified).toEqual({ size: 'matched', modified: 'matched', checksum: 'not asked' })
      expect(ftp.stats()).toMatchObject({ leased: 0, waiting: 0 })
      // Mostly one for each connection; on a busy machine one that is done early takes what another has not begun.
      if (tls === 'none') expect(result.tls).toBeUndefined()
      else expect(result.tls).toMatchObject({ dataSessions, protocol: 'TLSv1.3' })
      expect(dataSessions > 0).toBe(tls !== 'none')
      if (tls !== 'none' && RESUMING.has(kind)) expect(result.tls?.dataSessionsReused).toBe(dataSessions)
    })

    it('keeps the control connections whose segments were cut', async () => {
      // Large enough that it is not over before all four sessions are logged in.
      await truncate(server().write('large.bin', ''), 100_000_000)
      for (let round = 0; round < 10 && ftp.stats().open < 4; round++) await fetch('large.bin', 4)
      expect(ftp.stats().open).toBeGreaterThanOrEqual(4)
      const { made } = await connectionsMade(async () => {
        for (let round = 0; round < 5; round++) await fetch('large.bin', 4)
      })
      expect(made.filter((port) => port === server().port)).toEqual([])
    })
  })
}

function clientOf(server: RunningServer): FtpClient {
  const { user, password, ca } = server
  return new FtpClient(server.url, { user, password, tls: { ca }, maxConnections: 16 })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
