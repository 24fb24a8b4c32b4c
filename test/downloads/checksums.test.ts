/** The checksum of a finished file, against an expected value and against the server's own. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { clientOptions, CONTENT, fail, REMOTE, serving, SIZE, succeed } from '../hazards/support/attempt.ts'
import { fakeFtpServer } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const SHA256 = createHash('sha256').update(CONTENT).digest('hex')

test('an expected one that matches is told', async () => {
  const { result } = await succeed({ download: { verify: { expect: { sha256: SHA256.toUpperCase() } } } })
  expect(result.verified.checksum).toBe('matched')
  expect(result.checksum).toEqual({ algorithm: 'sha256', value: SHA256, origin: 'expected' })
})

test.each([1, 4])('an expected one that differs is an error, %i connections', async (connections) => {
  const expected = SHA256.replaceAll(/[0-9]/g, '0')
  const { error } = await fail({ download: { connections, verify: { expect: { sha256: expected } } } })
  expect(error).toMatchObject({
    code: 'ERR_FTP_CHECKSUM_MISMATCH',
    path: REMOTE,
    expected,
    actual: SHA256,
    retryable: false,
  })
})

test.each([
  { size: false, modified: false, checksum: 'auto' },
  { size: true, modified: true, checksum: 'auto' },
] as const)('the server is asked by the one session that there is: %o', async (verify) => {
  await expectNoLeaks(async () => {
    await using folder = await temporaryDirectory()
    await using server = await fakeFtpServer(serving(CONTENT, { limit: { connections: 1 } }))
    await using client = new FtpClient(await clientOptions(server, { maxConnections: 1 }))
    const result = await client.download(REMOTE, folder.at('file.bin'), { verify })
    // This server offers none.
    expect(result).toMatchObject({ bytes: SIZE, checksum: undefined, verified: { checksum: 'unavailable' } })
    expect(server.logins).toHaveLength(1)
    expect(await readdir(folder.path)).toEqual(['file.bin'])
  })
})
