/** What links lead to, by what a server answers. Real ones are in links.test.ts. */
import { expect, test } from 'vitest'
import { behindLinks } from '../../src/mirror/behind-link.ts'
import { Train } from '../../src/session/train.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { letIn, open } from '../session/logged-in.ts'

test('relative paths mean the same one behind the other, and a directory with a size is one', async () => {
  await using server = await scriptedServer(async (control) => {
    await letIn(control)
    await control.expect('TYPE I').reply('200 fine')
    await control.expect('PWD').reply('257 "[octo]"')
    await control.expect('SIZE a').reply('213 4096')
    await control.expect('MDTM a').reply('550 no')
    await control.expect('CWD a').reply('250 fine')
    await control.expect('PWD').reply('257 "[octo.real]"')
    await control.expect('CWD [octo]').reply('250 back')
    await control.expect('SIZE b').reply('502 unknown')
    await control.expect('MDTM b').reply('213 20260520120000')
    await control.expect('CWD b').reply('550 no directory')
    await control.expect('PWD').reply('257 "[octo]"')
    await control.expect('CWD [octo]').reply('250 back')
    await control.expect('SIZE c').reply('550 no')
    await control.expect('MDTM c').reply('550 no')
    await control.expect('CWD c').reply('550 no')
    await control.expect('PWD').reply('257 "[octo]"')
    await control.expect('CWD [octo]').reply('250 back')
  })
  const session = await open(server)
  const train = await Train.on(session)
  expect(await behindLinks({ train, session }, ['a', 'b', 'c'])).toEqual([
    { is: 'directory', real: '[octo.real]' },
    { is: 'file', size: undefined, modifiedMs: Date.UTC(2026, 4, 20, 12) },
    { is: 'nothing' },
  ])
  session.destroy(undefined)
})
