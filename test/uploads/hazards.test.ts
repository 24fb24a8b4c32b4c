/** What can go wrong with an upload, played by a scripted server. */
import { describe, expect, test } from 'vitest'
import { CONTENT, endless, storing, stored, storingStream, upload } from './attempt.ts'

describe('an upload', () => {
  test('nothing is taken from the source when STOR is refused', async () => {
    let taken = 0
    const source = async function* (): AsyncGenerator<Uint8Array> {
      taken += 1
      yield CONTENT
    }
    const { error, retries } = await upload(async (control) => {
      await storingStream(control)
      control.reply('452 no space left')
      await storing(control, false)
      control.reply('452 no space left')
      await storing(control, false)
      control.reply('452 no space left')
    }, source())
    expect(error).toMatchObject({ name: 'FtpReplyError', reply: { code: 452 } })
    expect([taken, retries]).toEqual([0, 2])
  })

  test('the refusal in mid-transfer is the error, and not the lost connection behind it', async () => {
    const { error, retries } = await upload(async (control) => {
      const data = await storingStream(control)
      control.reply('150 send')
      await data.accepted
      control.reply('552 over quota')
      await control.flushed()
      await data.reset()
    }, endless())
    expect(error).toMatchObject({ code: 'ERR_FTP_REPLY', reply: { code: 552 } })
    expect(retries).toBe(0)
  })

  test('a drop box that does not tell the size, or has moved it away, is no failure', async () => {
    const { result } = await upload(async (control) => {
      await stored(control)
      await control.expect('SIZE file').reply('550 no such file')
    })
    expect(result?.verified.size).toBe('unavailable')
  })

  test('226 for a part of it: it is sent once more', async () => {
    const { result, retries } = await upload(async (control) => {
      for (const size of [30_000, CONTENT.length]) {
        await stored(control, size === 30_000)
        await control.expect('SIZE file').reply(`213 ${size}`)
      }
    })
    const resentBytes = CONTENT.length
    expect(result).toMatchObject({ bytes: CONTENT.length, resentBytes, verified: { size: 'matched' } })
    expect(retries).toBe(1)
  })

  test('226 for a part of it, twice, is an error', async () => {
    const { error, retries } = await upload(async (control) => {
      for (const isFirst of [true, false]) {
        await stored(control, isFirst)
        await control.expect('SIZE file').reply('213 700000')
      }
    })
    expect(error).toMatchObject({
      ...{ code: 'ERR_FTP_SIZE_MISMATCH', expected: CONTENT.length, actual: 700_000 },
    })
    expect(retries).toBe(1)
  })

  test.each([
    ['more than was sent', 'auto', '213 700002', 700_002],
    ['no size where one is required', 'require', '550 no', undefined],
  ] as const)('%s is an error', async (_, verify, reply, actual) => {
    const { error } = await upload(
      async (control) => {
        await stored(control)
        await control.expect('SIZE file').reply(reply)
      },
      CONTENT,
      { verify },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_SIZE_MISMATCH', expected: CONTENT.length, actual })
  })

  test('a server that says 226 and leaves the data connection open does not keep us', async () => {
    const { result } = await upload(async (control) => {
      const data = await storing(control)
      control.reply('150 send')
      await data.readToEnd()
      control.reply('226 done')
      await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
    })
    expect(result?.verified.size).toBe('matched')
  })

  test('a server that never says 150 gets the bytes all the same', async () => {
    const { result } = await upload(async (control) => {
      const data = await storing(control)
      expect(CONTENT.equals(await data.readToEnd())).toBe(true)
      await data.end()
      control.reply('226 done')
      await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
    })
    expect(result?.bytes).toBe(CONTENT.length)
  })

  test('what was taken from a stream cannot be sent again: the failure is told', async () => {
    const { error, retries } = await upload(async (control) => {
      const data = await storingStream(control)
      control.reply('150 send')
      await data.accepted
      await control.reset()
    }, endless())
    expect(error).toMatchObject({ code: 'ERR_FTP_CONTROL_CLOSED' })
    expect(retries).toBe(0)
  })

  test.each([
    ['nothing, and all of it then', '550 nothing there', `213 ${CONTENT.length}`, 'whole'],
    ['another file, and all of it then', '213 5', `213 ${CONTENT.length}`, 'whole'],
    ['another file, and less of it then', '213 5', '213 700000', 'lost'],
    [
      'a file of the same size, which may be there still',
      `213 ${CONTENT.length}`,
      `213 ${CONTENT.length}`,
      'lost',
    ],
    ['nobody knows what', '502 what?', '502 what?', 'lost'],
  ])('a stream whose 226 was lost: there was %s', async (_, before, behind, outcome) => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield CONTENT
    }
    const { result, error } = await upload(async (control, index) => {
      if (index === 0) {
        const data = await storingStream(control, before)
        control.reply('150 send')
        expect(CONTENT.equals(await data.readToEnd())).toBe(true)
        return control.reset()
      }
      await control.expect('TYPE I').reply('200 fine')
      await control.expect('SIZE file').reply(behind)
      if (outcome === 'whole') await control.expect('SIZE file').reply(behind)
    }, source())
    if (outcome === 'whole')
      expect(result).toMatchObject({ bytes: CONTENT.length, verified: { size: 'matched' } })
    else expect(error).toMatchObject({ code: 'ERR_FTP_CONTROL_CLOSED' })
  })

  test('a server without SIZE: what must not be replaced is looked for in the listing', async () => {
    const { error } = await upload(
      async (control) => {
        await control.expect('TYPE I').reply('200 fine')
        await control.expect('SIZE file').reply('502 what?')
        await control.expect('PWD').reply('257 "/" is it')
        await control.expect('CWD file').reply('550 no directory')
        await control.expect('SIZE file').reply('502 what?')
        await control.expect('MDTM file').reply('502 what?')
        const data = await control.passive()
        await control.expect('MLSD').reply('150 here it comes')
        await data.write('type=file;size=5; file\r\n')
        await data.end()
        control.reply('226 done')
      },
      CONTENT,
      { overwrite: 'error' },
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_EXISTS' })
  })

  test('an abort does not wait for a server that does not say why it refuses', async () => {
    const controller = new AbortController()
    const reason = new Error('of our own')
    const { error } = await upload(
      async (control) => {
        await storing(control)
        control.reply('553 no')
        await control.expect('PWD')
        controller.abort(reason)
        await control.silence()
      },
      CONTENT,
      { signal: controller.signal },
    )
    expect(error).toBe(reason)
  })
})
