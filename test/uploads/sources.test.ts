/** What a source can do while it is sent. */
import { describe, expect, test } from 'vitest'
import { CONTENT, storing, upload } from './attempt.ts'

/** Gives a little, tells `then`, and nothing more ever. */
async function* silentBehind(then: () => void): AsyncGenerator<Uint8Array> {
  yield CONTENT.subarray(0, 1_000)
  then()
  await new Promise(() => {})
}

describe('a source that has nothing to give for the time being', () => {
  test('does not hold up an abort', async () => {
    const controller = new AbortController()
    const reason = new Error('of our own')
    const { error } = await upload(
      async (control) => {
        const data = await storing(control)
        control.reply('150 send')
        await data.departed
        control.reply('426 cut')
      },
      silentBehind(() => controller.abort(reason)),
      { signal: controller.signal },
    )
    expect(error).toBe(reason)
  })

  test.each(['552 over quota', '421 going down'])('does not hold up a %s', async (reply) => {
    let isSilent = (): void => {}
    const silence = new Promise<void>((resolve) => (isSilent = resolve))
    const { error } = await upload(async (control) => {
      const data = await storing(control)
      control.reply('150 send')
      await silence
      await data.end()
      control.reply(reply)
    }, silentBehind(isSilent))
    expect(error).toMatchObject({ name: 'FtpReplyError', reply: { code: Number(reply.slice(0, 3)) } })
  })
})
