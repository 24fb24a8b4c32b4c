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
    await control.expect('TYPE I').reply('200 fine')
    await control.expect('PWD').reply('257 "/" is it')
    await control.expect('CWD file').reply('550 no directory')
    await control.expect('SIZE file').reply('213 5')
    await control.expect('MDTM file').reply('213 20200102030405')
  })
  expect(outcome).toBe(true)
})

/** A server without MLST; behind the login of each connection it plays `dialogue`. */
async function withoutMachine(
  dialogue: (control: ScriptedControl, index: number) => Promise<void>,
  use: (ftp: FtpClient) => Promise<void>,
): Promise<void> {
  await expectNoLeaks(async () => {
    await using server = await scriptedServer(async (control, index) => {
      control.reply('220 ready')
      await control.expect(/^USER /).reply('230 come in')
      if (index === 0) await control.expect('FEAT').reply('211-little', ' SIZE', '211 end')
      await dialogue(control, index)
    })
    const { host, port } = server
    const options = { retry: { minDelay: 1 }, maxConnections: 1, timeouts: { reply: 300 } }
    await using ftp = new FtpClient({ host, port, security: 'none', ...options })
    await use(ftp)
  })
}

test('without MLST three questions go out at once, and whatever is behind a CWD is not believed', async () => {
  await withoutMachine(
    async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      await control.expect('PWD').reply('257 "/" is it')
      for (const verb of ['CWD', 'SIZE', 'MDTM']) await control.expect(`${verb} a`)
      control.reply('550 no directory')
      control.reply('213 5')
      control.reply('213 20200102030405')
      await control.expect('CWD b').reply('250 it is one')
      await control.expect('SIZE b').reply('213 7')
      await control.expect('MDTM b').reply('213 20200102030405')
      await control.expect('CWD /').reply('250 back')
    },
    async (ftp) => {
      expect(await ftp.stat('a')).toMatchObject({
        ...{ type: 'file', size: 5, modifiedAt: new Date('2020-01-02T03:04:05Z') },
      })
      const { type, size } = await ftp.stat('b')
      expect([type, size]).toEqual(['directory', undefined])
    },
  )
})

test('a server that drops what comes behind a question is asked one by one, by itself', async () => {
  await withoutMachine(
    async (control, index) => {
      if (index === 0) {
        await control.expect('TYPE I').reply('200 fine')
        await control.expect('PWD').reply('257 "/" is it')
        await control.expect('CWD a').reply('550 no directory')
        await control.expect('SIZE a')
        await control.expect('MDTM a')
        return control.silence()
      }
      await control.expect('PWD').reply('257 "/" is it')
      await control.expect('CWD a').reply('550 no directory')
      await control.expect('TYPE I').reply('200 fine')
      await control.expect('SIZE a').reply('213 5')
      await control.expect('MDTM a').reply('550 no')
      await control.expect('CWD b').reply('550 no')
      await control.expect('SIZE b').reply('213 7')
      await control.expect('MDTM b').reply('550 no')
    },
    async (ftp) => {
      expect(await ftp.stat('a')).toMatchObject({ type: 'file', size: 5 })
      expect(await ftp.stat('b')).toMatchObject({ type: 'file', size: 7 })
    },
  )
})
