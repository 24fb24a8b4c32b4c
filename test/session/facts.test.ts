import { describe, expect, test } from 'vitest'
import { modificationTime, size } from '../../src/session/facts.ts'
import type { Session } from '../../src/session/session.ts'
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
