/** What a source can do while it is sent. */
import { execFileSync } from 'node:child_process'
import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { CONTENT, storing, storingStream, upload } from './attempt.ts'

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
        const data = await storingStream(control)
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
      const data = await storingStream(control)
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
        const data = await storingStream(control)
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

test('a buffer may be used again as soon as more is asked for', async () => {
  const total = 24_000_000
  const source = async function* (): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.alloc(200_000)
    for (let at = 0; at < total; at += buffer.length) yield buffer.fill((at / buffer.length) % 251)
  }
  const { result } = await upload(async (control) => {
    const data = await storingStream(control)
    control.reply('150 send')
    const received = await data.readToEnd()
    for (let at = 0; at < total; at += 200_000) {
      const part = received.subarray(at, at + 200_000)
      if (!part.equals(Buffer.alloc(200_000, (at / 200_000) % 251))) throw new Error(`other bytes at ${at}`)
    }
    await data.end()
    control.reply('226 done')
    await control.expect('SIZE file').reply(`213 ${total}`)
  }, source())
  expect(result?.bytes).toBe(total)
})

describe('a local file', () => {
  test('that becomes shorter while it is sent is an error', async () => {
    await using folder = await temporaryDirectory()
    const path = folder.at('file')
    await writeFile(path, Buffer.concat(Array.from({ length: 20 }, () => CONTENT)))
    const { error } = await upload(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        await control.expect('SIZE file').reply('550 nothing there')
        const data = await storing(control, false)
        await truncate(path, 1_000)
        control.reply('150 send')
        await data.readToEnd()
        await data.end()
        control.reply('226 done')
      },
      path,
      { preserveModified: false },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
  })

  test('that grows while it is sent is an error, and is sent no further than it was', async () => {
    await using folder = await temporaryDirectory()
    const path = folder.at('file')
    const content = Buffer.concat(Array.from({ length: 20 }, () => CONTENT))
    await writeFile(path, content)
    const { error } = await upload(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        await control.expect('SIZE file').reply('550 nothing there')
        const data = await storing(control, false)
        control.reply('150 send')
        await data.accepted
        await appendFile(path, content)
        expect(content.equals(await data.readToEnd())).toBe(true)
        await data.end()
        control.reply('226 done')
      },
      path,
      { preserveModified: false },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
  })

  test('that was written to between two attempts is sent from its start', async () => {
    await using folder = await temporaryDirectory()
    const path = folder.at('file')
    const content = Buffer.concat([CONTENT, CONTENT, CONTENT])
    await writeFile(path, content)
    const { result } = await upload(
      async (control, index) => {
        await control.expect('TYPE I').reply('200 fine')
        if (index === 0) await control.expect('SIZE file').reply('550 nothing there')
        const data = await storing(control, false)
        control.reply('150 send')
        if (index === 0) {
          await data.accepted
          await writeFile(path, content.reverse())
          return control.reset()
        }
        expect(content.equals(await data.readToEnd())).toBe(true)
        await data.end()
        control.reply('226 done')
        await control.expect('SIZE file').reply(`213 ${content.length}`)
      },
      path,
      { preserveModified: false },
    )
    expect(result?.bytes).toBe(content.length)
  })

  test.skipIf(process.platform === 'win32')(
    'that is a named pipe is none, and is not waited for',
    async () => {
      await using folder = await temporaryDirectory()
      execFileSync('mkfifo', [folder.at('pipe')])
      const { error } = await upload(() => {}, folder.at('pipe'))
      expect(error).toMatchObject({ code: 'ERR_FTP_LOCAL_FILE' })
    },
  )
})
