/** Uploads whose connection was lost: sent on from where the server has come to, if that is sure, else from the start. */
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { letIn } from '../session/logged-in.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { scriptedServer, type Dialogue, type ScriptedControl } from '../support/scripted-server.ts'
import { letInAgain, upload, type Attempt } from './attempt.ts'

/** So much that it is worth going on. */
const LARGE = randomBytes(1_500_001, 'uploads that go on')

/** Has `older` bytes of that name before, breaks off in the middle of it, and then plays `then`. */
function brokenOff(older: string, then: (control: ScriptedControl) => Promise<void>): Promise<Attempt> {
  const dialogue: Dialogue = async (control, index) => {
    await control.expect('TYPE I').reply('200 fine')
    if (index > 0) return then(control)
    await control.expect('SIZE file').reply(older)
    const data = await control.passive()
    await control.expect('STOR file').reply('150 send')
    await data.accepted
    await control.reset()
  }
  return upload(dialogue, LARGE)
}

/** Takes a STOR whose bytes have to be those from `from` on, and tells the size behind it. */
async function takesFrom(control: ScriptedControl, from: number): Promise<void> {
  const data = await control.passive()
  if (from > 0) await control.expect(`REST ${from}`).reply('350 go on')
  await takes(control, data, from)
  if (from > 0) await shows(control, LARGE.subarray(0, from))
  await control.expect('SIZE file').reply(`213 ${LARGE.length}`)
}

async function takes(
  control: ScriptedControl,
  data: Awaited<ReturnType<ScriptedControl['passive']>>,
  from: number,
): Promise<void> {
  await control.expect('STOR file').reply('150 send')
  expect(LARGE.subarray(from).equals(await data.readToEnd())).toBe(true)
  await data.end()
  control.reply('226 done')
}

/** What stands before the place where it went on. */
async function shows(control: ScriptedControl, kept: Uint8Array): Promise<void> {
  const data = await control.passive()
  await control.expect('RETR file').reply('150 here it is')
  await data.write(kept)
  await data.departed
  control.reply('426 you have left')
}

test.each(['213 5000', '550 nothing there'])(
  'goes on with what has come, where there was %s',
  async (older) => {
    const { result } = await brokenOff(older, async (control) => {
      await control.expect('SIZE file').reply('213 1000')
      await takesFrom(control, 1_000)
    })
    expect(result?.verified.size).toBe('matched')
  },
)

test('a server that empties the file at STOR, whatever REST has said: all of it is sent again', async () => {
  const { result } = await brokenOff('550 nothing there', async (control) => {
    await control.expect('SIZE file').reply('213 1000')
    const data = await control.passive()
    await control.expect('REST 1000').reply('350 go on')
    await takes(control, data, 1_000)
    await shows(control, Buffer.alloc(1_000))
    await takesFrom(control, 0)
  })
  expect(result?.verified.size).toBe('matched')
})

test('a server that keeps the older file until the new one is whole: no mixture of both', async () => {
  const { result } = await brokenOff('213 1000', async (control) => {
    await control.expect('SIZE file').reply('213 1000')
    await takesFrom(control, 0)
  })
  expect(result?.verified.size).toBe('matched')
})

test('REST that is refused, and APPE as well: all of it is sent', async () => {
  const { result, retries } = await brokenOff('550 nothing there', async (control) => {
    await control.expect('SIZE file').reply('213 1000')
    await control.passive()
    await control.expect('REST 1000').reply('502 not here')
    await control.expect('SIZE file').reply('213 1000')
    await control.passive()
    await control.expect('APPE file').reply('502 nor here')
    await takesFrom(control, 0)
  })
  expect([result?.verified.size, retries]).toEqual(['matched', 3])
})

test('STOR that is refused behind REST, as ProFTPD does unless told otherwise: the rest is added', async () => {
  const { result } = await brokenOff('550 nothing there', async (control) => {
    await control.expect('SIZE file').reply('213 1000')
    await control.passive()
    await control.expect('REST 1000').reply('350 go on')
    await control.expect('STOR file').reply('451 file: Restart not permitted, try again')
    await control.expect('SIZE file').reply('213 1000')
    const data = await control.passive()
    await control.expect('REST 0').reply('350 from the start')
    await control.expect('APPE file').reply('150 send')
    expect(LARGE.subarray(1_000).equals(await data.readToEnd())).toBe(true)
    await data.end()
    control.reply('226 done')
    await control.expect('SIZE file').reply(`213 ${LARGE.length}`)
  })
  expect(result?.verified.size).toBe('matched')
})

test('a connection that cannot be made for the time being is tried again, as a lost one is', async () => {
  await using server = await scriptedServer(async (control, index) => {
    if (index === 1) return control.reset()
    await (index === 0 ? letIn(control) : letInAgain(control))
    await control.expect('TYPE I').reply('200 fine')
    const data = await control.passive()
    await control.expect('STOR file')
    if (index === 0) return control.reset()
    control.reply('150 send')
    await data.readToEnd()
    await data.end()
    control.reply('226 done')
    await control.expect('SIZE file').reply('213 5')
  })
  const { host, port } = server
  await using client = new FtpClient({ host, port, security: 'none', retry: { minDelay: 1, maxDelay: 2 } })
  const { verified } = await client.upload(Buffer.from('bytes'), 'file')
  expect(verified.size).toBe('matched')
})

test.each([
  ['all of it is there', `213 ${LARGE.length + 7}`, undefined],
  ['less is there', '213 1000', 'ERR_FTP_CONTROL_CLOSED'],
  ['nobody says what is there', '550 no', 'ERR_FTP_CONTROL_CLOSED'],
])('what was added from a stream, and its 226 lost with the connection: %s', async (_, size, code) => {
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield LARGE
  }
  const { result, error } = await upload(
    async (control, index) => {
      await control.expect('TYPE I').reply('200 fine')
      if (index > 0) {
        await control.expect('SIZE file').reply(size)
        if (code === undefined) await control.expect('SIZE file').reply(size)
        return
      }
      await control.expect('SIZE file').reply('213 7')
      const data = await control.passive()
      await control.expect('APPE file').reply('150 send')
      await data.readToEnd()
      await data.end()
      await control.reset()
    },
    source(),
    { append: true },
  )
  if (code === undefined) expect(result).toMatchObject({ verified: { size: 'matched' } })
  else expect(error).toMatchObject({ code })
})

test('a file whose 226 was lost with the connection is not sent again', async () => {
  const { result } = await brokenOff('550 nothing there', async (control) => {
    await control.expect('SIZE file').reply(`213 ${LARGE.length}`)
    await control.expect('SIZE file').reply(`213 ${LARGE.length}`)
  })
  expect(result).toMatchObject({ bytes: LARGE.length, resentBytes: 0, verified: { size: 'matched' } })
})
