/** Remote files as streams: what must never end as if it were whole. */
import { describe, expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { clientOptions, REMOTE, serving } from '../hazards/support/attempt.ts'
import { fakeFtpServer, type FakeFtpOptions } from '../support/fake-ftp-server.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { patternFile } from '../support/pattern-file.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { letIn } from '../session/logged-in.ts'
import {
  scriptedServer,
  type Dialogue,
  type ScriptedControl,
  type ScriptedData,
} from '../support/scripted-server.ts'

const CONTENT = randomBytes(300_007, 'hazards of streams')

function reading<T>(server: FakeFtpOptions, read: (ftp: FtpClient) => Promise<T>): Promise<T> {
  return expectNoLeaks(async () => {
    await using running = await fakeFtpServer(serving(CONTENT, server))
    await using ftp = new FtpClient(await clientOptions(running, { maxConnections: 1 }))
    return await read(ftp)
  })
}

function scripted<T>(dialogue: Dialogue, read: (ftp: FtpClient) => Promise<T>): Promise<T> {
  return expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control, index) => {
      if (index === 0) await letIn(control)
      else {
        control.reply('220 ready')
        await control.expect(/^USER /).reply('230 come in')
      }
      await control.expect('TYPE I').reply('200 fine')
      await dialogue(control, index)
    })
    const { host, port } = server
    const retry = { attempts: 3, minDelay: 1, maxDelay: 2 }
    await using ftp = new FtpClient({ host, port, security: 'none', retry, maxConnections: 1 })
    return await read(ftp)
  })
}

interface Served {
  /** From which byte it is asked for. */
  readonly start: number
  readonly answer: string
  readonly bytes: Buffer
}

/** Tells that the file has 100 bytes, and sends what it likes. */
async function serve(control: ScriptedControl, { start, answer, bytes }: Served): Promise<ScriptedData> {
  await control.expect('SIZE file').reply('213 100')
  const data = await control.passive()
  if (start > 0) await control.expect(`REST ${start}`).reply(answer)
  await control.expect('RETR file').reply('150 here it comes')
  await data.write(bytes)
  return data
}

const failure = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)

