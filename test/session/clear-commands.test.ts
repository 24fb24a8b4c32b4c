/** CCC on real servers: those that have it, and those that do not. */
import { describe, expect, it } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { whyUnavailable } from '../servers/installation.ts'
import { useServer } from '../servers/vitest.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { wiretap } from '../support/wiretap.ts'

const BYTES = Buffer.alloc(300_000, 'octo')

function clientOf({ host, user, password, ca }: RunningServer, port: number): FtpClient {
  return new FtpClient({ host, port, user, password, tls: { ca }, clearCommandChannel: true })
}

describe('Pure-FTPd', () => {
  it.for(['1.2', '1.3'] as const)('TLS %s: files and listings, as ever', async (tlsVersion, context) => {
    const unavailable = whyUnavailable('pure-ftpd')
    if (unavailable !== undefined) context.skip(unavailable)
    const server = await useServer('pure-ftpd', { tls: 'explicit', tlsVersion })
    await using tap = await wiretap(server.port)
    const client = clientOf(server, tap.port)
    const { tls } = await client.upload(BYTES, 'file')
    expect(tls?.protocol).toBe(`TLSv${tlsVersion}`)
    expect((await client.readFile('file')).equals(BYTES)).toBe(true)
    expect((await client.listAll('.')).map(({ name }) => name)).toEqual(['file'])
    await client.close()
    for (const said of tap.inClear) {
      expect(said).toMatch(/^AUTH TLS\r\n(?!USER|PASS)[A-Z]/)
      expect(said).not.toContain(server.password)
    }
    expect(tap.inClear.join('')).toContain('RETR file\r\n')
  })
})

describe('refused', () => {
  it.for<ServerKind>(['vsftpd', 'proftpd', 'pyftpdlib', 'ftp-srv'])('%s', async (kind, context) => {
    const unavailable = whyUnavailable(kind)
    if (unavailable !== undefined) context.skip(unavailable)
    const server = await useServer(kind, { tls: 'explicit' })
    const client = clientOf(server, server.port)
    await expect(client.size('file')).rejects.toMatchObject({ code: 'ERR_FTP_TLS_REFUSED', command: 'CCC' })
    await client.close()
  })
})
