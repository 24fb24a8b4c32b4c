/** The last step of an atomic upload: whatever happens, either the older file stands or the new one. */
import { expect, test } from 'vitest'
import type { ScriptedControl } from '../support/scripted-server.ts'
import { CONTENT, upload, type Attempt } from './attempt.ts'

const TEMPORARY = String.raw`file\.octoftp-[0-9a-f]{8}`
const about = (verb: string): RegExp => new RegExp(`^${verb} ${TEMPORARY}$`)

/** Takes the file under another name, up to the renaming. */
async function sent(control: ScriptedControl): Promise<void> {
  await control.expect('TYPE I').reply('200 fine')
  const data = await control.passive()
  await control.expect(about('STOR')).reply('150 send')
  await data.readToEnd()
  await data.end()
  control.reply('226 done')
  await control.expect(about('SIZE')).reply(`213 ${CONTENT.length}`)
}

function atomic(dialogue: (control: ScriptedControl, index: number) => Promise<void>): Promise<Attempt> {
  return upload(dialogue, CONTENT, { atomic: true })
}

test('a renaming whose answer was lost is found done, and nothing is deleted', async () => {
  const { result } = await atomic(async (control, index) => {
    if (index === 0) {
      await sent(control)
      await control.expect(about('RNFR')).reply('350 and now?')
      await control.expect('RNTO file')
      return control.reset()
    }
    await control.expect(about('RNFR')).reply('550 no such file')
    await control.expect('TYPE I').reply('200 fine')
    await control.expect(about('SIZE')).reply('550 no such file')
    await control.expect('SIZE file').reply(`213 ${CONTENT.length}`)
  })
  expect(result?.verified.size).toBe('matched')
})

test('where renaming is not allowed the older file stays, and the new one goes', async () => {
  const { error } = await atomic(async (control) => {
    await sent(control)
    await control.expect(about('RNFR')).reply('550 Permission denied')
    await control.expect(about('DELE')).reply('250 gone')
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_NOT_PERMITTED' })
})

/** RNTO is refused since something stands there; the older file is put aside, under the name that is given. */
async function putAside(control: ScriptedControl): Promise<string> {
  await control.expect(about('RNFR')).reply('350 and now?')
  await control.expect('RNTO file').reply('553 it exists')
  await control.expect('SIZE file').reply('213 5')
  await control.expect('RNFR file').reply('350 and now?')
  const [, aside = ''] = (await control.expect(about('RNTO')).reply('250 renamed')).split(' ')
  await control.expect(about('RNFR')).reply('350 and now?')
  return aside
}

test('where nothing can be renamed onto a file, the older one goes when the new one stands', async () => {
  const { result } = await atomic(async (control) => {
    await sent(control)
    const aside = await putAside(control)
    await control.expect('RNTO file').reply('250 renamed')
    await control.expect(`DELE ${aside}`).reply('250 gone')
  })
  expect(result?.bytes).toBe(CONTENT.length)
})

test('where the new one cannot get its name, the older one gets it back', async () => {
  const { error } = await atomic(async (control) => {
    await sent(control)
    const aside = await putAside(control)
    await control.expect('RNTO file').reply('553 not that name')
    await control.expect(`RNFR ${aside}`).reply('350 and now?')
    await control.expect('RNTO file').reply('250 renamed')
    await control.expect(about('DELE')).reply('250 gone')
  })
  expect(error).toMatchObject({ name: 'FtpReplyError', reply: { code: 553 } })
})
