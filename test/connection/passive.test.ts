import { describe, expect, test } from 'vitest'
import { askPassive, EPSV, isEndpoint, PASV } from '../../src/connection/passive.ts'
import type { PassiveHostRule } from '../../src/protocol/endpoint.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { controlTo } from './controlled.ts'

interface Asked {
  readonly rule?: PassiveHostRule
  readonly late?: boolean
}

async function ask(
  verb: typeof EPSV,
  replies: string[],
  { rule = 'control', late = false }: Asked = {},
): Promise<unknown> {
  await using server = await scriptedServer(async (control) => {
    await control.expect(verb.verb).reply(...replies)
  })
  const control = await controlTo(server)
  try {
    return await askPassive(control, verb, { timeoutMs: 300, passiveHost: rule, lateReplyPossible: late })
  } finally {
    control.destroy(new Error('over'))
  }
}

describe('askPassive', () => {
  test('goes to the host of the control connection, or where it is told to', async () => {
    expect(await ask(EPSV, ['229 go (|||2000|)'])).toEqual({ address: '127.0.0.1', port: 2_000 })
    const there = '227 go (203,0,113,9,7,208)'
    expect(await ask(PASV, [there])).toEqual({ address: '127.0.0.1', port: 2_000 })
    expect(await ask(PASV, [there], { rule: 'server' })).toEqual({ address: '203.0.113.9', port: 2_000 })
  })

  test('a refusal is an answer, a full server an error', async () => {
    const answer = await ask(EPSV, ['500 what'])
    expect(answer).toMatchObject({ code: 500 })
    expect(isEndpoint(answer as never)).toBe(false)
    await expect(ask(PASV, ['421 too many'])).rejects.toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS' })
  })

  test.each(['226', '225', '426', '451', '250'])(
    'one late %s is dropped where one may come',
    async (code) => {
      expect(await ask(EPSV, [`${code} late`, '229 go (|||2000|)'], { late: true })).toMatchObject({
        port: 2_000,
      })
    },
  )

  test('a late reply where none may come, or a second one, is not', async () => {
    await expect(ask(EPSV, ['226 late', '229 go (|||2000|)'])).rejects.toMatchObject({
      code: 'ERR_FTP_MALFORMED_REPLY',
    })
    const twice = ask(EPSV, ['226 late', '226 later', '229 go (|||2000|)'], { late: true })
    await expect(twice).rejects.toMatchObject({ code: 'ERR_FTP_MALFORMED_REPLY' })
  })

  test('a port of a well-known service is not gone to', async () => {
    await expect(ask(EPSV, ['229 go (|||25|)'])).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_FTP_/) as unknown,
    })
  })
})
