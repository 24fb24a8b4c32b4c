import { expect, test } from 'vitest'
import { endpointOf, EPSV, PASV, type PassiveEndpoint } from '../../src/connection/passive.ts'
import type { Command } from '../../src/protocol/command.ts'
import type { PassiveHostRule } from '../../src/protocol/endpoint.ts'
import { ReplyParser } from '../../src/protocol/reply-parser.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { controlTo } from './controlled.ts'

/** What a reply means on a control connection to 127.0.0.1. */
async function meaning(
  verb: Command,
  line: string,
  rule: PassiveHostRule = 'control',
): Promise<PassiveEndpoint | undefined> {
  await using server = await scriptedServer(() => Promise.resolve())
  const control = await controlTo(server)
  const [reply] = new ReplyParser().push(Buffer.from(`${line}\r\n`))
  if (reply === undefined) throw new Error(`no reply: ${line}`)
  try {
    return endpointOf(reply, verb, control, rule)
  } finally {
    control.destroy(new Error('over'))
  }
}

test('goes to the host of the control connection, or where it is told to', async () => {
  expect(await meaning(EPSV, '229 go (|||2000|)')).toEqual({ address: '127.0.0.1', port: 2_000 })
  const there = '227 go (203,0,113,9,7,208)'
  expect(await meaning(PASV, there)).toEqual({ address: '127.0.0.1', port: 2_000 })
  expect(await meaning(PASV, there, 'server')).toEqual({ address: '203.0.113.9', port: 2_000 })
})

test('a refusal is no endpoint, a full server an error', async () => {
  expect(await meaning(EPSV, '500 what')).toBeUndefined()
  await expect(meaning(PASV, '421 too many')).rejects.toMatchObject({ code: 'ERR_FTP_TOO_MANY_CONNECTIONS' })
})

test('a completion that names no port is none', async () => {
  await expect(meaning(EPSV, '226 late')).rejects.toMatchObject({ code: 'ERR_FTP_MALFORMED_REPLY' })
})

test('a port of a well-known service is not gone to', async () => {
  await expect(meaning(EPSV, '229 go (|||25|)')).rejects.toMatchObject({ code: 'ERR_FTP_UNSAFE_HOST' })
})
