/** One upload to a scripted server, with what has to hold whatever comes of it: nothing is left behind. */
import { expect } from 'vitest'
import { FtpClient, type FtpClientOptions, type UploadOptions, type UploadResult } from '../../src/index.ts'
import { letIn } from '../session/logged-in.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { randomBytes } from '../support/random-bytes.ts'
import {
  scriptedServer,
  type Dialogue,
  type ScriptedControl,
  type ScriptedData,
} from '../support/scripted-server.ts'

export const CONTENT = randomBytes(700_001, 'hazards of uploads')
const RETRY = { attempts: 3, minDelay: 1, maxDelay: 2 }

export interface Attempt {
  readonly result: UploadResult | undefined
  readonly error: unknown
  readonly retries: number
}

/** One upload to a server that plays `dialogue` behind each login. A text is the path of a local file. */
export function upload(
  dialogue: Dialogue,
  source: Parameters<FtpClient['upload']>[0] = CONTENT,
  options: UploadOptions = {},
  clientOptions: FtpClientOptions = {},
): Promise<Attempt> {
  return expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control, index) => {
      await (index === 0 ? letIn(control) : letInAgain(control))
      await dialogue(control, index)
    })
    const { host, port } = server
    const settings = { retry: RETRY, maxConnections: 1, ...clientOptions }
    await using client = new FtpClient({ host, port, security: 'none', ...settings })
    let retries = 0
    const on = { retry: () => void (retries += 1) }
    const outcome = await client.upload(source, 'file', { on, ...options }).then(
      (result) => ({ result, error: undefined }),
      (error: unknown) => ({ result: undefined, error }),
    )
    return { ...outcome, retries }
  })
}

/** FEAT is asked once. */
export async function letInAgain(control: ScriptedControl): Promise<void> {
  control.reply('220 ready')
  await control.expect(/^USER /).reply('230 come in')
}

export async function storing(control: ScriptedControl, isFirst = true): Promise<ScriptedData> {
  if (isFirst) await control.expect('TYPE I').reply('200 fine')
  const data = await control.passive()
  await control.expect('STOR file')
  return data
}

/** Of a stream the server is asked first what is there. */
export async function storingStream(
  control: ScriptedControl,
  older = '550 nothing there',
): Promise<ScriptedData> {
  await control.expect('TYPE I').reply('200 fine')
  await control.expect('SIZE file').reply(older)
  return storing(control, false)
}

export async function stored(control: ScriptedControl, isFirst = true): Promise<void> {
  const data = await storing(control, isFirst)
  control.reply('150 send')
  expect(CONTENT.equals(await data.readToEnd())).toBe(true)
  await data.end()
  control.reply('226 done')
}

/** What never ends, and is never silent. */
export async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield CONTENT
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
