import { describe, expect, test } from 'vitest'
import { modificationTime, size, sizeAndModificationTime } from '../../src/session/facts.ts'
import type { Session } from '../../src/session/session.ts'
import { unknownServer } from '../../src/session/server-profile.ts'
import type { ScriptedControl } from '../support/scripted-server.ts'
import { open, server } from './logged-in.ts'

async function asked<T>(
  question: string,
  answer: string[],
  ask: (session: Session) => Promise<T>,
): Promise<T> {
  await using scripted = await server(async (control) => {
    if (question.startsWith('SIZE')) await control.expect('TYPE I').reply('200 fine')
    await control.expect(question).reply(...answer)
  })
  const session = await open(scripted)
  try {
    return await ask(session)
  } finally {
    session.destroy(new Error('over'))
  }
}

describe('size', () => {
  test.each([
    ['213 0', 0],
    ['213 9007199254740991', Number.MAX_SAFE_INTEGER],
    ['550 no such file', undefined],
    ['502 not implemented', undefined],
    ['451 not now', undefined],
    ['213 a lot', undefined],
  ])('%s: %s', async (answer, expected) => {
    expect(await asked('SIZE a.bin', [answer], (session) => size(session, 'a.bin'))).toBe(expected)
  })

  test('421 is no answer to the question', async () => {
    const asking = asked('SIZE a.bin', ['421 too many'], (session) => size(session, 'a.bin'))
    await expect(asking).rejects.toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS', retryable: true })
  })

  test('the bytes of a name go out as they are', async () => {
    const name = Uint8Array.of(0x61, 0x20, 0x62)
    expect(await asked('SIZE a b', ['213 7'], (session) => size(session, name))).toBe(7)
  })
})

describe('modificationTime', () => {
  test.each([
    ['213 20240506070809', new Date('2024-05-06T07:08:09Z')],
    ['213 20240506070809.5', new Date('2024-05-06T07:08:09.500Z')],
    ['500 what', undefined],
    ['213 yesterday', undefined],
  ])('%s: %s', async (answer, expected) => {
    expect(await asked('MDTM a.bin', [answer], (session) => modificationTime(session, 'a.bin'))).toEqual(
      expected,
    )
  })

  test('421 is no answer to the question', async () => {
    const asking = asked('MDTM a.bin', ['421 bye'], (session) => modificationTime(session, 'a.bin'))
    await expect(asking).rejects.toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS' })
  })
})

describe('both at once', () => {
  const KNOWN = { greeting: '220 (vsFTPd 3.0.3)' }
  const modified = new Date('2024-05-06T07:08:09Z')

  test.each([
    '220 (vsFTPd 3.0.3)',
    '220 ProFTPD Server ready.',
    '220 Welcome to Pure-FTPd',
    '220 pyftpdlib 1.5.7',
  ])('in one round trip, of a server that is known to stand it: %s', async (greeting) => {
    const together = async (control: ScriptedControl): Promise<void> => {
      for (const line of ['TYPE I', 'SIZE a.bin', 'MDTM a.bin']) await control.expect(line)
      for (const reply of ['200 fine', '213 7', '213 20240506070809']) control.reply(reply)
      // The type stands.
      for (const line of ['SIZE b.bin', 'MDTM b.bin']) await control.expect(line)
      for (const reply of ['550 no such file', '550 no such file']) control.reply(reply)
    }
    await using scripted = await server(together, { greeting })
    const profile = unknownServer()
    const session = await open(scripted, {}, { profile })
    expect(await sizeAndModificationTime(session, 'a.bin')).toEqual({ size: 7, modified })
    expect(profile.bursts).toBe('work')
    expect(await sizeAndModificationTime(session, 'b.bin')).toEqual({})
    session.destroy(new Error('over'))
  })

  test('one by one of any other', async () => {
    const inTurn = async (control: ScriptedControl): Promise<void> => {
      for (const [line, reply] of [
        ['TYPE I', '200 fine'],
        ['SIZE a.bin', '213 7'],
        ['MDTM a.bin', '213 20240506070809'],
      ] as const) {
        await control.expect(line)
        expect(control.hasMore).toBe(false)
        control.reply(reply)
      }
    }
    await using scripted = await server(inTurn)
    const profile = unknownServer()
    const session = await open(scripted, {}, { profile })
    expect(await sizeAndModificationTime(session, 'a.bin')).toEqual({ size: 7, modified })
    expect(profile.bursts).toBe('untried')
    session.destroy(new Error('over'))
  })

  test.each([
    [['421 bye', '421 bye', '421 bye'], 'TYPE I'],
    [['200 fine', '421 bye', '421 bye'], 'SIZE a.bin'],
    [['200 fine', '213 7', '421 bye'], 'MDTM a.bin'],
  ])('%j is no answer to the question', async (replies, command) => {
    const leaving = async (control: ScriptedControl): Promise<void> => {
      for (const line of ['TYPE I', 'SIZE a.bin', 'MDTM a.bin']) await control.expect(line)
      for (const reply of replies) control.reply(reply)
    }
    await using scripted = await server(leaving, KNOWN)
    const session = await open(scripted)
    await expect(sizeAndModificationTime(session, 'a.bin')).rejects.toMatchObject({
      ...{ code: 'ERR_FTP_TOO_MANY_CONNECTIONS', command },
    })
    session.destroy(new Error('over'))
  })
})
