import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { fakeFtpServer, type FakeSession, type Override } from '../support/fake-ftp-server.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const BYTES = randomBytes(100_000, 3)

test('a server that drops what comes behind a command, and looks like one that does not', async () => {
  const deaf = new WeakSet<FakeSession>()
  const heard: Override = (session, _argument, proceed) => (deaf.has(session) ? undefined : proceed())
  await using server = await fakeFtpServer({
    ...{ security: 'none', greeting: '220 ProFTPD Server ready.', files: { '/a': BYTES } },
    on: {
      FEAT: (session, _argument, proceed) => {
        if (session.control.hasMore) deaf.add(session)
        return proceed()
      },
      OPTS: heard,
    },
  })
  await using folder = await temporaryDirectory()
  await using ftp = new FtpClient(`ftp://${server.host}:${server.port}`, {
    ...{ timeouts: { reply: 200 }, retry: { minDelay: 1, maxDelay: 5 } },
  })
  const [first, second] = [folder.at('first'), folder.at('second')]
  expect(await ftp.download('/a', first)).toMatchObject({ bytes: BYTES.length })
  const logins = server.logins.length
  expect(logins).toBeGreaterThan(1)
  expect(await ftp.download('/a', second)).toMatchObject({ bytes: BYTES.length })
  expect(server.logins.length).toBe(logins)
  for (const path of [first, second]) expect(readFileSync(path).equals(BYTES)).toBe(true)
})
