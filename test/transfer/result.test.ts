/** What a download that went well says of itself, and what it leaves on disk. */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { REMOTE, succeed, SIZE } from '../hazards/support/attempt.ts'

let path = ''
const MODIFIED = new Date('2021-03-04T05:06:07Z')

test('everything, of a plain one', async () => {
  const { result, server } = await succeed({ download: { connections: 1 } })
  expect(result).toEqual({
    path: result.path,
    bytes: SIZE,
    resumedBytes: 0,
    refetchedBytes: 0,
    overfetchedBytes: 0,
    skipped: false,
    elapsedSeconds: result.elapsedSeconds,
    averageBytesPerSecond: result.averageBytesPerSecond,
    connections: 1,
    tls: undefined,
    verified: { size: 'matched', modified: 'matched', checksum: 'not asked' },
    checksum: undefined,
    sources: [{ url: `ftp://127.0.0.1:${server.port}/${REMOTE}`, bytes: SIZE, dropped: undefined }],
  })
  expect(result.elapsedSeconds).toBeGreaterThan(0)
})

test('the TLS of one that was protected', async () => {
  const { result, server } = await succeed({ server: { security: 'explicit' }, download: { connections: 4 } })
  // A connection that logs in late may find nothing left to do.
  const { length } = server.dataConnections
  expect(length).toBeGreaterThan(0)
  expect(result.tls).toEqual({ protocol: 'TLSv1.3', dataSessions: length, dataSessionsReused: length })
})

test('nothing asked: nothing claimed', async () => {
  const { result, server } = await succeed({
    download: { verify: { size: false, modified: false }, connections: 4 },
  })
  expect(result.verified).toEqual({ size: 'not asked', modified: 'not asked', checksum: 'not asked' })
  expect(server.retrievals).toHaveLength(1)
})

test.each([
  [true, MODIFIED.getTime()],
  [undefined, MODIFIED.getTime()],
])("preserveModified %s: the server's time", async (preserveModified, expected) => {
  await succeed({
    server: { modified: () => MODIFIED },
    download: { preserveModified },
    after: async ({ target }) => expect((await stat(target)).mtimeMs).toBe(expected),
  })
})

test('preserveModified false: the time of its writing', async () => {
  await succeed({
    server: { modified: () => MODIFIED },
    download: { preserveModified: false },
    after: async ({ target }) =>
      expect((await stat(target)).mtimeMs).toBeGreaterThan(MODIFIED.getTime() + 1e10),
  })
})

test('the target is another file afterwards: who has the old one open reads the old one to its end', async () => {
  let old: FileHandle | undefined
  await succeed({
    server: {
      on: {
        FEAT: async (_session, _argument, proceed) => {
          old = await open(path)
          await proceed()
        },
      },
    },
    during: (_transfer, { target }) => void (path = target),
    after: async () => {
      expect((await old?.readFile())?.length).toBe(1_234)
      await old?.close()
    },
  })
})