describe("a size that is not the file's", () => {
  test.each([1, 5_000, CONTENT.length])('too small by %i', async (missing) => {
    const error = await reading({ sizeTold: (_path, size) => size - missing }, (ftp) =>
      failure(ftp.readFile(REMOTE)),
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_SIZE_MISMATCH', expected: CONTENT.length - missing })
  })
})

describe('a file without an end', () => {
  const endless = { files: { [REMOTE]: patternFile(2 ** 50) } }

  test.each<[string, FakeFtpOptions]>([
    ['whose size is told', endless],
    ['whose size is not', { ...endless, unsupported: ['SIZE'] }],
  ])('%s is read as far as `end`', async (_name, options) => {
    expect(await reading(options, (ftp) => ftp.readFile(REMOTE, { end: 99_999 }))).toHaveLength(100_000)
  })
})

test('a session on which too much has come is asked again when its last reply has', async () => {
  const error = await scripted(
    async (control) => {
      await serve(control, { start: 60, answer: '350 as you like', bytes: CONTENT.subarray(0, 100) })
      // A question that does not wait comes before it.
      await new Promise((resolve) => setTimeout(resolve, 100))
      control.reply('426 cut')
      await control.expect('SIZE file').reply('213 100')
      await control.expect('QUIT').reply('221 bye')
    },
    (ftp) => failure(ftp.readFile('file', { start: 60, end: 99 })),
  )
  expect(error).toMatchObject({ code: 'ERR_FTP_SIZE_MISMATCH' })
})

describe('a file that has grown since its size was told', () => {
  test.each<[string, { start?: number; end: number }]>([
    ['from its start', { end: 99 }],
    ['from behind it', { start: 60, end: 99 }],
  ])('is read as far as `end`, %s', async (_from, range) => {
    const { start = 0 } = range
    const bytes = await scripted(
      async (control) => {
        const bytes = CONTENT.subarray(start, 120)
        const data = await serve(control, { start, answer: '350 from there', bytes })
        await data.end()
        control.reply('226 done')
        if (start > 0) await control.expect('SIZE file').reply('213 120')
      },
      (ftp) => ftp.readFile('file', range),
    )
    expect(bytes.equals(CONTENT.subarray(start, 100))).toBe(true)
  })
})

test.each([{ start: 60 }, { start: 60, end: 99 }])(
  'a server that answers REST and begins at the start of the file, %j',
  async (range) => {
    const error = await scripted(
      async (control) => {
        const bytes = CONTENT.subarray(0, 100)
        const data = await serve(control, { start: 60, answer: '350 as you like', bytes })
        await data.end()
        control.reply('226 done')
        if ('end' in range) await control.expect('SIZE file').reply('213 100')
      },
      (ftp) => failure(ftp.readFile('file', range)),
    )
    expect(error).toMatchObject({ code: 'ERR_FTP_SIZE_MISMATCH' })
  },
)

test.each([0, 300, 70_000])('a file that has %i bytes when the stream is to go on', async (left) => {
  const error = await scripted(
    async (control, index) => {
      if (index > 0) {
        await control.expect('SIZE file').reply(`213 ${left}`)
        return
      }
      await control.expect('SIZE file').reply('213 90000')
      const data = await control.passive()
      await control.expect('RETR file').reply('150 here it comes')
      await data.write(CONTENT.subarray(0, 50_000))
      await data.delivered()
      await data.reset()
      await control.reset()
    },
    (ftp) => failure(ftp.readFile('file')),
  )
  expect(error).toMatchObject({ code: 'ERR_FTP_SOURCE_CHANGED' })
})

describe('an abort', () => {
  test('rejects with its reason, untouched, before and while bytes come', async () => {
    const reason = new Error('of our own')
    await reading({ bytesPerSecond: 1_000_000 }, async (ftp) => {
      expect(await failure(ftp.readFile(REMOTE, { signal: AbortSignal.abort(reason) }))).toBe(reason)
      expect(ftp.stats().open).toBe(0)
      const controller = new AbortController()
      const stream = ftp.createReadStream(REMOTE, { signal: controller.signal })
      stream.once('data', () => controller.abort(reason))
      expect(await failure(stream.toArray())).toBe(reason)
      expect(await ftp.size(REMOTE)).toBe(CONTENT.length)
    })
  })

  test('leaves no listener on a signal that lives on', async () => {
    const { signal } = new AbortController()
    await expectNoLeaks(() => reading({}, (ftp) => ftp.readFile(REMOTE, { signal })), { watch: [signal] })
  })

  test('does not wait for a server that does not say why it refuses', async () => {
    const controller = new AbortController()
    const reason = new Error('of our own')
    const error = await scripted(
      async (control) => {
        await control.expect('SIZE file').reply('550 no')
        await control.passive()
        await control.expect('RETR file').reply('550 no')
        await control.expect('PWD')
        controller.abort(reason)
        await control.silence()
      },
      (ftp) => failure(ftp.readFile('file', { signal: controller.signal })),
    )
    expect(error).toBe(reason)
  })
})

test('a connection that cannot be made for the time being is tried again, as a lost one is', async () => {
  await using server = await scriptedServer(async (control, index) => {
    if (index === 1) return control.reset()
    if (index === 0) await letIn(control)
    else {
      control.reply('220 ready')
      await control.expect(/^USER /).reply('230 come in')
    }
    await control.expect('TYPE I').reply('200 fine')
    if (index === 0) await control.expect('SIZE before').reply('213 5')
    await control.expect('SIZE file')
    if (index === 0) return control.reset()
    control.reply('213 5')
    const data = await control.passive()
    await control.expect('RETR file').reply('150 here it comes')
    await data.write('bytes')
    await data.end()
    control.reply('226 done')
  })
  const { host, port } = server
  await using ftp = new FtpClient({ host, port, security: 'none', retry: { minDelay: 1, maxDelay: 2 } })
  expect(await ftp.size('before')).toBe(5)
  expect(await ftp.readFile('file', { encoding: 'utf8' })).toBe('bytes')
})
