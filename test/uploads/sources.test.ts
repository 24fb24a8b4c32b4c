/** What a source can do while it is sent. */
import { Readable } from 'node:stream'
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

test('a stream is destroyed, whether or not anything was read of it', async () => {
  for (const reply of ['553 no', '150 send']) {
    const controller = new AbortController()
    const stream = new Readable({
      read: () => {
        if (reply.startsWith('150')) controller.abort(new Error('of our own'))
      },
    })
    const { error } = await upload(
      async (control) => {
        const data = await storing(control)
        control.reply(reply)
        if (reply.startsWith('553')) await control.expect(/^PWD/).reply('550 no')
        else await data.departed
        control.reply('426 cut')
      },
      stream,
      { signal: controller.signal },
    )
    expect(error).toBeInstanceOf(Error)
    expect(stream.destroyed).toBe(true)
  }
})
