import { expect, test } from 'vitest'
import { changeDirectory } from '../../src/session/files.ts'
import { isDirectory } from '../../src/session/is-directory.ts'
import { open, server } from './logged-in.ts'

test('without MLST a CWD tells; a refused one needs no way back, and PWD is asked once', async () => {
  await using scripted = await server(async (control) => {
    await control.expect('PWD').reply('257 "/users/octo"')
    await control.expect('CWD a.bin').reply('550 Failed to change directory.')
    await control.expect('CWD b').reply('250 there')
    await control.expect('CWD /users/octo').reply('250 back')
    await control.expect('CWD c.bin').reply('550 Failed to change directory.')
  })
  const session = await open(scripted)
  try {
    expect(await isDirectory(session, 'a.bin')).toBe(false)
    expect(await isDirectory(session, 'b')).toBe(true)
    expect(await isDirectory(session, 'c.bin')).toBe(false)
    expect(session.isAtBase).toBe(true)
  } finally {
    session.destroy(new Error('over'))
  }
})

test('who is away stays away behind a CWD that is refused', async () => {
  await using scripted = await server(async (control) => {
    await control.expect('PWD').reply('257 "/users/octo"')
    await control.expect('CWD a').reply('250 there')
    await control.expect('CWD b').reply('550 no')
    await control.expect('CWD /users/octo').reply('250 back')
  })
  const session = await open(scripted)
  try {
    await changeDirectory(session, 'a')
    await expect(changeDirectory(session, 'b')).rejects.toMatchObject({ code: 'ERR_FTP_REPLY' })
    expect(session.isAtBase).toBe(false)
    await session.goBack()
    expect(session.isAtBase).toBe(true)
  } finally {
    session.destroy(new Error('over'))
  }
})
