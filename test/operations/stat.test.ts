/** What is there: an answer that says nothing of it is not taken for "nothing". */
import { expect, test } from 'vitest'
import { FtpClient } from '../../src/index.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { scriptedServer, type ScriptedControl } from '../support/scripted-server.ts'

function exists(dialogue: (control: ScriptedControl) => PromiseLike<unknown>): Promise<unknown> {
  return expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready')
      await control.expect(/^USER /).reply('230 come in')
      await control.expect('FEAT').reply('211-what there is', ' MLST type*;size*;', '211 end')
      await dialogue(control)
    })
    const { host, port } = server
    const retry = { attempts: 1 }
    await using ftp = new FtpClient({ host, port, security: 'none', retry, maxConnections: 1 })
    return await ftp.exists('file').catch((error: unknown) => error)
  })
}

test.each([
  ['550 No such file or directory', false],
  ["550 Can't check for file existence", false],
] as const)('%s: nothing is there', async (reply, there) => {
  expect(await exists((control) => control.expect('MLST file').reply(reply))).toBe(there)
})

test.each(['550 file: Permission denied', '451 local error', '530 log in first'])(
  '%s: nobody knows',
  async (reply) => {
    const outcome = await exists((control) => control.expect('MLST file').reply(reply))
    expect(outcome).toMatchObject({ name: 'FtpReplyError', reply: { code: Number(reply.slice(0, 3)) } })
  },
)

test('MLST that is listed and not known: the other questions are asked', async () => {
  const outcome = await exists(async (control) => {
    await control.expect('MLST file').reply('502 what?')
    await control.expect('MLST file').reply('502 what?')
    await control.expect('PWD').reply('257 "/" is it')
    await control.expect('CWD file').reply('550 no directory')
    await control.expect('CWD /').reply('250 fine')
    await control.expect('TYPE I').reply('200 fine')
    await control.expect('SIZE file').reply('213 5')
    await control.expect('MDTM file').reply('213 20200102030405')
  })
  expect(outcome).toBe(true)
})
