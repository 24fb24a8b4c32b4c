/** Under TLS an end without close_notify may be anybody's: no end of a file whose size is not known. */
import { expect, test } from 'vitest'
import type { FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { CONTENT, fail, SIZE, succeed } from './support/attempt.ts'

function sending(bytes: Buffer, end: 'end' | 'endWithoutNotice'): NonNullable<FakeFtpOptions['on']> {
  return {
    RETR: async (session) => {
      session.reply('150 Here it comes')
      const data = await session.openData()
      if (!('write' in data)) throw new Error('no data connection')
      await data.write(bytes)
      await data[end]()
      session.reply('226 Done')
    },
  }
}

test.each(['passive', 'active'] as const)('a bare FIN and a 226, %s: an error, and no file', async (mode) => {
  const { error } = await fail({
    server: {
      security: 'explicit',
      unsupported: ['SIZE'],
      on: sending(CONTENT.subarray(0, 40_000), 'endWithoutNotice'),
    },
    client: { mode },
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_DATA' })
  expect((error as Error).message).toContain('close_notify')
})

test.each(['passive', 'active'] as const)('with close_notify, %s: the file', async (mode) => {
  const { result } = await succeed({
    server: { security: 'explicit', unsupported: ['SIZE'], on: sending(CONTENT, 'end') },
    client: { mode },
  })
  expect(result).toMatchObject({ bytes: SIZE, tls: { dataSessions: 1 } })
})

test('where SIZE is known the count decides, and no close_notify is needed', async () => {
  const on = sending(CONTENT, 'endWithoutNotice')
  await succeed({ server: { security: 'explicit', on }, download: { connections: 1 } })
})
