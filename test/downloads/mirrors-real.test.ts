/** Real servers as mirrors of one file: the four of them, each in its own way of speaking. */
import { readFile, utimes } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { download, type DownloadSource, type TransferEvents } from '../../src/index.ts'
import { startServer } from '../servers/index.ts'
import { whyUnavailable } from '../servers/installation.ts'
import type { RunningServer, ServerKind } from '../servers/types.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const KINDS: readonly ServerKind[] = ['vsftpd', 'proftpd', 'pure-ftpd', 'pyftpdlib']
const AVAILABLE = KINDS.filter((kind) => whyUnavailable(kind) === undefined)
const MISSING = KINDS.filter((kind) => !AVAILABLE.includes(kind))
const SIZE = 24_000_007
const CONTENT = randomBytes(SIZE, 'real mirrors')

async function startAll(tls: 'none' | 'explicit', contents: readonly Buffer[]): Promise<RunningServer[]> {
  const servers = await Promise.all(AVAILABLE.map((kind) => startServer(kind, { tls })))
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.stop()))
  })
  const modified = new Date('2022-02-22T22:22:22Z')
  for (const [index, server] of servers.entries()) {
    await utimes(server.write('pub/x.bin', contents[index] ?? CONTENT), modified, modified)
  }
  return servers
}

function sourceOf({ url, user, password, ca }: RunningServer): DownloadSource {
  return { url: `${url}/pub/x.bin`, user, password, tls: { ca } }
}

describe.each(['none', 'explicit'] as const)('TLS: %s', (tls) => {
  test('several bring their parts of one file', async () => {
    await using folder = await temporaryDirectory()
    const servers = await startAll(tls, [])
    const dropped: TransferEvents['source'][] = []
    const result = await download(servers.map(sourceOf), folder.at('x.bin'), {
      connections: servers.length * 2,
      on: { source: (event) => void dropped.push(event) },
    })
    expect((await readFile(folder.at('x.bin'))).equals(CONTENT)).toBe(true)
    expect(dropped).toEqual([])
    expect(result.verified).toMatchObject({ size: 'matched', modified: 'matched' })
    // One that is slow to log in on a busy machine may find nothing left to do.
    expect(result.sources).toHaveLength(servers.length)
    expect(result.sources.filter(({ bytes }) => bytes > 0).length).toBeGreaterThan(1)
    expect(result.sources.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(CONTENT.length)
    expect(result.refetchedBytes).toBe(0)
  })

  test('one of them has another file of the same size and time', async () => {
    await using folder = await temporaryDirectory()
    const servers = await startAll(tls, [randomBytes(SIZE, 'not that file')])
    const result = await download(servers.map(sourceOf), folder.at('x.bin'), { connections: 8 })
    expect((await readFile(folder.at('x.bin'))).equals(CONTENT)).toBe(true)
    expect(result.sources.map(({ dropped }) => dropped)).toEqual(
      servers.map((_, index) => (index === 0 ? 'content' : undefined)),
    )
    expect(result.sources[0]?.bytes).toBe(0)
  })
})

if (MISSING.length > 0) {
  test(`left out: ${MISSING.join(', ')}`, (context) => context.skip('not installed here'))
}
