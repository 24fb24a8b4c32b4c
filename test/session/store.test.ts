/** Why a STOR failed: what explains it, and not what follows from it. */
import { expect, test } from 'vitest'
import type { Session } from '../../src/session/session.ts'
import { store, type StoreResult } from '../../src/session/store.ts'
import { expectNoLeaks } from '../support/leaks.ts'
import { namingPort, type ScriptedControl } from '../support/scripted-server.ts'
import { closedPort } from '../support/scripted/dead-port.ts'
import { open, server } from './logged-in.ts'

function send(session: Session, ...chunks: readonly string[]): Promise<StoreResult> {
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  return store(session, {
    ...{ verb: 'STOR', path: 'file', type: 'I', offset: 0, source: source(), limits: [] },
    ...{ onSent: () => {}, signal: undefined },
  })
}

/** The second of two uploads on one session. */
function second(dialogue: (control: ScriptedControl) => Promise<void>): Promise<unknown> {
  return expectNoLeaks(async () => {
    await using scripted = await server(async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      const data = await control.passive()
      await control.expect('STOR file').reply('150 send')
      await data.readToEnd()
      await data.end()
      control.reply('226 done')
      await dialogue(control)
    })
    const session = await open(scripted)
    await send(session, 'first')
    const outcome = await send(session, 'second').catch((error: unknown) => error)
    session.destroy(new Error('over'))
    return outcome
  })
}

test('a data connection that cannot be made, and not the silence behind it', async () => {
  const error = await second(async (control) => {
    await control.passive({ reply: namingPort(await closedPort('127.0.0.1')) })
    await control.expect('STOR file')
    await control.silence()
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_DATA' })
  expect((error as Error).message).toContain('ECONNREFUSED')
})

test('522 in clear is a refusal: there is no TLS session to be resumed', async () => {
  const error = await second(async (control) => {
    await control.passive()
    await control.expect('STOR file').reply('522 SSL connection failed: session reuse required')
  })
  expect(error).toMatchObject({ code: 'ERR_FTP_REPLY', reply: { code: 522 } })
})

test('everything was sent, and no 226 comes: it is not confirmed, and why', async () => {
  const result = await second(async (control) => {
    const data = await control.passive()
    await control.expect('STOR file').reply('150 send')
    await data.readToEnd()
    await data.end()
    await control.reset()
  })
  expect(result).toMatchObject({ isConfirmed: false, doubt: { code: 'ERR_FTP_CONTROL_CLOSED' } })
})

test('a server may be busy with what it got for longer than data may be silent', async () => {
  const result = await expectNoLeaks(async () => {
    await using scripted = await server(async (control) => {
      await control.expect('TYPE I').reply('200 fine')
      const data = await control.passive()
      await control.expect('STOR file').reply('150 send')
      await data.readToEnd()
      await control.delay(600)
      await data.end()
      control.reply('226 done')
    })
    const session = await open(scripted, { timeouts: { data: 200, completion: 20_000 } })
    const stored = await send(session, 'file')
    session.destroy(new Error('over'))
    return stored
  })
  expect(result).toMatchObject({ bytes: 4, isConfirmed: true })
})
